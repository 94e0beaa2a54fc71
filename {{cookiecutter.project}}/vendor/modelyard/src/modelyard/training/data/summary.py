"""What one period's rows are like, in the few numbers by which periods can be compared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...runtime.column import OTHER, Column
from ...runtime.contract import Contract
from ..settings import Unit

TAIL = 0.01
FEWEST = 5  # present values of which a distribution is described


@dataclass(frozen=True)
class Numbers:
    """The present values of a quantity: mean and deviation, the commonest value and its share.

    The values beyond the outer TAIL at each end count as its edge, so that a few extreme ones do not decide.
    """

    mean: float
    deviation: float
    commonest: float
    share: float


@dataclass(frozen=True)
class Described:
    """One column: how many values are present, of how many, and their distribution.

    numbers: of a quantity; None if fewer than FEWEST values are present. shares: of a category, for each of its values.
    """

    present: int
    rows: int
    numbers: Numbers | None = None
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def missing(self) -> float:
        """The share of missing values."""
        return 1 - self.present / self.rows if self.rows else 0.0

    @property
    def commonest(self) -> float:
        """The share of the commonest value."""
        return self.numbers.share if self.numbers else max(self.shares.values(), default=0.0)


@dataclass(frozen=True)
class Summary:
    """The rows of one period.

    gap: the longest time without rows, with that before the first and after the last one, as a share of the period;
    `gap_from`, `gap_to` are its ends. repeated: the share of rows that are as another one, but for their ids.
    columns: the target, and the inputs except the time.
    """

    period: str
    rows: int
    days: float
    gap: float
    gap_from: str
    gap_to: str
    repeated: float
    columns: dict[str, Described]


def summarize(table: pa.Table, contract: Contract, period: str, unit: Unit) -> Summary:
    """Describe the rows of a period, which have the contract's columns and at least one row."""
    time = str(contract.time)
    start, end = (np.datetime64(period, unit) + step for step in (0, 1))
    first, last = (moment.astype("datetime64[us]") for moment in (start, end))
    moments = np.concatenate([[first], np.sort(table[time].to_numpy().astype("datetime64[us]")), [last]])
    place = int(np.diff(moments).argmax())
    described = {
        name: _describe(table[name], column, table[time])
        for name, column in contract.columns.items()
        if column.role in ("feature", "target")
    }
    return Summary(
        period=period,
        rows=table.num_rows,
        days=float((last - first) / np.timedelta64(1, "D")),
        gap=float(np.diff(moments).max() / (last - first)),
        gap_from=str(moments[place].astype("datetime64[m]")),
        gap_to=str(moments[place + 1].astype("datetime64[m]")),
        repeated=_repeated(table, contract),
        columns=described,
    )


def _describe(values: pa.ChunkedArray, column: Column, times: pa.ChunkedArray) -> Described:
    rows, present = len(values), len(values) - values.null_count
    if column.values is not None or column.type in ("boolean", "string"):
        counts = pc.value_counts(values.drop_null())
        shares: dict[str, float] = {}
        for entry in counts.to_pylist():
            label = OTHER if column.other and entry["values"] not in (column.values or []) else str(entry["values"])
            shares[label] = shares.get(label, 0.0) + entry["counts"] / present
        return Described(present, rows, shares=shares)
    if present < FEWEST:
        return Described(present, rows)
    if column.type == "timestamp":
        numbers = (times.to_numpy() - values.to_numpy()) / np.timedelta64(1, "s")
        return Described(present, rows, _numbers(numbers[~np.isnan(numbers)]))
    return Described(present, rows, _numbers(values.drop_null().cast(pa.float64()).to_numpy()))


def _numbers(values: NDArray[np.float64]) -> Numbers:
    distinct, counts = np.unique(values, return_counts=True)
    inner = np.clip(values, *np.quantile(values, [TAIL, 1 - TAIL], method="inverted_cdf"))
    place = counts.argmax()
    return Numbers(float(inner.mean()), float(inner.std()), float(distinct[place]), float(counts[place] / len(values)))


def _repeated(table: pa.Table, contract: Contract) -> float:
    """By position, because Arrow looks a name up as a path, and the count has a name of its own."""
    others = table.select([name for name in contract.columns if name not in contract.named("id")])
    keys = [f"column {place}" for place in range(others.num_columns)]
    groups = others.rename_columns(keys).group_by(keys, use_threads=False).aggregate([])
    return 1 - groups.num_rows / table.num_rows
