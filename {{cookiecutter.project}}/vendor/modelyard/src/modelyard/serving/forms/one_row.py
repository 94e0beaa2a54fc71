"""Encodes single rows."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.matrix import Columns
from ...runtime.rows import codes
from ...runtime.times import timestamp


class OneRow:
    """Encodes single rows into the same arrays each time, because new arrays would cost more than all other work.

    The result of `fill` is valid until the next call.
    """

    def __init__(self, contract: Contract) -> None:
        self._columns = {name: np.empty(1, dtype=_dtype(column)) for name, column in contract.inputs.items()}
        places = {name: place for place, name in enumerate(contract.columns)}
        self._plan = [
            (self._columns[name], places[name], column, codes(column) if column.values is not None else None)
            for name, column in contract.inputs.items()
        ]

    def fill(self, row: msgspec.Struct) -> Columns:
        """The columns of one row that is known to follow the contract, as `encode_values` gives them."""
        values = msgspec.structs.astuple(row)
        for array, place, column, code in self._plan:
            value = values[place]
            if code is not None:
                array[0] = code[value]
            elif column.type == "timestamp":
                array[0] = timestamp(value, column)
            else:
                array[0] = math.nan if value is None else value
        return self._columns


def _dtype(column: Column) -> str:
    return "int64" if column.values is not None else {"timestamp": "datetime64[us]"}.get(column.type, "float64")
