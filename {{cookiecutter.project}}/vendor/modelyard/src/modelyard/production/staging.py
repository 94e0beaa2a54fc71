"""Lines of the log in a database of duckdb, from which the files of the days are written."""

# ruff: noqa: S608 - names are quoted by `quoted`, texts by `text`

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from ..runtime.contract import Contract
from .layout import FIXED, score_columns
from .lines_query import JSON, TEXT, TYPED, function_of, paths, read_lines, read_type, sent_types
from .logged_columns import Value, quoted, text, values_of
from .torn import whole_lines

GOOD = "request IS NOT NULL AND row IS NOT NULL AND time IS NOT NULL AND bundle IS NOT NULL"
KEY = "request, row, shadow, bundle"  # lines that agree in these are one


@dataclass
class FileLines:
    """What a file of the log holds: lines that cannot be read, and the rows of each prediction day."""

    torn: int = 0
    days: dict[str, int] = field(default_factory=dict)


class Staging:
    """The lines of files.

    folder: where the database is. digest: of the contract. memory: what duckdb may take, such as 1GiB.
    """

    def __init__(self, folder: Path, contract: Contract, digest: str, memory: str = "1GiB") -> None:
        self._folder, self._contract, self._digest = folder, contract, digest
        self._db = duckdb.connect(
            folder / "lines.duckdb",
            config={
                "memory_limit": memory,
                "threads": min(len(os.sched_getaffinity(0)), 4),  # each takes memory of its own
                "temp_directory": str(folder / "spilled"),
                "preserve_insertion_order": False,
            },
        )
        self._db.execute("SET enable_progress_bar = false")
        self._scores = score_columns(contract)
        self._inputs: set[str] = set()  # names that the contract does not have
        self._ids: set[str] = set()
        self._others: list[str] = []  # columns that it does not have
        self._values = values_of(contract)
        self._files = 0
        self.misfits: Counter[str] = Counter()
        """How many values did not fit the type of their column and are missing, by column"""
        columns = {
            **FIXED,
            **dict.fromkeys(self._scores, "DOUBLE"),
            **{value.target: value.type for value in self._values},
            "file": "INTEGER",
            "day": "DATE",
            "misfits": "INTEGER",
        }
        self._db.execute(
            f"CREATE TABLE lines ({', '.join(f'{quoted(name)} {kind}' for name, kind in columns.items())})"
        )
        self._make_readers(self._values)

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._db.close()

    def load(self, files: Mapping[str, Path], days: Collection[str] | None = None) -> dict[str, FileLines]:
        """Add the lines of files, by name, and tell what each holds. days: those whose lines are added (None: all)."""
        first = self._files
        self._files += len(files)
        lost = [0] * len(files)
        numbered = {first + place: path for place, path in enumerate(files.values())}
        try:
            self._insert(numbered, days)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            for place, path in enumerate(files.values()):
                if not self._can_read(path):
                    numbered[first + place], lost[place] = whole_lines(path, self._folder)
            self._insert(numbered, days)
        self._add_other_contracts(numbered, days)
        self._count_misfits(numbered)
        loaded = [FileLines(number) for number in lost]
        query = f"SELECT file, day::VARCHAR, count(*) FROM lines WHERE file >= {first} GROUP BY ALL ORDER BY ALL"
        for file, day, rows in self._db.execute(query).fetchall():
            if day is None:
                loaded[file - first].torn += rows
            else:
                loaded[file - first].days[day] = rows
        return dict(zip(files, loaded, strict=True))

    def add_missing(self, day: str, path: Path) -> None:
        """Add the rows of a day's file that no line has, whose log files are no longer there."""
        described = self._db.execute(
            f"SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet({text(str(path))}))"
        )
        there = [name for (name,) in described.fetchall()]
        types = dict(self._db.execute("SELECT column_name, column_type FROM (DESCRIBE lines)").fetchall())
        for name in there:
            if name not in types:
                self._db.execute(f"ALTER TABLE lines ADD COLUMN {quoted(name)} VARCHAR")
                self._others.append(name)
        cast = ", ".join(
            f"TRY_CAST({quoted(name)} AS {types.get(name, 'VARCHAR')}) AS {quoted(name)}" for name in there
        )
        self._db.execute(
            f"INSERT INTO lines BY NAME SELECT {cast}, -1 AS file, DATE {text(day)} AS day "
            f"FROM read_parquet({text(str(path))}) ANTI JOIN (SELECT {KEY} FROM lines WHERE day = DATE {text(day)}) "
            f"USING ({KEY})"
        )

    def write_day(self, day: str, path: Path) -> tuple[int, int]:
        """Write the file of a day; the number of its rows, and of duplicates that it leaves out."""
        where = f"day = DATE {text(day)}"
        lines, distinct = self._one(f"SELECT count(*), count(DISTINCT hash({KEY})) FROM lines WHERE {where}")
        columns = [*FIXED, *self._scores, *self._columns_of(where)]
        selected = ", ".join(map(quoted, columns))
        chosen = f"SELECT {selected} FROM lines WHERE {where}"
        rows = lines
        if distinct < lines:  # of lines that differ elsewhere, the same is kept whatever else is there
            chosen += f" QUALIFY row_number() OVER (PARTITION BY {KEY} ORDER BY time, hash({selected})) = 1"
            (rows,) = self._one(f"SELECT count(*) FROM (SELECT DISTINCT {KEY} FROM lines WHERE {where})")
        self._db.execute("SET preserve_insertion_order = true")
        self._db.execute(
            f"COPY ({chosen} ORDER BY time, request, row, shadow, bundle) TO {text(str(path))} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        self._db.execute("SET preserve_insertion_order = false")
        return rows, lines - rows

    def _add_other_contracts(self, numbered: Mapping[int, Path], days: Collection[str] | None) -> None:
        """Add the lines of files again of which some have another contract, so that any value may be of any type."""
        query = f"SELECT DISTINCT file FROM lines WHERE file >= {min(numbered)} AND contract IS DISTINCT FROM $1"
        files = {file: numbered[file] for (file,) in self._db.execute(query, [self._digest]).fetchall()}
        if not files:
            return
        inputs, ids = self._unknown_keys(files)
        self._inputs |= inputs
        self._ids |= ids
        known = {value.target for value in self._values}
        self._values = values_of(self._contract, self._inputs, self._ids)
        for value in self._values:
            if value.target not in known:
                self._db.execute(f"ALTER TABLE lines ADD COLUMN {quoted(value.target)} VARCHAR")
                self._others.append(value.target)
        self._db.execute(f"DELETE FROM lines WHERE file IN ({', '.join(map(str, files))})")
        self._insert(files, days, JSON if inputs or ids else TEXT)

    def _unknown_keys(self, files: Mapping[int, Path]) -> tuple[set[str], set[str]]:
        """The names of inputs and of ids in lines of other contracts that this contract does not have."""
        read = read_lines(files, {"contract": "VARCHAR", "inputs": "JSON", "ids": "JSON"})
        keys = "SELECT DISTINCT unnest(json_keys(inputs)), unnest(json_keys(ids))"  # side by side
        pairs = self._db.execute(f"{keys} FROM {read} WHERE contract IS DISTINCT FROM $1", [self._digest]).fetchall()
        inputs, ids = ({pair[place] for pair in pairs} - {None, *self._contract.columns} for place in (0, 1))
        return inputs, ids

    def _insert(self, files: Mapping[int, Path], days: Collection[str] | None, form: str = TYPED) -> None:
        values = self._values if form == JSON else [value for value in self._values if value.column]
        score = "VARCHAR" if form != TYPED else "DOUBLE[]" if len(self._scores) > 1 else "DOUBLE"
        read = read_lines(files, {**FIXED, "score": score, **sent_types(values, form)})
        texts = [f"{value.text(form == JSON)} AS t{place}" for place, value in enumerate(values)]
        casts = [
            f"t{place} AS v{place}"
            if read_type(value, form) == value.type != "VARCHAR"
            else f"{value.cast(f't{place}', f'moment_{function_of(value)}')} AS v{place}"
            for place, value in enumerate(values)
        ]
        misfits = [value.misfit(f"t{place}", f"v{place}") for place, value in enumerate(values) if form != TYPED]
        one = "TRY_CAST(score AS DOUBLE[])" if len(self._scores) > 1 else "[TRY_CAST(score AS DOUBLE)]"
        selected = {
            **{name: f"coalesce({name}, false)" if name == "shadow" else name for name in FIXED},
            **{name: f"scores[{place + 1}]" for place, name in enumerate(self._scores)},
            **{value.target: f"v{place}" for place, value in enumerate(values)},
            "file": f"[{', '.join(map(str, files))}][list_position([{paths(files)}], filename)]",
            "day": f"CASE WHEN {GOOD} THEN time::DATE END",
            "misfits": " + ".join(f"{one}::INTEGER" for one in [*misfits, "(score IS NOT NULL AND scores[1] IS NULL)"]),
        }
        chosen = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in selected.items())
        where = "" if days is None else f" WHERE day IN ({', '.join(f'DATE {text(day)}' for day in sorted(days))})"
        self._db.execute(
            f"INSERT INTO lines BY NAME SELECT * FROM (SELECT {chosen} FROM (SELECT *, {', '.join(casts)} FROM "
            f"(SELECT *, {', '.join(texts)}, {one} AS scores FROM {read}))){where}"
        )

    def _count_misfits(self, files: Mapping[int, Path]) -> None:
        """Count by column the values that did not fit; reads files again that have some."""
        query = f"SELECT DISTINCT file FROM lines WHERE file >= {min(files)} AND misfits > 0 AND day IS NOT NULL"
        odd = {file: files[file] for (file,) in self._db.execute(query).fetchall()}
        if not odd:
            return
        read = read_lines(odd, {**FIXED, "score": "VARCHAR", **sent_types(self._values, JSON)})
        for value in self._values:
            cast = value.cast("t", f"moment_{function_of(value)}")
            (number,) = self._one(
                f"SELECT count(*) FROM (SELECT t, {cast} AS v FROM (SELECT {value.text(True)} AS t FROM {read} "
                f"WHERE {GOOD})) WHERE {value.misfit('t', 'v')}"
            )
            if number:
                self.misfits[value.target] += number

    def _columns_of(self, where: str) -> list[str]:
        """The columns of the values: those of the contract, and others of which the day has a value."""
        known = [value.target for value in self._values if value.column]
        if not self._others:
            return known
        counts = self._one(
            f"SELECT {', '.join(f'count({quoted(name)})' for name in self._others)} FROM lines WHERE {where}"
        )
        return known + sorted(name for name, count in zip(self._others, counts, strict=True) if count)

    def _make_readers(self, values: Sequence[Value]) -> None:
        for value in values:
            if value.type == "TIMESTAMP":
                self._db.create_function(f"moment_{function_of(value)}", value.reader, ["VARCHAR"], "TIMESTAMP")

    def _can_read(self, path: Path) -> bool:
        try:
            self._db.execute(f"SELECT count(request) FROM {read_lines({0: path}, FIXED)}").fetchall()
        except duckdb.Error:
            return False
        return True

    def _one(self, query: str) -> tuple[Any, ...]:
        row = self._db.execute(query).fetchone()
        assert row is not None  # noqa: S101 - an aggregate has one row
        return row
