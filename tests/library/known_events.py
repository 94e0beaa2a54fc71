"""Records with late corrections and rows to look up, drawn at random, and the value of each row by definition."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pyarrow as pa
from modelyard.runtime.column import Column
from modelyard.runtime.contract import Contract
from modelyard.runtime.history import HistoryFeature, span

ROWS, RECORDS = 2_000, 1_500
MICRO = datetime.timedelta(microseconds=1)


def contract(**features: HistoryFeature) -> Contract:
    columns = {
        "at": Column("timestamp", "time", ""),
        "shop": Column("string", "unused", "", missing=True),
        "till": Column("integer", "unused", "", missing=True),
        "price": Column("number", "feature", ""),
        "sold": Column("number", "target", ""),
    }
    return Contract("shop", "", "", columns, features=features)


def feature(path: str, **changes: Any) -> HistoryFeature:
    settings: dict[str, Any] = {
        "source": path,
        "entity": ["shop", "till"],
        "event_time": "sold_at",
        "known_at": "reported_at",
        "value": "pieces",
        "description": "",
        "owner": "",
    }
    return HistoryFeature(**settings | changes)


def records(random: np.random.Generator, number: int = RECORDS) -> pa.Table:
    """Sales of a few shops in ten days; a third are corrections of others, known hours or days later."""
    minutes = np.sort(random.integers(0, 10 * 24 * 60, number))
    known = minutes + random.choice([0, 1, 30, 600, 3000, -120], number)
    shop, till = random.choice(["a", "b", "ü"], number), random.integers(1, 4, number)
    receipt = random.integers(0, 3, number)
    late = random.integers(1, number, number // 3)
    for place in late:  # the same event again, known later
        other = random.integers(0, place)
        minutes[place], shop[place], till[place] = minutes[other], shop[other], till[other]
        receipt[place], known[place] = receipt[other], known[other] + random.choice([0, 5, 700, 4000])
    pieces = random.normal(3, 2, number).round(3)
    start = np.datetime64("2026-01-01", "m")
    return pa.table({
        "shop": pa.array(shop, mask=random.random(number) < 0.01),
        "till": pa.array(till),
        "receipt": pa.array(receipt),
        "sold_at": (start + minutes).astype("datetime64[us]"),
        "reported_at": (start + known).astype("datetime64[us]"),
        "pieces": pa.array(pieces, mask=random.random(number) < 0.05),
        "kind": pa.array(random.choice(["x", "y", "z", "w"], number), mask=random.random(number) < 0.05),
    })  # fmt: skip


def rows(random: np.random.Generator, number: int = ROWS) -> pa.Table:
    """Rows at any time, also before and long after the records, of entities that may have none."""
    minutes = random.integers(-60, 13 * 24 * 60, number)
    return pa.table({
        "at": (np.datetime64("2026-01-01", "m") + minutes).astype("datetime64[us]"),
        "shop": pa.array(random.choice(["a", "b", "ü", "none"], number), mask=random.random(number) < 0.02),
        "till": pa.array(random.integers(1, 5, number)),
        "price": random.normal(10, 1, number),
        "sold": random.normal(1, 1, number),
    })  # fmt: skip


def expected(one: HistoryFeature, table: pa.Table, asked: pa.Table) -> list[Any]:
    """The value of each row, straight from the definition."""
    by_entity: dict[tuple[Any, ...], list[tuple[int, dict[str, Any]]]] = {}
    for place, record in enumerate(table.to_pylist()):
        by_entity.setdefault(tuple(record[key] for key in one.entity), []).append((place, record))
    entities = [(row, tuple(row[key] for key in one.entity)) for row in asked.to_pylist()]
    return [_value(one, by_entity.get(key, []) if None not in key else [], row["at"]) for row, key in entities]


def _value(one: HistoryFeature, of_entity: list[Any], at: datetime.datetime) -> Any:
    happened, known_at = one.event_time, str(one.known_at)
    seen = [pair for pair in of_entity if pair[1][known_at] <= at and pair[1][happened] <= at]
    versions: dict[Any, Any] = {}
    for place, record in sorted(seen, key=lambda pair: (pair[1][known_at], pair[0])):
        versions[record[happened], tuple(record[name] for name in one.record)] = (place, record)
    newest = max((record[happened] for _, record in versions.values()), default=None)
    if one.maximum_age and (newest is None or at - newest > span(one.maximum_age)):
        return None
    if one.aggregate in (None, "last"):
        if newest is None or (one.window and at - newest >= span(one.window)):
            return None
        last = [pair for pair in versions.values() if pair[1][happened] == newest]
        return max(last, key=lambda pair: (pair[1][known_at], pair[0]))[1][one.value]
    inside = [record for _, record in versions.values() if record[happened] > at - span(one.window)]
    values = [record[one.value] if one.value else 1 for record in inside]
    values = [value for value in values if value is not None]
    if one.aggregate in ("count", "distinct"):
        return len(values) if one.aggregate == "count" else len(set(values))
    total = math.fsum(round(value * 2**40) / 2**40 for value in values)
    return total if one.aggregate == "sum" else (total / len(values) if values else None)
