"""Which features a draft makes of a timestamp: those that tell its rows apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from ...runtime.calendar import calendar_features
from ...runtime.column import CALENDAR, CalendarPart, Column
from ...runtime.names import calendar_name

CONSTANT = "constant"


def left_out(name: str, values: pa.ChunkedArray, columns: Collection[str]) -> dict[CalendarPart, str]:
    """The parts of `calendar` that a draft leaves out, and why.

    name: the timestamp's; columns: the names of all columns, as no feature may be called as one of them.
    """
    moments = np.unique(values.cast(pa.timestamp("us")).drop_null().to_numpy())
    every = calendar_features(name, moments, Column("timestamp", "feature", "", calendar=list(CALENDAR)))
    reasons: dict[CalendarPart, str] = {}
    for part in CALENDAR:
        made = every[calendar_name(name, part)]
        if not len(made) or made.min() == made.max():
            reasons[part] = CONSTANT
        elif calendar_name(name, part) in columns:
            reasons[part] = f"there is a column {calendar_name(name, part)}"
    if _is_monthly(moments):  # then the weekday is one of chance, and a day of the year is its month
        reasons.setdefault("weekday", "always the same day of a month")
        reasons.setdefault("day_of_year", "always the same day of a month")
    if len(moments) == len(np.unique(moments.astype("datetime64[Y]"))):
        reasons.setdefault("elapsed", "one time a year")
    return reasons


def drafted_calendar(name: str, values: pa.ChunkedArray, columns: Collection[str]) -> list[CalendarPart] | None:
    """The `calendar` of a timestamp; None if nothing in it varies."""
    absent = left_out(name, values, columns)
    return [part for part in CALENDAR if part not in absent] or None


def told_calendar(name: str, column: Column, values: pa.ChunkedArray, columns: Collection[str]) -> str:
    """What a timestamp becomes, and which parts of it are left out for which reason, in words."""
    told = f"becomes {_and(column.calendar_parts) if column.calendar_parts else 'no feature'}"
    reasons = left_out(name, values, columns) if column.calendar else {}
    absent = {part: reason for part, reason in reasons.items() if part not in column.calendar_parts}
    parts_of = {reason: [part for part, one in absent.items() if one == reason] for reason in absent.values()}
    without = ", ".join(f"{_and(parts)} ({reason})" for reason, parts in parts_of.items())
    return f"{told}, without {without}" if without else told


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _is_monthly(moments: np.ndarray) -> bool:
    """Whether all are on the same day of a month, or on its last."""
    days = moments.astype("datetime64[D]")
    places = days - days.astype("datetime64[M]").astype("datetime64[D]")
    after = days + np.timedelta64(1, "D")
    return bool((places == places[:1]).all() or (after == after.astype("datetime64[M]")).all())
