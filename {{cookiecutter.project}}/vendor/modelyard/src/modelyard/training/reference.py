"""The distribution of each input in training, against which drift is measured."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.column import Column
from ..runtime.contract import Contract
from ..runtime.matrix import Columns

BINS = 10


def reference(columns: Columns, contract: Contract) -> dict[str, dict[str, Any]]:
    """For each input its share of missing values and its distribution.

    A category: the share of each of its values, and of all others under OTHER. A quantity or a time (in seconds since
    1970): edges that divide its present values into up to BINS parts of equal size, including both ends, and the share
    of rows in each part. Where there are no more than BINS different values, each has a part of its own.
    """
    return {name: _distribution(columns[name], column) for name, column in contract.inputs.items()}


def _distribution(values: NDArray, column: Column) -> dict[str, Any]:
    if column.values is not None:
        counts = np.bincount(values[values >= 0], minlength=len(column.labels))
        shares = counts / max(counts.sum(), 1)
        named = {str(value): float(share) for value, share in zip(column.labels, shares, strict=True)}
        return {"missing": float(np.mean(values < 0)), "values": named}
    numbers = _seconds(values) if column.type == "timestamp" else values
    present = numbers[~np.isnan(numbers)]
    missing = 1 - len(present) / len(numbers)
    if not len(present):
        return {"missing": missing, "edges": [], "shares": []}
    present.sort()  # in place: there may be many
    edges = _edges(present)
    starts = np.searchsorted(present, edges[:-1])  # the last part includes both of its ends
    counts = np.diff([*starts, len(present)]) if len(edges) > 1 else np.array([len(present)])
    return {"missing": missing, "edges": edges.tolist(), "shares": (counts / len(present)).tolist()}


def _edges(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
    new = np.flatnonzero(ascending[1:] != ascending[:-1]) + 1  # where another value begins
    if len(new) >= BINS:
        return np.unique(np.quantile(ascending, np.linspace(0, 1, BINS + 1), method="inverted_cdf"))
    values = ascending[[0, *new]]
    # the last part includes both of its ends, so the last two values need an edge between them
    return np.insert(values, len(values) - 1, values[-2:].mean()) if len(values) > 1 else values


def _seconds(values: NDArray) -> NDArray[np.float64]:
    seconds = (values - np.datetime64(0, "s")) / np.timedelta64(1, "s")
    return np.where(np.isnat(values), np.nan, seconds)
