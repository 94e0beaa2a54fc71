"""What the model sees: one pure function, used by training and by serving, so that the two cannot differ.

Change it freely. It gets whole columns and must answer each row from that row alone.
"""

from __future__ import annotations

from modelyard import Columns, Contract, calendar_features
from numpy.typing import NDArray


def features(columns: Columns, contract: Contract) -> dict[str, NDArray]:
    """The model's features, by name, each of shape (n,).

    columns: the contract's inputs, each of shape (n,), as `rows.encode` gives them: a column with `values` as int64
        positions in that list (-1: missing), a timestamp as datetime64[us] (NaT: missing), any other as float64
        (NaN: missing).

    An integer array in the answer is a category; a float array is a quantity. A timestamp, the time column included,
    becomes the quantities that its `calendar` lists, such as `hour` and `weekday` (0 is Monday).
    """
    made: dict[str, NDArray] = {}
    for name, column in contract.inputs.items():
        values = columns[name]
        made |= calendar_features(name, values, column) if column.type == "timestamp" else {name: values}
    return made
