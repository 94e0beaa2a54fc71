"""Whether a column of text is a category, which of its values are listed, and whether the list is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.column import Column
from .forms import number_formats, time_formats

MOST_VALUES = 100  # a text with more different values is no category whose rare values are listed
FEW = 20  # a list that is as short stays closed, as most short lists are complete
MOST_LISTED = 254  # with the others one less than the 256 codes of a byte, which histogram gradient boosting counts in
OFTEN = 10  # rows of a value that is listed in an open list; in few rows, a hundredth of them, but three
COVERED = 0.2  # of the rows have listed values, or else the text is a note or a name


class Category(NamedTuple):
    """The values that a draft lists, and whether there are others; a rare one trains what the others are."""

    values: list[str]
    other: bool


def category_of(values: pa.ChunkedArray) -> Category | None:
    """The category that a column of text seems to be; None if it is none."""
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(values.drop_null()).to_pylist()}
    fewest = often(len(values))
    frequent = sorted((value for value, count in counts.items() if count >= fewest), key=lambda value: -counts[value])
    listed = sorted(frequent[:MOST_LISTED])
    is_open = FEW < len(counts) != len(listed) and _is_covered(listed, counts) and not _is_written(values)
    if is_open:
        return Category(listed, True)
    most = len(listed) if len(listed) == len(counts) else MOST_VALUES
    if 0 < len(counts) <= min(most, max(2, len(values) // 2)):
        return Category(sorted(counts), False)
    return None


def often(rows: int) -> int:
    """How many of so many rows a value has that is listed in an open list."""
    return max(3, min(OFTEN, rows // 100))


def told_category(listed: int, unique: int, rows: int) -> str:
    """What is told of an open list."""
    return (
        f"{unique:,} values: a category with `other`; the {listed} in at least {often(rows)} rows are listed, "
        "and all others count as one"
    )


def fewest_values(columns: Mapping[str, Column]) -> list[str]:
    """The two categories with the fewest values, as slices."""
    named = [name for name, column in columns.items() if column.role == "feature" and column.values]
    return sorted(named, key=lambda name: len(columns[name].values or []))[:2]


def _is_covered(listed: list[str], counts: Mapping[str, int]) -> bool:
    return len(listed) > 1 and sum(counts[value] for value in listed) >= COVERED * sum(counts.values())


def _is_written(values: pa.ChunkedArray) -> bool:
    """Whether it seems to be times or numbers, of which a person has to say how they are written."""
    return bool(time_formats(values) or number_formats(values))
