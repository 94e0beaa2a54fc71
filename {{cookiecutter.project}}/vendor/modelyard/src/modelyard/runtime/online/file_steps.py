"""Steps in an SQLite file, which is written anew beside the one before and replaces it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from ...errors import ContractError
from .steps import Check, StepKey, Steps

TABLES = """
CREATE TABLE feature (name TEXT PRIMARY KEY, definition TEXT NOT NULL);
CREATE TABLE step (feature TEXT, entity TEXT, moment INTEGER, value, PRIMARY KEY (feature, entity, moment))
WITHOUT ROWID;
"""
QUERY = "SELECT value FROM step WHERE feature = ? AND entity = ? AND moment <= ? ORDER BY moment DESC LIMIT 1"


class FileSteps:
    """The steps in a file. Another file in its place is noticed."""

    def __init__(self, path: Path, check: Check) -> None:
        self._path, self._check = path, check
        self._here = threading.local()  # a connection belongs to a thread
        with self._told():
            self._connection()

    def newest(self, keys: Sequence[StepKey]) -> list[tuple[Any] | None]:
        """The values, as `StepStore` says."""
        with self._told():
            connected = self._connection()
            return [connected.execute(QUERY, key).fetchone() for key in keys]

    def _connection(self) -> sqlite3.Connection:
        mark = self._path.stat().st_ino
        if getattr(self._here, "mark", None) != mark:
            address = f"{self._path.absolute().as_uri()}?mode=ro"
            with ExitStack() as stack:
                connected = stack.enter_context(closing(sqlite3.connect(address, uri=True)))
                self._check(dict(connected.execute("SELECT name, definition FROM feature")))
                stack.pop_all()
            if (before := getattr(self._here, "connected", None)) is not None:
                before.close()
            self._here.connected, self._here.mark = connected, mark
        opened: sqlite3.Connection = self._here.connected
        return opened

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ContractError(
                f"the online store {self._path} cannot be read: {error}; make it with `materialize`"
            ) from None


def write_file(path: Path, definitions: Mapping[str, str], steps: Steps) -> dict[str, int]:
    """Write the steps of each feature to a new file that replaces `path` as a whole; return how many each has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    counts: dict[str, int] = {}
    try:
        connected = sqlite3.connect(part)
        connected.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {TABLES}")
        for name, found in steps.items():
            rows = ((name, *step) for step in found)
            counts[name] = connected.executemany("INSERT INTO step VALUES (?, ?, ?, ?)", rows).rowcount
            connected.execute("INSERT INTO feature VALUES (?, ?)", (name, definitions[name]))
        connected.commit()
        connected.close()
        os.chmod(part, 0o644)  # the service may be another user
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)
    return {name: max(count, 0) for name, count in counts.items()}
