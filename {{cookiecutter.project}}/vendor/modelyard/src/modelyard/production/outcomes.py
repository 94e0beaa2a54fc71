"""What was answered against what happened, by day, bundle and slice: sums of which each metric can be made.

Rows and labels are joined day by day, so that memory does not grow with their number. A day is joined again when its
file changes, or further labels of it became known.
"""

# ruff: noqa: S608 - names and texts are quoted before they come into SQL

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ..reporting.engine import columns, connection, parquet, quoted, text
from .cells import numeric_cell, score_value, sql_text
from .counts import SERVED
from .kept import Kept
from .known import KnownBundle
from .label_sources import KNOWN, REQUEST
from .labels import label_files
from .layout import id_column, input_column, label_column, score_columns
from .predictions import newest
from .store import Store
from .sums import outcome, sums_of

BATCH_ROWS = 1_000_000  # rows that are joined at a time
STEP = 0.005  # the width of a bin of scores, in log-odds: for metrics of ranking
ENDS = 1e-9  # scores beyond are counted as these

Sums = dict[str, float]


@dataclass
class Outcomes:
    """One bundle's rows of one day that have a label.

    unusable: labels that are no class of the bundle. overall, slices ("column=value"): sums by name, see sums.py.
    ranks: for each class, rows by bin of its score: [of other classes, of this class]. bins: for each bin of the scores
    in the bundle's calibration: [rows, what happened minus what was predicted].
    """

    unusable: int = 0
    overall: Sums = field(default_factory=dict)
    slices: dict[str, Sums] = field(default_factory=dict)
    ranks: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    bins: dict[str, list[float]] = field(default_factory=dict)


Day = dict[str, Outcomes]  # by bundle


def outcomes(
    store: Store, known: Mapping[str, KnownBundle], rows: Mapping[str, int], until: datetime.datetime, cache: Path
) -> dict[str, Day]:
    """The outcomes of each day, by what was known at a time. rows: the answered rows of each day."""
    current = newest(store)
    names = label_files(store)
    paths = dict(zip(names, store.copies(names, cache), strict=True))
    touched = _touched(paths, until)
    marks = {day: _mark(name, touched.get(day, {}), until, known) for day, name in current.items()}
    kept = Kept(store, "outcomes")
    found: dict[str, Day] = {}
    for day, mark in marks.items():
        if (held := kept.day(day, mark)) is not None:
            found[day] = {bundle: Outcomes(**content) for bundle, content in held.items()}
    found |= {day: {} for day in current if day not in touched}
    todo = [day for day in current if day not in found]
    for batch in _batches(todo, rows):
        labels = [paths[name] for name in names if any(name in touched[day] for day in batch)]
        predictions = store.copies([current[day] for day in batch], cache)
        with connection() as connected:
            joined = _Join(connected, predictions, labels, until, known).days(batch)
        for day in batch:
            found[day] = joined[day]
            kept.put(day, marks[day], {bundle: vars(one) for bundle, one in found[day].items()})
        kept.write()
    return {day: found[day] for day in current}


def _touched(paths: Mapping[str, Path], until: datetime.datetime) -> dict[str, dict[str, bool]]:
    """For each day the files of labels with some of it that were known, and whether all of those were."""
    touched: dict[str, dict[str, bool]] = {}
    with connection() as connected:
        for name, path in paths.items():
            query = f"""SELECT day::VARCHAR, bool_and({KNOWN} <= ?) FROM {parquet([path], by_day=False)}
                GROUP BY ALL HAVING bool_or({KNOWN} <= ?) ORDER BY ALL"""
            for day, whole in connected.execute(query, [until, until]).fetchall():
                touched.setdefault(day, {})[name] = whole
    return touched


