"""The difference between two sides whose rows have no ids: whole rows, and each column's profile."""

# ruff: noqa: S608 - names and paths are quoted before they come into SQL

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from ...runtime.column import Column
from ..engine import connection
from .sides import Sides, aliases

QUANTILES = (0.05, 0.5, 0.95)
DIGITS = 12  # significant ones: a sum depends on the order of its parts in those beyond
PART = 2_000_000  # rows of both sides
NAMED = 3  # values of a text


@dataclass(frozen=True)
class Profile:
    """One column: the share of missing values, the number of distinct ones, and for quantities and times what follows.

    ends: the least and the greatest. quantiles: at QUANTILES. All are empty for personal data.
    """

    missing: float
    distinct: int
    ends: tuple[Any, ...] = ()
    mean: Any = None
    quantiles: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Moved:
    """A value of a text, and its share of the values that are present: on main, and here."""

    value: str
    main: float
    this: float


@dataclass(frozen=True)
class ColumnDifference:
    """A column with another profile: that of main, the one here, and of a text the values whose shares moved most."""

    column: str
    main: Profile
    this: Profile
    moved: Sequence[Moved] = ()


@dataclass(frozen=True)
class ProfileDifference:
    """The rows of both sides that have no equal in the other, and the columns whose profiles differ."""

    only_main: int
    only_this: int
    columns: Sequence[ColumnDifference]


def compare_profiles(sides: Sides) -> ProfileDifference:
    """Compare the columns that both sides have, each by itself, and count the rows that are whole as they were."""
    with connection() as connected:
        only_main, only_this = _whole_rows(connected, sides)
        columns = [found for name in sides.common if (found := _compare(connected, sides, name))]
    return ProfileDifference(only_main, only_this, columns)


def _compare(connected: duckdb.DuckDBPyConnection, sides: Sides, name: str) -> ColumnDifference | None:
    masked, column = name in sides.masked, sides.this.contract.columns[name]
    for side, version in (("main", sides.main), ("this", sides.this)):
        connected.execute(f"CREATE OR REPLACE VIEW {side} AS {sides.query(version, {name: 'x'})}")
    main, this = (_profile(connected, side, column, masked) for side in ("main", "this"))
    moved = _moved(connected) if _is_text(column) and not masked else []
    return ColumnDifference(name, main, this, moved) if main != this or moved else None


def _whole_rows(connected: duckdb.DuckDBPyConnection, sides: Sides) -> tuple[int, int]:
    """How many rows each side has beyond those of the other, by a hash of the columns that both have."""
    names = aliases(sides.common, "v")
    if not names:
        return sides.main.rows, sides.this.rows
    numbers = {name for name in names if sides.this.contract.columns[name].is_number}
    # a number is hashed as one, because 1 and 1.0 have two hashes
    hashed = ", ".join(f"{alias}::DOUBLE" if name in numbers else alias for name, alias in names.items())
    main, this = (
        f"SELECT hash({hashed}) AS h, {value} AS n FROM ({sides.query(side, names)})"
        for side, value in ((sides.main, -1), (sides.this, 1))
    )
    connected.execute(f"CREATE TEMP TABLE hashes AS {main} UNION ALL {this}")
    only_main = only_this = 0
    parts = 1 + (sides.main.rows + sides.this.rows) // PART  # so that the groups of one part fit into memory
    for part in range(parts):
        groups = f"SELECT sum(n)::BIGINT AS n FROM hashes WHERE h % {parts} = {part} GROUP BY h"
        found = connected.execute(f"SELECT sum(greatest(-n, 0)), sum(greatest(n, 0)) FROM ({groups})").fetchone()
        only_main, only_this = (
            total + int(more or 0) for total, more in zip((only_main, only_this), found or (0, 0), strict=True)
        )
    connected.execute("DROP TABLE hashes")
    return only_main, only_this


def _profile(connected: duckdb.DuckDBPyConnection, side: str, column: Column, masked: bool) -> Profile:
    wanted = ["count(*)", "count(x)", "count(DISTINCT x)"]
    if not masked and not _is_text(column):
        wanted += ["min(x)", "max(x)", f"quantile_disc(x, {list(QUANTILES)})", "avg(x)"]
    found = connected.execute(f"SELECT {', '.join(wanted)} FROM {side}").fetchone()
    rows, present, distinct, *more = found or (0, 0, 0)
    missing = (rows - present) / rows if rows else 0.0
    if not more or not present:
        return Profile(missing, distinct)
    least, most, quantiles, mean = more
    return Profile(missing, distinct, (least, most), _rounded(mean), tuple(quantiles))


def _moved(connected: duckdb.DuckDBPyConnection) -> list[Moved]:
    """The values of a text whose shares differ most."""
    main, this = (
        f"(SELECT x, count(*) / sum(count(*)) OVER () AS p FROM {side} WHERE x IS NOT NULL GROUP BY x)"
        for side in ("main", "this")
    )
    found = connected.execute(
        "SELECT x::VARCHAR, coalesce(m.p, 0) AS main, coalesce(t.p, 0) AS this "
        f"FROM {main} AS m FULL JOIN {this} AS t USING (x) WHERE main <> this "
        f"ORDER BY abs(main - this) DESC, x LIMIT {NAMED}"
    ).fetchall()
    return [Moved(*row) for row in found]


def _is_text(column: Column) -> bool:
    return column.type in ("string", "boolean")


def _rounded(mean: Any) -> Any:
    if isinstance(mean, datetime.datetime):
        return mean.replace(microsecond=0)
    return float(f"{mean:.{DIGITS}g}")
