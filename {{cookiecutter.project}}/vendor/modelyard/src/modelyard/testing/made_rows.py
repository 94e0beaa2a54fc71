"""Rows generated from the contract alone, so that a project's tests can run before its pipeline.

They include every category, both ends of each range, zero, missing values wherever these are allowed (once all of them
in one row), leap days and the last microsecond of a period. The same contract always gives the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from ..runtime.column import OTHER, Column
from ..runtime.contract import Contract
from ..training.data.conform import ARROW
from ..training.settings import Params, days_of

FEWEST, MOST = 400, 3000  # rows
ROWS_A_PERIOD = 12
ROWS_A_CLASS = 20
ROWS_A_VALUE = 3
LARGEST = 2**53  # beyond it, only the ends of a range are used
WIDTH = 1000  # of a range that the contract leaves open; for a target too, because larger values lose precision
MISSING = 10  # one in so many values is missing
ALL_MISSING = 1  # the row in which all values are missing that may be
SHORTEST = {"day": 1, "month": 28, "year": 365}  # days of a period
LAST_PERIOD = {"day": "2013-12-31", "month": "2013-12", "year": "2013"}
MOMENTS = ["1969-07-20T20:17:40", "2000-02-29T00:00:00", "2013-12-24T18:30:00.000001", "2024-12-31T23:59:59.999999"]


def make_table(contract: Contract, params: Params) -> pa.Table:
    """A table of the contract's columns that follows all of its rules.

    Its times are in the last periods up to the watermark: as many as `params.yaml` holds out, and some more.
    """
    periods = _periods(params)
    values = [len(column.values or ()) for column in contract.columns.values()]
    row_counts = [ROWS_A_PERIOD * len(periods), ROWS_A_CLASS * len(contract.classes), ROWS_A_VALUE * max(values)]
    rows = min(max(FEWEST, *row_counts), MOST)
    cells = {
        name: _make(name, column, rows, periods, np.random.default_rng([place, rows]))
        for place, (name, column) in enumerate(contract.columns.items())
    }
    return pa.table({name: pa.array(cells[name], ARROW[column.type]) for name, column in contract.columns.items()})


def _periods(params: Params) -> np.ndarray:
    """The periods up to the watermark, in order, as times."""
    last = params.start(params.watermark or LAST_PERIOD[params.period])
    count = sum(_count(size, params.period) for size in (params.split.holdout, params.split.validation)) + 3
    return last + np.arange(1 - count, 1)


def _count(size: float | str, period: str) -> int:
    """How many periods hold that much."""
    if days := days_of(size):
        return -(-days // SHORTEST[period]) + 1
    return size if isinstance(size, int) else 1


def _make(name: str, column: Column, rows: int, periods: np.ndarray, random: np.random.Generator) -> list[Any]:
    if column.role == "time":
        return list(_within(column, np.array(_times(rows, periods, random))))
    if column.role == "id":
        return _ids(name, column, rows, periods, random)
    cells = _values(name, column, rows, random)
    if column.missing:
        start = int(random.integers(MISSING))
        cells[start::MISSING] = [None] * len(cells[start::MISSING])
        cells[ALL_MISSING] = None
    return cells


def _values(name: str, column: Column, rows: int, random: np.random.Generator) -> list[Any]:
    """Allowed values in random order, with those that are most likely to reveal errors."""
    if column.values is not None or column.type == "boolean":
        allowed = [*(column.values or [False, True]), *([_unlisted(column)] if column.other else [])]
        return [allowed[place % len(allowed)] for place in random.permutation(rows)]
    if column.type == "string":
        return [f"{name} {place}" for place in range(rows)]
    if column.type == "timestamp":
        return _moments(column, rows, random)
    return _numbers(column, rows, random)


def _unlisted(column: Column) -> int | str:
    """A value that an open list does not have."""
    numbers = [value for value in column.values or [] if isinstance(value, int)]
    return max(numbers) + 1 if numbers else OTHER


def _numbers(column: Column, rows: int, random: np.random.Generator) -> list[Any]:
    low, high = _range(column)
    whole = column.type == "integer"
    if whole:
        low, high = math.ceil(low), math.floor(high)
    ends = [low, high, *([0] if low <= 0 <= high else [])]
    low, high = max(low, -LARGEST), min(high, LARGEST)
    between = random.integers(int(low), int(high), rows, endpoint=True) if whole else random.uniform(low, high, rows)
    numbers = [*ends, *between.tolist()][:rows]
    return [(int if whole else float)(numbers[place]) for place in random.permutation(rows)]


def _range(column: Column) -> tuple[float, float]:
    low, high = (
        None if bound is None else end
        for bound, end in zip((column.minimum, column.maximum), column.bounds, strict=True)
    )
    if low is None:
        low = -WIDTH / 2 if high is None else high - WIDTH
    if high is None:
        high = low + WIDTH
    if column.role == "target":
        high = min(high, low + WIDTH)
    return low, high


def _moments(column: Column, rows: int, random: np.random.Generator) -> list[np.datetime64]:
    """Times of the years around 2000, to the second, and some to the microsecond; within the range, with its ends."""
    seconds = random.integers(0, 2**31, rows - len(MOMENTS))
    moments = _within(column, np.concatenate([np.array(MOMENTS, "datetime64[us]"), seconds.astype("datetime64[s]")]))
    return list(np.sort(moments) if column.ascending else random.permutation(moments))


def _within(column: Column, moments: np.ndarray) -> np.ndarray:
    """The times, those beyond an end of the column's range moved to it."""
    low, high = (None if end is None else np.datetime64(end, "us") for end in column.moments)
    return moments if low is None and high is None else np.clip(moments, low, high)


def _times(rows: int, periods: np.ndarray, random: np.random.Generator) -> list[np.datetime64]:
    """Times in order, as many in each period as in any other, with the first and the last moment of each."""
    starts = periods.astype("datetime64[us]")
    lengths = ((periods + 1).astype("datetime64[us]") - starts).astype(np.int64)
    period = np.arange(rows) * len(periods) // rows
    within = random.integers(0, lengths[period])
    first = np.flatnonzero(np.diff(period, prepend=-1))
    within[first] = 0
    within[np.append(first[1:], rows) - 1] = lengths - 1
    return list(np.sort(starts[period] + within.astype("timedelta64[us]")))


def _ids(name: str, column: Column, rows: int, periods: np.ndarray, random: np.random.Generator) -> list[Any]:
    """A different value for each row, if the column has so many."""
    if column.values is not None:
        return [column.values[place % len(column.values)] for place in range(rows)]
    start = math.ceil(column.bounds[0]) if math.isfinite(column.bounds[0]) else 0
    kinds: dict[str, Callable[[int], Any]] = {
        "string": lambda place: f"{name} {place}",
        "integer": lambda place: start + place,
        "number": lambda place: float(start + place),
        "boolean": lambda place: bool(place % 2),
    }
    if column.type == "timestamp":
        return list(_within(column, np.array(_times(rows, periods, random))))
    return list(map(kinds[column.type], range(rows)))
