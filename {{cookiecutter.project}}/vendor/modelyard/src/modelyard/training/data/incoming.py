"""The rows that a run reads, in a temporary folder beside the periods until all of them are in order."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from .ledger import LedgerEntry
from .periods import period_file, rows_sha256, write_period

PREFIX = ".incoming-"


@dataclass(frozen=True)
class Piece:
    """The rows that one object of the source has of a period, in a file."""

    file: Path
    entry: LedgerEntry


@contextmanager
def incoming(folder: Path, on_disk: Mapping[str, str | None]) -> Iterator[Incoming]:
    """A place for rows on their way to `folder`. What is not moved there is removed, as is what a killed run left.

    on_disk: the hash of the rows in each file of the folder that may stay as it is.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=PREFIX) as temporary, _locked(Path(temporary)):
        (Path(temporary) / ".gitignore").write_text("*\n")
        yield Incoming(folder, Path(temporary), on_disk)


class Incoming:
    """Rows by period, in pieces. A piece that is what the period's own file has already is not written again."""

    def __init__(self, folder: Path, temporary: Path, on_disk: Mapping[str, str | None]) -> None:
        self._folder, self._temporary, self._on_disk = folder, temporary, on_disk
        self._pieces: dict[str, list[Piece]] = {}

    def add(self, period: str, table: pa.Table, sha256: str) -> None:
        """Put a piece after those that are here of its period."""
        self._pieces.setdefault(period, []).append(self._piece(period, table, sha256))

    def tables(self, period: str) -> list[pa.Table]:
        """The pieces of a period."""
        return [pyarrow.parquet.ParquetFile(piece.file).read() for piece in self._pieces.get(period, [])]

    def settle(self, period: str, whole: Callable[[str], pa.Table]) -> LedgerEntry:
        """Make one piece of all that are here of a period, or of none; `whole` gives its rows."""
        pieces = self._pieces.get(period, [])
        if len(pieces) != 1:
            table = whole(period)
            self._pieces[period] = [self._piece(period, table, rows_sha256(table))]
            for piece in pieces:
                if piece.file.is_relative_to(self._temporary):
                    piece.file.unlink()
        return self._pieces[period][0].entry

    def change(self, period: str, changed: Callable[[pa.Table], pa.Table]) -> LedgerEntry:
        """Put other rows in place of those of a period that was settled; `changed` makes them of these."""
        table = changed(pyarrow.parquet.ParquetFile(self._pieces[period][0].file).read())
        self._pieces[period] = [self._piece(period, table, rows_sha256(table))]
        return self._pieces[period][0].entry

    def read(self, period: str, columns: list[str]) -> pa.Table:
        """These columns of a period that was settled."""
        return pyarrow.parquet.ParquetFile(self._pieces[period][0].file).read(columns).select(columns)

    def move(self, periods: Iterable[str], keep: Iterable[str]) -> None:
        """Move these periods, which were settled, into the folder, and remove its files of periods not in `keep`."""
        self._folder.mkdir(exist_ok=True)
        for period in periods:
            # DVC checks files out read-only; renaming replaces them all the same
            self._pieces[period][0].file.replace(period_file(self._folder, period))
        stems = set(keep)
        for file in self._folder.glob("*.parquet"):
            if file.stem not in stems:
                file.unlink()

    def _piece(self, period: str, table: pa.Table, sha256: str) -> Piece:
        file = period_file(self._folder, period)
        if self._on_disk.get(period) != sha256:
            file = period_file(Path(tempfile.mkdtemp(dir=self._temporary)), period)
            write_period(file, table, sha256)
        return Piece(file, LedgerEntry(table.num_rows, sha256))


def _remove_abandoned(parent: Path) -> None:
    """Remove what runs that were killed have left; one that is at work holds the lock of its folder."""
    for folder in parent.glob(f"{PREFIX}*"):
        with _locked(folder) as is_ours:
            if is_ours:
                shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder, which ends with the process; gives False if another process has it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = True
    except BlockingIOError:
        is_ours = False
    try:
        yield is_ours
    finally:
        os.close(handle)
