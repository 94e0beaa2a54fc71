"""Which features a draft makes of a timestamp: those that tell its rows apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from ...runtime.calendar import calendar_features
from ...runtime.column import CALENDAR, CalendarPart, Column
from ...runtime.names import calendar_name

CONSTANT = "constant"
SEASON_AND_TREND: tuple[CalendarPart, ...] = ("month", "day_of_year", "year", "elapsed")


def left_out(name: str, values: pa.ChunkedArray, columns: Collection[str], *, is_time: bool) -> dict[CalendarPart, str]:
    """The parts of `calendar` that a draft leaves out, and why.

    name: the timestamp's; columns: the names of all columns, as no feature may be called as one of them. is_time:
    whether it orders the rows, so that the model answers times later than all it has learned from.
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
    months = np.unique(moments.astype("datetime64[M]"))
    if is_time and len(months) == len(np.unique(months.astype(int) % 12)):
        # a model cannot tell the season from the trend, and would take the next month for the last one
        for part in SEASON_AND_TREND:
            reasons.setdefault(part, "no month comes twice")
    if len(moments) == len(np.unique(moments.astype("datetime64[Y]"))):
        reasons.setdefault("elapsed", "one time a year")
    return reasons


def drafted_calendar(
    name: str, values: pa.ChunkedArray, columns: Collection[str], *, is_time: bool
) -> list[CalendarPart] | None:
    """The `calendar` of a timestamp; None if nothing in it tells rows apart."""
    absent = left_out(name, values, columns, is_time=is_time)
    return [part for part in CALENDAR if part not in absent] or None


def told_calendar(name: str, column: Column, values: pa.ChunkedArray, columns: Collection[str]) -> str:
    """What a timestamp becomes, and which parts of it are left out for which reason, in words."""
    told = f"becomes {_and(column.calendar_parts) if column.calendar_parts else 'no feature'}"
    reasons = left_out(name, values, columns, is_time=column.role == "time") if column.calendar else {}
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
