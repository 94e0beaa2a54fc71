"""Files of a store without some of their rows. The new file is there before the old one goes."""

# ruff: noqa: S608 - names and texts are quoted before they come into SQL

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ..reporting.engine import quoted, text
from ..runtime.hashing import sha256
from ..serving.log.compressor import LEVEL
from .layout import LABELS, RAW, id_column, input_column
from .ledger import Ledger, RawFile
from .predictions import newest, put_day
from .store import Store
from .torn import all_lines

WHOLE = ("request", "row", "time", "bundle")  # what each line of the log has
LABEL_NAME = re.compile(rf"{LABELS}/(\d{{6}})-[0-9a-f]{{16}}\.parquet")
RAW_NAME = re.compile(rf"({RAW}/.+?)(?:-[0-9a-f]{{16}})?(?:\.\d+)?\.jsonl\.gz")


@dataclass(frozen=True)
class NotSince:
    """Labels that became known before a day."""

    day: str

    def condition(self, columns: Collection[str]) -> str:
        """The condition in SQL on a table with these columns."""
        return f"known < TIMESTAMP {text(self.day)}" if "known" in columns else "false"


@dataclass(frozen=True)
class Person:
    """Rows whose ids have one of these values. keys: (request, row) of answered rows that do."""

    values: Mapping[str, Collection[str]]
    keys: Collection[tuple[str, int]] = ()

    def condition(self, columns: Collection[str]) -> str:
        """The condition in SQL on a table with these columns."""
        parts = [
            f"coalesce({quoted(column)}::VARCHAR IN ({', '.join(map(text, values))}), false)"
            for name, values in self.values.items()
            for column in (id_column(name), input_column(name), name)
            if column in columns
        ]
        if self.keys and {"request", "row"} <= set(columns):
            listed = ", ".join(f"({text(request)}, {row})" for request, row in self.keys)
            parts.append(f"coalesce((request, row) IN ({listed}), false)")
        return " OR ".join(parts) or "false"

    def has(self, line: Mapping[str, Any]) -> bool:
        """Whether a line of the log is one of these rows."""
        if (line.get("request"), line.get("row")) in self.keys:
            return True
        sent = {**(line.get("inputs") or {}), **(line.get("ids") or {})}
        return any(_said(sent.get(name)) in values for name, values in self.values.items())

    def may_have(self, torn: bytes) -> bool:
        """Whether what is left of a torn line names one of the ids."""
        return any(
            f"{json.dumps(name, ensure_ascii=False)}:{said}".encode() in torn
            for name, values in self.values.items()
            for value in values
            for said in (json.dumps(value, ensure_ascii=False), value)
        )


def find(path: Path, rows: Person) -> list[tuple[str, int]]:
    """The keys of the rows in a file of predictions."""
    return duckdb.execute(f"SELECT request, row FROM {_read(path)} WHERE {rows.condition(columns_of(path))}").fetchall()


def without(path: Path, target: Path, rows: Person | NotSince) -> tuple[int, int]:
    """Write a Parquet file without rows, in their order; how many are left out, and how many stay."""
    condition = rows.condition(columns_of(path))
    count = f"SELECT count(*) FILTER ({condition}), count(*) FROM {_read(path)}"
    ((left_out, total),) = duckdb.execute(count).fetchall()
    if left_out:
        kept = f"SELECT * FROM {_read(path)} WHERE NOT ({condition})"
        duckdb.execute(f"COPY ({kept}) TO {text(str(target))} (FORMAT parquet, COMPRESSION zstd)")
        _allow_missing(target)
    return left_out, total - left_out


def _allow_missing(path: Path) -> None:
    """Let every column have missing values: duckdb writes a full one as one that cannot, and so files would differ."""
    schema = pq.read_schema(path)
    if not all(column.nullable for column in schema):
        pq.write_table(
            pq.read_table(path).cast(pa.schema([column.with_nullable(True) for column in schema])),
            path,
            compression="zstd",
        )


def columns_of(path: Path) -> list[str]:
    """The columns of a Parquet file."""
    return [row[0] for row in duckdb.execute(f"DESCRIBE SELECT * FROM {_read(path)}").fetchall()]


def rewrite_labels(store: Store, rows: Person | NotSince) -> int:
    """Remove labels from the store; how many. Raises StoreError."""
    removed = 0
    for name in store.names(LABELS):
        if not (matched := LABEL_NAME.fullmatch(name)):
            continue
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "without.parquet"
            left_out, stay = without(store.copy_of(name, Path(folder)), target, rows)
            if left_out and stay:
                store.put(target, f"{LABELS}/{matched[1]}-{sha256(target)[:16]}.parquet")
            if left_out:
                store.remove(name)
        removed += left_out
    return removed


def rewrite_day(store: Store, ledger: Ledger, day: str, rows: Person) -> int:
    """Remove rows from the predictions of a day; how many. The ledger is changed, not written. Raises StoreError."""
    before = newest(store)[day]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{day}.parquet"
        left_out, stay = without(store.copy_of(before, Path(folder)), target, rows)
        if left_out:
            name = put_day(store, day, target, before)
            store.remove(before)
            if day in ledger.days:
                ledger.days[day].file, ledger.days[day].rows = name, stay
    return left_out


def rewrite_raw(store: Store, ledger: Ledger, name: str, rows: Person) -> int:
    """Remove lines from a log file; how many. The ledger is changed, not written. Raises StoreError."""
    kept: list[bytes] = []
    days: dict[str, int] = {}
    lost = lost_torn = 0
    with tempfile.TemporaryDirectory() as folder:
        for line in all_lines(store.copy_of(name, Path(folder))):
            said = _read_line(line)
            if said is None and rows.may_have(line):
                lost_torn += 1
            elif said and rows.has(said):
                lost += 1
            else:
                kept.append(line + b"\n")
                if said:
                    day = said["time"][:10]
                    days[day] = days.get(day, 0) + 1
    if not lost + lost_torn:
        return 0
    before = ledger.raw.pop(name)
    torn = before.torn - lost_torn
    content = gzip.compress(b"".join(kept), LEVEL, mtime=0)
    lines = sum(days.values()) + torn  # with those that are lost because the file is cut off
    matched = RAW_NAME.fullmatch(name)
    assert matched is not None  # noqa: S101 - only such names are in the ledger
    new = f"{matched[1]}-{hashlib.sha256(content).hexdigest()[:16]}.{lines}.jsonl.gz"
    if lines:
        store.write(new, content)
        ledger.raw[new] = RawFile(torn, days, before.since)
    store.remove(name)
    return lost + lost_torn


def _read_line(line: bytes) -> dict[str, Any] | None:
    """A line of the log; None if it is torn, as compaction counts it."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    is_whole = isinstance(said, dict) and all(said.get(name) is not None for name in WHOLE)
    return said if is_whole else None


def _read(path: Path) -> str:
    return f"read_parquet({text(str(path))}, hive_partitioning=false)"


def _said(value: Any) -> str | None:
    """A value as the command line has it."""
    return value if isinstance(value, str) or value is None else json.dumps(value)
