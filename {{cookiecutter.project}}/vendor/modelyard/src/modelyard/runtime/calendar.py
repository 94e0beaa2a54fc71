"""The features that a timestamp becomes, by the `calendar` of its column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .column import CalendarPart, Column
from .names import calendar_name

HOUR, DAY, MONTH, YEAR = (np.timedelta64(1, unit) for unit in ("h", "D", "M", "Y"))
MONDAY = np.datetime64("1969-12-29")
ORIGIN = np.datetime64("1970-01-01")  # of `elapsed`, and of numpy's years

Moments = NDArray[np.datetime64]


def calendar_features(name: str, moments: Moments, column: Column) -> dict[str, NDArray[np.float64]]:
    """The features of a timestamp, by their names, each of shape (n,); NaN where it is missing.

    hour: 0 to 24, with its fraction. weekday: 0 is Monday. month: 1 to 12. day_of_year: from 1. year: as it is written.
    elapsed: the days since 1970-01-01, with their fraction.
    """
    return {calendar_name(name, part): _MADE[part](moments) for part in column.calendar_parts}


def _hour(moments: Moments) -> NDArray[np.float64]:
    return (moments - moments.astype("datetime64[D]")) / HOUR


def _weekday(moments: Moments) -> NDArray[np.float64]:
    return (moments.astype("datetime64[D]") - MONDAY) / DAY % 7


def _month(moments: Moments) -> NDArray[np.float64]:
    return (moments.astype("datetime64[M]") - moments.astype("datetime64[Y]")) / MONTH + 1


def _day_of_year(moments: Moments) -> NDArray[np.float64]:
    return (moments.astype("datetime64[D]") - moments.astype("datetime64[Y]")) / DAY + 1


def _year(moments: Moments) -> NDArray[np.float64]:
    return (moments.astype("datetime64[Y]") - ORIGIN.astype("datetime64[Y]")) / YEAR + 1970


def _elapsed(moments: Moments) -> NDArray[np.float64]:
    return (moments - ORIGIN) / DAY


_MADE: dict[CalendarPart, Callable[[Moments], NDArray[np.float64]]] = {
    "hour": _hour,
    "weekday": _weekday,
    "month": _month,
    "day_of_year": _day_of_year,
    "year": _year,
    "elapsed": _elapsed,
}
