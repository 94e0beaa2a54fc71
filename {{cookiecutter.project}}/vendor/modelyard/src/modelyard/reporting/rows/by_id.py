"""The difference between main's data and the data here by a full join on the ids of their rows."""

# ruff: noqa: S608 - names and paths are quoted before they come into SQL

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from ..engine import connection
from .sides import Sides, aliases

EXAMPLES = 10
MASK = "•••"
BOTH = "m.here AND t.here"


@dataclass(frozen=True)
class Example:
    """A change of one row: `column` is empty where the row itself was added or removed; the values are None if missing.

    Personal data is MASK.
    """

    what: str
    ids: tuple[Any, ...]
    column: str = ""
    main: Any = None
    this: Any = None


@dataclass(frozen=True)
class LeftOut:
    """The rows of one side that cannot be paired: how many have an id that occurs twice or is missing."""

    ids: int = 0
    rows: int = 0


@dataclass(frozen=True)
class RowDifference:
    """The numbers of rows that are here only, on main only, in both with other values, and in both as they were.

    columns: how many rows have another value, by column. renamed: the new names of columns whose values are the same in
    every row of both. left_out: of main, and of the version here.
    """

    added: int
    removed: int
    changed: int
    same: int
    columns: Mapping[str, int]
    renamed: Mapping[str, str]
    left_out: tuple[LeftOut, LeftOut]
    examples: Sequence[Example]


def compare_by_id(sides: Sides) -> RowDifference:
    """Join both sides on their ids. Numbers are compared exactly; NaN equals NaN, and missing equals missing."""
    ids, twins = sides.ids, sides.twins()
    compared = [name for name in sides.common if name not in ids]
    keys, values = aliases(ids, "i"), aliases(compared, "v")
    old, new = (aliases(list(dict.fromkeys(pair[place] for pair in twins)), "r") for place in (0, 1))
    with connection() as connected:
        connected.execute(f"CREATE VIEW main AS {sides.query(sides.main, keys | values | old)}")
        connected.execute(f"CREATE VIEW this AS {sides.query(sides.this, keys | values | new)}")
        left_out = _leave_out(connected, list(keys.values()))
        differs = {name: _differs(alias, alias) for name, alias in values.items()}
        counted = {
            "added": "m.here IS NULL",
            "removed": "t.here IS NULL",
            "both": BOTH,
            "changed": _any(differs.values()),
            **{f"v {name}": condition for name, condition in differs.items()},
            **{f"r {before} {after}": _differs(old[before], new[after]) for before, after in twins},
        }
        listed = _listed(sides, keys, values, differs)
        selected = [f"count(*) FILTER ({condition})" for condition in counted.values()]
        selected += [f"min({row}, {EXAMPLES}) FILTER ({condition})" for _, row, condition in listed]
        row = connected.execute(f"SELECT {', '.join(selected)} FROM {_joined(list(keys.values()))}").fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    counts = dict(zip(counted, row, strict=False))
    columns = {name: counts[f"v {name}"] for name in compared if counts[f"v {name}"]}
    found = {what: row[len(counted) + place] or [] for place, (what, _, _) in enumerate(listed)}
    return RowDifference(
        added=counts["added"],
        removed=counts["removed"],
        changed=counts["changed"],
        same=counts["both"] - counts["changed"],
        columns=dict(sorted(columns.items(), key=lambda item: -item[1])),
        renamed=_renamed(counts, twins) if counts["both"] else {},
        left_out=left_out,
        examples=list(itertools.islice(_in_turn(found, ids, columns), EXAMPLES)),
    )


def _leave_out(connected: duckdb.DuckDBPyConnection, keys: list[str]) -> tuple[LeftOut, LeftOut]:
    """Fill the table `unpaired` with the ids that occur twice in one version, or are missing."""
    listed, missing = ", ".join(keys), " OR ".join(f"{key} IS NULL" for key in keys)
    for number, side in enumerate(("main", "this")):
        create = "INSERT INTO unpaired" if number else "CREATE TEMP TABLE unpaired AS"
        connected.execute(
            f"{create} SELECT {listed}, {number} AS side, count(*) AS rows FROM {side} GROUP BY {listed} "
            f"HAVING count(*) > 1 OR {missing}"
        )
    main, this = (
        connected.execute(f"SELECT count(*), coalesce(sum(rows), 0) FROM unpaired WHERE side = {side}").fetchone()
        or (0, 0)
        for side in (0, 1)
    )
    return LeftOut(main[0], int(main[1])), LeftOut(this[0], int(this[1]))


def _joined(keys: list[str]) -> str:
    """Both sides without the rows that cannot be paired, `here` where the row is."""
    same = " AND ".join(f"u.{key} IS NOT DISTINCT FROM s.{key}" for key in keys)
    main, this = (
        f"(SELECT *, true AS here FROM {side} AS s WHERE NOT EXISTS (SELECT 1 FROM unpaired AS u WHERE {same}))"
        for side in ("main", "this")
    )
    return f"{main} AS m FULL JOIN {this} AS t ON {' AND '.join(f'm.{key} = t.{key}' for key in keys)}"


def _differs(main: str, this: str) -> str:
    return f"{BOTH} AND m.{main} IS DISTINCT FROM t.{this}"


def _any(conditions: Any) -> str:
    return " OR ".join(f"({condition})" for condition in conditions) or "false"


def _listed(
    sides: Sides, keys: Mapping[str, str], values: Mapping[str, str], differs: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """For each kind of change its name, a row of SQL with ids and values, and when it applies.

    Personal data does not get into the row.
    """
    mask = f"'{MASK}'"

    def shown(side: str, name: str, alias: str) -> str:
        value = f"{side}.{alias}"
        return f"CASE WHEN {value} IS NULL THEN NULL ELSE {mask} END" if name in sides.masked else value

    def row(side: str, *more: str) -> str:
        return f"row({', '.join([*(shown(side, name, alias) for name, alias in keys.items()), *more])})"

    return [
        ("removed", row("m"), "t.here IS NULL"),
        ("added", row("t"), "m.here IS NULL"),
        *(
            (f"v {name}", row("t", shown("m", name, values[name]), shown("t", name, values[name])), condition)
            for name, condition in differs.items()
        ),
    ]


def _in_turn(found: Mapping[str, list[Any]], ids: Sequence[str], columns: Mapping[str, int]) -> Iterator[Example]:
    """One example of each kind of change, then another one of each; the column that changed most comes first."""
    kinds = ["removed", "added", *(f"v {name}" for name in sorted(columns, key=lambda name: -columns[name]))]
    for rank in range(EXAMPLES):
        for kind in kinds:
            if rank < len(found[kind]):
                row = _values(found[kind][rank])
                key, rest = row[: len(ids)], row[len(ids) :]
                yield Example("changed", key, kind[2:], *rest) if rest else Example(kind, key)


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(row.values()) if isinstance(row, dict) else tuple(row)


def _renamed(counts: Mapping[str, int], twins: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The pairs of columns that are the same in every row, where each has no other such twin."""
    same = [pair for pair in twins if not counts[f"r {pair[0]} {pair[1]}"]]
    olds, news = [old for old, _ in same], [new for _, new in same]
    return {old: new for old, new in same if olds.count(old) == 1 and news.count(new) == 1}
