"""Counts of the answered rows by day, bundle and cell of its reference. A day is counted again when its file changes.

The statistics of drift are made of these small tables, so that they cost the same however many rows there are.
"""

# ruff: noqa: S608 - names and texts are quoted before they come into SQL

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ..reporting.engine import columns, connection, parquet, text
from .cells import input_cell, numeric_cell, score_value
from .kept import Kept
from .known import KnownBundle
from .layout import input_column, score_columns
from .predictions import newest
from .store import Store

BATCH = 31  # days that are counted at a time; after each batch the counts are stored
SERVED = "NOT coalesce(shadow, false) AND answered_by = 'model'"


@dataclass
class BundleDay:
    """One bundle's rows of one day.

    rows: those that its model answered. others: those that are in no figure, by the reason (shadow, fallback,
    baseline). inputs, score: rows by cell; empty where the bundle is not known.
    """

    rows: int = 0
    others: dict[str, int] = field(default_factory=dict)
    counted: bool = False
    inputs: dict[str, dict[str, int]] = field(default_factory=dict)
    score: dict[str, int] = field(default_factory=dict)


Day = dict[str, BundleDay]  # by bundle


def count_days(store: Store, known: Mapping[str, KnownBundle], cache: Path) -> dict[str, Day]:
    """The counts of each day in the store, by day and bundle; what was counted before is read from the store."""
    current = newest(store)
    kept = Kept(store, "rows")
    found: dict[str, Day] = {}
    for day, name in current.items():
        if (held := kept.day(day, name)) is not None:
            counted = {bundle: BundleDay(**content) for bundle, content in held.items()}
            if all(one.counted for bundle, one in counted.items() if bundle in known):
                found[day] = counted
    todo = [day for day in current if day not in found]
    for start in range(0, len(todo), BATCH):
        batch = todo[start : start + BATCH]
        paths = store.copies([current[day] for day in batch], cache)
        with connection() as connected:
            counts = _count(connected, paths, known)
        for day in batch:
            found[day] = counts.get(day, {})
            kept.put(day, current[day], {bundle: vars(one) for bundle, one in found[day].items()})
        kept.write()
    return {day: found[day] for day in current}


def _count(connected: duckdb.DuckDBPyConnection, paths: list[Path], known: Mapping[str, KnownBundle]) -> dict[str, Day]:
    table = parquet(paths)
    there = set(columns(connected, table))
    days: dict[str, Day] = {}
    query = f"""SELECT day::VARCHAR, bundle, CASE WHEN coalesce(shadow, false) THEN 'shadow' ELSE answered_by END,
        count(*) FROM {table} GROUP BY ALL ORDER BY ALL"""
    for day, bundle, kind, rows in connected.execute(query).fetchall():
        held = days.setdefault(day, {}).setdefault(bundle, BundleDay())
        if kind == "model":
            held.rows = rows
        else:
            held.others[kind] = rows
    for name in sorted({bundle for day in days.values() for bundle in day} & known.keys()):
        for day in days.values():
            if name in day:
                day[name].counted = True
        for subject, day_name, cell, rows in _cells(connected, table, there, known[name]):
            held = days[day_name][name]
            (held.score if subject is None else held.inputs.setdefault(subject, {}))[cell] = rows
    return days


def _cells(
    connected: duckdb.DuckDBPyConnection, table: str, there: set[str], known: KnownBundle
) -> Iterator[tuple[str | None, str, str, int]]:
    """The rows by subject (an input, or None for the score), day and cell, each subject in one pass over its column."""
    expressions: dict[str | None, str] = {
        name: input_cell(name, column, known)
        for name, column in known.contract.inputs.items()
        if input_column(name) in there
    }
    if known.score_edges and there.issuperset(score_columns(known.contract)):
        expressions[None] = numeric_cell(score_value(known), known.score_edges)
    for subject, expression in expressions.items():
        query = f"""SELECT day::VARCHAR, {expression} AS cell, count(*) FROM {table}
            WHERE bundle = {text(known.name)} AND {SERVED} GROUP BY ALL ORDER BY ALL"""
        for day, cell, rows in connected.execute(query).fetchall():
            yield subject, day, cell, rows
