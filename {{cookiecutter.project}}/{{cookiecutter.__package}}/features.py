"""What the model sees: one pure function, used by training and by serving, so that the two cannot differ.

Change it freely. It gets whole columns and must answer each row from that row alone.
"""

from __future__ import annotations

import numpy as np
from modelyard import Columns, Contract, clock_names
from numpy.typing import NDArray

HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")
MONDAY = np.datetime64("1969-12-29")


def features(columns: Columns, contract: Contract) -> dict[str, NDArray]:
    """The model's features, by name, each of shape (n,).

    columns: the contract's inputs, each of shape (n,), as `rows.encode` gives them: a column with `values` as int64
        positions in that list (-1: missing), a timestamp as datetime64[us] (NaT: missing), any other as float64
        (NaN: missing).

    An integer array in the answer is a category; a float array is a quantity. A timestamp, the time column included,
    becomes the hour of its day and the day of its week (0 is Monday).
    """
    made: dict[str, NDArray] = {}
    for name, column in contract.inputs.items():
        values = columns[name]
        day = values.astype("datetime64[D]") if column.type == "timestamp" else None
        if day is None:
            made[name] = values
        else:
            hour, weekday = clock_names(name)
            made |= {hour: (values - day) / HOUR, weekday: (day - MONDAY) / DAY % 7}
    return made
