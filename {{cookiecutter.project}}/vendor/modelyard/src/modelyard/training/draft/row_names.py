"""Columns that name the rows or number them, by what they are called or how they go on from row to row."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

ROW_NUMBERS = re.compile(r"\s*|unnamed: \d+|__index_level_\d+__", re.IGNORECASE)  # as pandas writes them
_WORD = re.compile(rf"(^|[_ ])(id|key|uuid|guid|index|number|no)$|^(row[ _.]?names?|{ROW_NUMBERS.pattern})$", re.I)
_CAMEL_CASE = re.compile(r"[a-z0-9](Id|ID|Key|UUID|Uuid|GUID|Guid|Index|Number|No|Nr)$")  # PassengerId


FEWEST_COUNTED = 100  # rows; fewer may go on by 1 by chance, or be the years of a series


def is_likely_id(name: str) -> bool:
    """Whether a column of this name often names the row, or an entity with several rows."""
    return bool(name == "" or _WORD.search(name) or _CAMEL_CASE.search(name))


def is_in_each_row_once(values: pa.ChunkedArray) -> bool:
    """Whether no value is missing or comes twice."""
    return not values.null_count and len(pc.unique(values)) == len(values)


def numbers_rows(name: str, values: pa.ChunkedArray) -> bool:
    """Whether a column says nothing but which row it is: it has no name of its own, or it is a number for each row.

    Such a number has the name of an id, or it is one more, or one less, in each row.
    """
    if ROW_NUMBERS.fullmatch(name):
        return True
    return is_counted(values) or (
        is_likely_id(name) and pa.types.is_integer(values.type) and is_in_each_row_once(values)
    )


def is_counted(values: pa.ChunkedArray) -> bool:
    """Whether values are whole numbers, none missing, that go up, or down, by 1 from each row to the next."""
    if not pa.types.is_integer(values.type) or values.null_count or len(values) < FEWEST_COUNTED:
        return False
    numbers = values.combine_chunks().cast(pa.int64(), safe=False)
    return pc.unique(pc.subtract(numbers[1:], numbers[:-1])).to_pylist() in ([1], [-1])