def _mark(name: str, files: Mapping[str, bool], until: datetime.datetime, known: Mapping[str, Any]) -> str:
    """A hash of all that the outcomes of a day depend on."""
    parts = [name, sorted((file, None if whole else until.isoformat()) for file, whole in files.items()), sorted(known)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _batches(days: list[str], rows: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for day in days:
        if batch and size + rows.get(day, 0) > BATCH_ROWS:
            yield batch
            batch, size = [], 0
        batch.append(day)
        size += rows.get(day, 0)
    if batch:
        yield batch


class _Join:
    """The rows of some days with the latest label that was known, in a temporary table."""

    def __init__(
        self,
        connected: duckdb.DuckDBPyConnection,
        predictions: list[Path],
        labels: list[Path],
        until: datetime.datetime,
        known: Mapping[str, KnownBundle],
    ) -> None:
        self._connected, self._known = connected, known
        self._rows = parquet(predictions)
        self._there = set(columns(connected, self._rows))
        self._labels = parquet(labels, by_day=False)
        self._until = f"{KNOWN} <= TIMESTAMP '{until.isoformat(sep=' ')}'"

    def days(self, days: list[str]) -> dict[str, Day]:
        found: dict[str, Day] = {day: {} for day in days}
        query = f"SELECT DISTINCT bundle FROM {self._rows} WHERE {SERVED} ORDER BY ALL"
        bundles = [name for (name,) in self._connected.execute(query).fetchall() if name in self._known]
        for name in bundles:
            self._join(self._known[name], days)
            for day in days:
                found[day][name] = Outcomes()
            self._fill(self._known[name], found)
        return found

    def _join(self, known: KnownBundle, days: list[str]) -> None:
        """The table `judged`: day, slices, label and scores of each row of a bundle that has a label."""
        ids = [id_column(name) for name in known.contract.named("id")]
        labelled = set(columns(self._connected, self._labels))
        listed = ", ".join(text(day) for day in days)
        parts = []
        for key in ([*REQUEST], ids):
            if key and labelled.issuperset(key) and self._there.issuperset(key):
                names = ", ".join(map(quoted, key))
                same = " AND ".join(f"p.{quoted(name)}::VARCHAR = l.{quoted(name)}::VARCHAR" for name in key)
                latest = (
                    f"(SELECT day, {names}, arg_max({label_column()}, ({KNOWN}, filename)) AS label "
                    f"FROM {self._labels} "
                    f"WHERE {self._until} AND day::VARCHAR IN ({listed}) AND {quoted(key[0])} IS NOT NULL GROUP BY ALL)"
                )
                parts.append((latest, same))
        joins = " ".join(
            f"LEFT JOIN {latest} l{place} ON p.day = l{place}.day AND {same.replace('l.', f'l{place}.')}"
            for place, (latest, same) in enumerate(parts)
        )
        label = f"coalesce({', '.join(f'l{place}.label' for place in range(len(parts)))})" if parts else "NULL"
        values = [f"p.{quoted(name)}" for name in score_columns(known.contract)]
        values += [
            f"p.{quoted(input_column(name))}::VARCHAR AS {quoted(f'slice.{name}')}"
            for name in known.contract.slices
            if input_column(name) in self._there
        ]
        self._connected.execute(
            f"CREATE OR REPLACE TEMP TABLE judged AS SELECT p.day::VARCHAR AS day, {label} AS label, "
            f"{', '.join(values)} FROM {self._rows} p {joins} WHERE p.bundle = {text(known.name)} "
            f"AND NOT coalesce(p.shadow, false) AND p.answered_by = 'model' AND {label} IS NOT NULL"
        )

    def _fill(self, known: KnownBundle, found: Mapping[str, Day]) -> None:
        usable = "true"
        if known.contract.classes:
            usable = f"label IN ({', '.join(map(sql_text, known.contract.classes))})"
        query = f"SELECT day, count(*) FROM judged WHERE NOT ({usable}) GROUP BY ALL"
        for day, count in self._connected.execute(query).fetchall():
            found[day][known.name].unusable = count
        sums = sums_of(known)
        listed = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in sums.items())
        slices = [one for one in columns(self._connected, "judged") if one.startswith("slice.")]
        for one in [None, *slices]:
            value = "NULL" if one is None else quoted(one)
            query = f"SELECT day, {value}, {listed} FROM judged WHERE {usable} GROUP BY ALL ORDER BY ALL"
            for day, at, *numbers in self._connected.execute(query).fetchall():
                held = found[day][known.name]
                named = dict(zip(sums, map(float, numbers), strict=True))
                if one is None:
                    held.overall = named
                elif at is not None:
                    held.slices[f"{one.removeprefix('slice.')}={at}"] = named
        self._rank(known, usable, found)
        self._calibrate(known, usable, found)

    def _rank(self, known: KnownBundle, usable: str, found: Mapping[str, Day]) -> None:
        if known.contract.kind == "regression":
            return
        names, classes = score_columns(known.contract), known.contract.classes
        for name, one in zip(names, classes if len(names) > 1 else classes[1:], strict=True):
            score = f"least(greatest({quoted(name)}, {ENDS}), {1 - ENDS!r})"
            is_one = f"count(*) FILTER (label = {sql_text(one)})"
            query = f"""SELECT day, round(ln({score} / (1 - {score})) / {STEP})::INTEGER AS bin, count(*) - {is_one},
                {is_one} FROM judged WHERE {usable} GROUP BY ALL ORDER BY ALL"""
            for day, place, others, these in self._connected.execute(query).fetchall():
                found[day][known.name].ranks.setdefault(name, {})[str(place)] = [others, these]

    def _calibrate(self, known: KnownBundle, usable: str, found: Mapping[str, Day]) -> None:
        if not known.score_edges:
            return
        cell = numeric_cell(score_value(known), known.score_edges)
        off = f"{outcome(known)} - {score_value(known)}"
        query = f"""SELECT day, {cell} AS cell, count(*), sum({off}) FROM judged WHERE {usable}
            GROUP BY ALL ORDER BY ALL"""
        for day, where, rows, total in self._connected.execute(query).fetchall():
            found[day][known.name].bins[where] = [rows, total]
