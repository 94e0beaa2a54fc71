"""The features of rows as the table that a model expects."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .contract import Contract

Columns = Mapping[str, NDArray]
Features = Callable[[Columns, Contract], dict[str, NDArray]]


def matrix(features: Mapping[str, NDArray]) -> NDArray[np.float64]:
    """The features as one array of shape (n, features); a missing quantity or category is NaN."""
    values = list(features.values())
    if len(values[0]) == 1:  # for one row, plain numbers take a quarter of the time of arrays
        row = [value.item() for value in values]
        for position in categorical(features):
            if row[position] < 0:
                row[position] = np.nan
        return np.array([row], dtype=np.float64)
    side_by_side = np.concatenate(values, dtype=np.float64, casting="unsafe").reshape(len(values), -1)
    for position in categorical(features):
        side_by_side[position][values[position] < 0] = np.nan
    return np.ascontiguousarray(side_by_side.T)


def categorical(features: Mapping[str, NDArray]) -> list[int]:
    """The positions of the features that are categories."""
    return [position for position, values in enumerate(features.values()) if values.dtype.kind in "iu"]
