"""duckdb with a bounded memory, and with names and paths that may hold any character."""

# ruff: noqa: S608 - names and texts are quoted before they come into SQL

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

MEMORY = "500MB"  # beyond which duckdb writes to the disk
THREADS = 2


@contextmanager
def connection(folder: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, which spills into a temporary folder (within `folder`, if given)."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="duckdb-") as spill:
        connected = duckdb.connect()
        for setting in (f"memory_limit = '{MEMORY}'", f"threads = {THREADS}", f"temp_directory = {text(spill)}"):
            connected.execute(f"SET {setting}")
        connected.execute("SET preserve_insertion_order = false")
        try:
            yield connected
        finally:
            connected.close()


def quoted(name: str) -> str:
    """A name of a column or table in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def parquet(paths: Sequence[Path], by_day: bool = True) -> str:
    """The table of some Parquet files in SQL, matched by column names.

    by_day: the files are in folders `day=...`, which give a column `day`. Else there is a column `filename`.
    """
    listed = ", ".join(text(plain(str(path))) for path in paths)
    more = "hive_partitioning=true, hive_types={'day': DATE}" if by_day else "hive_partitioning=false, filename=true"
    return f"read_parquet([{listed}], union_by_name=true, {more})"


def columns(connected: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The names of a table's columns."""
    found: list[tuple[Any, ...]] = connected.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return [row[0] for row in found]


def plain(path: str) -> str:
    """The path with the signs of a glob escaped."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)
