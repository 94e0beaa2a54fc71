"""Whole numbers in CSV that are read as floats, which hold them exactly up to 2^53 only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ....runtime.column import Column
from ....runtime.csv_form import WHOLE_NUMBER
from ....runtime.limits import EXACT
from ....runtime.rows import BEYOND
from ..refusal import BrokenRule

Text = Callable[[], pa.Table]
WHOLE = pa.decimal128(38, 0)


def exact(table: pa.Table, text: Text, parse: Callable[[Mapping[str, pa.DataType]], pa.Table]) -> pa.Table:
    """The table with decimals in place of floats in the columns whose cells are all whole numbers, some of them large.

    text: gives all cells as text. parse: reads the table again, with columns in these types.
    """
    for name in _large(table):
        cells = text()[name]
        present = cells.filter(pc.is_valid(table[name]))
        if pc.all(_is_whole(present)).as_py():
            try:
                again = parse({name: WHOLE})
            except pa.ArrowInvalid:  # more digits than a decimal has
                continue
            table = table.set_column(table.column_names.index(name), name, again[name])
    return table


def rounded(table: pa.Table, columns: Mapping[str, Column], text: Text) -> list[BrokenRule]:
    """The whole numbers in columns of numbers that a float holds as another one."""
    found = []
    for name in _large(table):
        if name in columns and columns[name].role in ("feature", "target") and columns[name].is_numeric:
            cells = text()[name]
            whole = map(int, cells.filter(_is_whole(cells)).drop_null().to_pylist())
            if wrong := [number for number in whole if abs(number) > EXACT and int(float(number)) != number]:
                found.append(BrokenRule(name, BEYOND, len(wrong), tuple(wrong[:3])))
    return found


def _large(table: pa.Table) -> list[str]:
    """The columns of floats, each there once, with a number from EXACT on."""
    return [
        cells.name
        for cells in table.schema
        if pa.types.is_floating(cells.type)
        and table.column_names.count(cells.name) == 1
        and (pc.max(pc.abs(table[cells.name])).as_py() or 0) >= EXACT
    ]


def _is_whole(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.match_substring_regex(cells, f"^(?:{WHOLE_NUMBER})$")
