"""The online store: features with history by entity and time, for rows that do not carry them. An SQLite file.

`materialize` writes it. It holds the steps that training looks up, so a row gets the same value to the last bit. This
module needs the standard library and numpy only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import ContractError
from .column import Column
from .contract import Contract
from .history import HistoryFeature
from .rows import Row
from .times import timestamp

TABLES = """
CREATE TABLE feature (name TEXT PRIMARY KEY, definition TEXT NOT NULL);
CREATE TABLE step (feature TEXT, entity TEXT, moment INTEGER, value, PRIMARY KEY (feature, entity, moment))
WITHOUT ROWID;
"""
QUERY = "SELECT value FROM step WHERE feature = ? AND entity = ? AND moment <= ? ORDER BY moment DESC LIMIT 1"

Step = tuple[str, int, Any]  # the text of an entity, microseconds since 1970, and the value from then on


class OnlineStore:
    """An online store, opened for the features of a contract. Another file in its place is noticed.

    Raises ContractError if there is none, or it was made with another definition of one of the features.
    """

    def __init__(self, path: str | Path, contract: Contract) -> None:
        self._path, self._contract = Path(path), contract
        self._here = threading.local()  # a connection belongs to a thread
        with self._told():
            made = dict(self._connection().execute("SELECT name, definition FROM feature"))
        if others := [name for name, one in contract.features.items() if made.get(name) != definition(one)]:
            raise ContractError(
                f"{path} does not hold {', '.join(others)} as the contract defines it: make it again with `materialize`"
            )

    def look_up(self, name: str, entities: Sequence[Sequence[Any]], moments: Sequence[int | None]) -> list[Any]:
        """The value of a feature for n entities, each at its time in microseconds since 1970 (None: no time).

        Raises ContractError if the file cannot be read.
        """
        feature = self._contract.features[name]
        columns = [self._contract.columns[key] for key in feature.entity]
        with self._told():
            connected = self._connection()
            return [
                _one(connected, name, feature, entity_text(entity, columns), moment)
                for entity, moment in zip(entities, moments, strict=True)
            ]

    def filled(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """The rows with the features that they do not carry. Raises ContractError if the file cannot be read."""
        made = [dict(row) for row in rows]
        moments = [self._moment(row) for row in rows]
        for name, feature in self._contract.features.items():
            places = [place for place, row in enumerate(made) if row.get(name) is None]
            entities = [[made[place].get(key) for key in feature.entity] for place in places]
            values = self.look_up(name, entities, [moments[place] for place in places])
            for place, value in zip(places, values, strict=True):
                made[place][name] = value
        return made

    def _moment(self, row: Row) -> int | None:
        time = str(self._contract.time)
        try:
            moment = timestamp(row.get(time), self._contract.columns[time])
            return None if moment != moment else int(moment.astype("datetime64[us]").astype("int64"))
        except (ValueError, TypeError, OverflowError):  # which the contract refuses
            return None

    def _connection(self) -> sqlite3.Connection:
        mark = self._path.stat().st_ino
        if getattr(self._here, "mark", None) != mark:
            address = f"{self._path.absolute().as_uri()}?mode=ro"
            self._here.connected, self._here.mark = sqlite3.connect(address, uri=True), mark
        connected: sqlite3.Connection = self._here.connected
        return connected

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ContractError(
                f"the online store {self._path} cannot be read: {error}; make it with `materialize`"
            ) from None


def _one(
    connected: sqlite3.Connection, name: str, feature: HistoryFeature, entity: str | None, moment: int | None
) -> Any:
    found = connected.execute(QUERY, (name, entity, moment)).fetchone() if entity and moment is not None else None
    if found is None:
        return feature.absent
    return bool(found[0]) if feature.column.type == "boolean" and found[0] is not None else found[0]


def write_store(path: Path, contract: Contract, steps: Mapping[str, Iterable[Step]]) -> dict[str, int]:
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
            connected.execute("INSERT INTO feature VALUES (?, ?)", (name, definition(contract.features[name])))
        connected.commit()
        connected.close()
        os.chmod(part, 0o644)  # the service may be another user
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)
    return {name: max(count, 0) for name, count in counts.items()}


def definition(feature: HistoryFeature) -> str:
    """A hash of what a feature's values depend on."""
    told = dataclasses.asdict(dataclasses.replace(feature, description="", owner=""))
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def entity_text(entity: Sequence[Any], columns: Sequence[Column]) -> str | None:
    """The text of an entity in the store; None if a part of it is missing, or not of its column's type."""
    parts = [_part(value, column) for value, column in zip(entity, columns, strict=True)]
    return None if None in parts else json.dumps(parts, ensure_ascii=False)


def _part(value: Any, column: Column) -> str | int | bool | None:
    if column.type == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)  # which the contract takes for the same
    fits = {"string": isinstance(value, str), "boolean": isinstance(value, bool)}
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if fits.get(column.type, is_whole) else None
