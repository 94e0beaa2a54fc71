"""A pattern of timestamps that the contract allows, for the JSON Schema of a column.

Each match is a real time in the column's range. The service accepts more, such as offsets and days that not every month
has.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence

from ...runtime.column import Column

YEARS = range(1900, 2100)
EVERY_YEAR, MONTH, DAY = "(19|20)[0-9]{2}", "(0[1-9]|1[0-2])", "(0[1-9]|1[0-9]|2[0-8])"
CLOCK = "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"

Start = tuple[int, ...]


def pattern(column: Column) -> str:
    """The times in those years that lie in the column's range as a whole; if none does, in the months, or the days.

    If the range is shorter than a day, its first time, or its last if the first is open.
    """
    low, high = column.moments
    first, last = low or datetime.datetime.min, high or datetime.datetime.max

    def inside(starts: Sequence[Start]) -> list[str]:
        """Those years, months or days whose days up to the 28th are in the range."""
        chosen = []
        for start in starts:
            year, month, day = (*start, 1, 1)[:3]
            last_month, last_day = (*start, 12, 28)[1:3] if len(start) == 1 else (month, (*start, 28)[2])
            end = datetime.datetime(year, last_month, last_day, 23, 59, 59)
            if first <= datetime.datetime(year, month, day) and end <= last:
                chosen.append("-".join(f"{part:02}" for part in start))
        return chosen

    years = [year for year in YEARS if first.year <= year <= last.year]
    if chosen := inside([(year,) for year in years]):
        every = len(chosen) == len(YEARS)
        return f"^{EVERY_YEAR if every else _one_of(chosen)}-{MONTH}-{DAY}{CLOCK}$"
    months = list(itertools.product(years, range(1, 13)))
    if chosen := inside(months):
        return f"^{_one_of(chosen)}-{DAY}{CLOCK}$"
    if chosen := inside([(*month, day) for month in months for day in range(1, 29)]):
        return f"^{_one_of(chosen)}{CLOCK}$"
    return f"^{(low or last).isoformat()}$"


def _one_of(texts: Sequence[str]) -> str:
    return f"({'|'.join(texts)})"
