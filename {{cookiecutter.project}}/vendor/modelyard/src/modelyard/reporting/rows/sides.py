"""The two sides of a comparison of data, main's and the one here: their columns, and the files in which they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow.parquet

from ...runtime.column import Column
from ...runtime.contract import Contract
from ..engine import plain, quoted, text

NUMBERS = ("integer", "number")


@dataclass(frozen=True)
class Side:
    """One side: its contract, and the Parquet files that are compared, by their periods."""

    contract: Contract
    files: Mapping[str, Path]

    @cached_property
    def rows(self) -> int:
        """The number of rows in all files."""
        return sum(pyarrow.parquet.read_metadata(path).num_rows for path in self.files.values())


@dataclass(frozen=True)
class Sides:
    """Both sides. A column that is personal data in one of them is masked in both."""

    main: Side
    this: Side

    @cached_property
    def common(self) -> list[str]:
        """The columns of both that can be compared: of the same type, or both numbers."""
        main, this = self.main.contract.columns, self.this.contract.columns
        return [name for name in this if name in main and _comparable(main[name], this[name])]

    @cached_property
    def added(self) -> list[str]:
        """The columns that main does not have."""
        return [name for name in self.this.contract.columns if name not in self.main.contract.columns]

    @cached_property
    def removed(self) -> list[str]:
        """The columns that only main has."""
        return [name for name in self.main.contract.columns if name not in self.this.contract.columns]

    @cached_property
    def retyped(self) -> dict[str, tuple[str, str]]:
        """The columns of both whose type changed: main's and the one here."""
        main = self.main.contract.columns
        return {
            name: (main[name].type, column.type)
            for name, column in self.this.contract.columns.items()
            if name in main and main[name].type != column.type
        }

    @cached_property
    def ids(self) -> list[str]:
        """The ids by which rows of both are paired: this contract's, else main's; empty if both do not have them."""
        for contract in (self.this.contract, self.main.contract):
            ids = list(contract.named("id"))
            if ids and all(name in self.common for name in ids):
                return ids
        return []

    @cached_property
    def masked(self) -> set[str]:
        """The columns that are personal data."""
        both = [self.main.contract.columns, self.this.contract.columns]
        return {name for columns in both for name, column in columns.items() if column.pii}

    def twins(self) -> list[tuple[str, str]]:
        """Each column that was removed with each of its type that was added: one may be the other's new name."""
        main, this = self.main.contract.columns, self.this.contract.columns
        return [(old, new) for old in self.removed for new in self.added if _comparable(main[old], this[new])]

    def query(self, side: Side, aliases: Mapping[str, str]) -> str:
        """The rows of one side in SQL: columns by name, under these aliases.

        Columns are told apart by position, because duckdb takes names that differ in case for the same.
        """
        other = self.this if side is self.main else self.main
        source, none = (side, "") if side.files else (other, " LIMIT 0")
        paths = [source.files[period] for period in sorted(source.files)]
        names = pyarrow.parquet.read_schema(paths[0]).names
        listed = ", ".join(text(plain(str(path))) for path in paths)
        columns = ", ".join(f"c{place}" for place in range(len(names)))
        picked = ", ".join(f"c{names.index(name)} AS {quoted(alias)}" for name, alias in aliases.items())
        read = f"read_parquet([{listed}], hive_partitioning=false)"
        return f"SELECT {picked or '1'} FROM {read} AS t({columns}){none}"  # noqa: S608 - paths and aliases are quoted


def aliases(names: Sequence[str], prefix: str) -> dict[str, str]:
    """A short alias for each column."""
    return {name: f"{prefix}{place}" for place, name in enumerate(names)}


def _comparable(main: Column, this: Column) -> bool:
    return main.type == this.type or (main.type in NUMBERS and this.type in NUMBERS)
