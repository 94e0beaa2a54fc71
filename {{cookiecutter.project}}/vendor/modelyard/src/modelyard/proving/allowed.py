"""Rows that the contract allows and the data may not have: with missing, unknown and extreme values.

They depend on nothing but the contract and the data. Some rows of the data are taken; in each, one input after the
other gets every value that is worth asking, and then all inputs get one by lot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.column import Column
from ..runtime.contract import Contract
from ..runtime.matrix import Columns

BASES = 20  # rows of the data in which one value is replaced
CELLS = 2000  # rows times inputs above which fewer rows are taken
DRAWN = 5000  # rows with all values by lot
MOST = 200  # values of one input; of more categories, those that are spread evenly
BEYOND = (-10, -1, 0, 0.5, 1, 2, 11)  # in ranges of the data, from the least value on

Range = tuple[Any, Any]


@dataclass(frozen=True)
class AllowedRows:
    """Rows in the encoding of `rows.encode`, and the value that was put in place in each, in words."""

    columns: Columns
    labels: list[str]


def count_bases(contract: Contract) -> int:
    """From how many rows of the data `allowed_rows` starts."""
    return max(1, min(BASES, CELLS // len(contract.inputs)))


def allowed_rows(contract: Contract, bases: Columns, ranges: Mapping[str, Range]) -> Iterator[AllowedRows]:
    """Blocks of rows.

    bases: some rows of the data. ranges: the least and the largest value of each input in the data that is no category.
    """
    count = len(next(iter(bases.values())))
    values = {name: _values(column, ranges.get(name)) for name, column in contract.inputs.items()}
    for name, chosen in values.items():
        columns = {other: np.repeat(bases[other], len(chosen)) for other in bases}
        columns[name] = np.tile(chosen, count).astype(bases[name].dtype)
        texts = [f"{name} {_told(contract.inputs[name], value)}" for value in chosen.tolist()]
        if len(chosen):
            yield AllowedRows(columns, texts * count)
    drawn = np.random.default_rng(0)  # the same rows on every machine
    lots = {name: np.concatenate([bases[name], chosen.astype(bases[name].dtype)]) for name, chosen in values.items()}
    yield AllowedRows(
        {name: lot[drawn.integers(len(lot), size=DRAWN)] for name, lot in lots.items()}, ["all inputs"] * DRAWN
    )


def _values(column: Column, extent: Range | None) -> NDArray:
    """The values of one input that are worth asking, in its encoding."""
    if column.values is not None:
        known = np.unique(np.linspace(0, len(column.labels) - 1, MOST).astype(np.int64))
        return np.append(known, -1) if column.missing else known
    missing: Any = np.datetime64("NaT") if column.type == "timestamp" else np.nan
    listed = [missing] if column.missing else []
    if column.type == "boolean":
        return np.array([0.0, 1.0, *listed])
    if column.type == "timestamp":
        return np.array([*_times(column, extent), *listed], dtype="datetime64[us]")
    return np.array([*_numbers(column, extent), *listed], dtype=np.float64)


def _numbers(column: Column, extent: Range | None) -> list[float]:
    least, largest = column.bounds
    low, high = extent or (0.0, 1.0)
    width = high - low or max(1.0, abs(high))
    reached = np.clip([0.0, *(low + width * step for step in BEYOND)], least, largest)
    return np.unique(np.round(reached) if column.type == "integer" else reached).tolist()


def _times(column: Column, extent: Range | None) -> list[np.datetime64]:
    if extent is None:
        return []
    low, high = extent
    width = max(high - low, np.timedelta64(1, "D"))
    reached = [low - width, low, low + width // 2, high, high + width]
    first, last = (None if bound is None else np.datetime64(bound, "us") for bound in column.moments)
    return [time for time in reached if (first is None or time >= first) and (last is None or time <= last)]


def _told(column: Column, value: Any) -> str:
    # NaN is not equal to itself, and NaT becomes None
    if value is None or value != value or (column.values is not None and value < 0):
        return "missing"
    return f"= {column.labels[value]!r}" if column.values is not None else f"= {value}"
