"""Times that are written as numbers: what they count, for training and for serving alike."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .written import COUNTED

COUNT = r"\s*[+-]?[0-9]+(?:\.[0-9]+)?\s*"  # the text of a time that is counted
WHOLE_AS_FLOAT = r"^([0-9]{4,14})\.0+$"  # as writers that know missing numbers as floats only write whole ones
NOT_IN_THESE_YEARS = "outside the years 1 to 9999"

_EXCEL = np.datetime64("1899-12-30", "s")
_YEARS = np.datetime64("0001", "s"), np.datetime64("10000", "s")


def counted_moments(numbers: NDArray[np.float64], form: str) -> NDArray[np.datetime64]:
    """The times that numbers count by one of the COUNTED formats, to the microsecond; NaN is NaT.

    Those of `excel` and `decimal_year` are rounded to the second. Raises ValueError if one is outside the years 1 to
    9999.
    """
    numbers = np.asarray(numbers, dtype=np.float64)
    known = ~np.isnan(numbers)
    given = np.where(known, numbers, 0.0 if form != "decimal_year" else 1970.0)
    with np.errstate(all="ignore"):
        if not (np.abs(given) < 1e15).all():
            raise ValueError(NOT_IN_THESE_YEARS)
        moments = _counted(given, form)
    if (moments < _YEARS[0]).any() or (moments >= _YEARS[1]).any():
        raise ValueError(NOT_IN_THESE_YEARS)
    moments = moments.astype("datetime64[us]")
    moments[~known] = np.datetime64("NaT")
    return moments


def _counted(given: NDArray[np.float64], form: str) -> NDArray[np.datetime64]:
    if form in ("epoch_s", "epoch_ms"):
        seconds = given if form == "epoch_s" else given / 1000
        if not (np.abs(seconds) < 3e11).all():  # what microseconds in 64 bits hold
            raise ValueError(NOT_IN_THESE_YEARS)
        micros = np.rint(given * (1e6 if form == "epoch_s" else 1e3)).astype(np.int64)
        return micros.astype("datetime64[us]")
    if form == "excel":
        return _EXCEL + np.rint(given * 86_400).astype(np.int64).astype("timedelta64[s]")
    if not ((given >= 1) & (given < 10_000)).all():
        raise ValueError(NOT_IN_THESE_YEARS)
    years = np.floor(given)
    starts = (years.astype(np.int64) - 1970).astype("datetime64[Y]")
    lengths = ((starts + 1).astype("datetime64[s]") - starts.astype("datetime64[s]")).astype(np.float64)
    return starts.astype("datetime64[s]") + np.rint((given - years) * lengths).astype(np.int64).astype("timedelta64[s]")


def digits_of(value: Any) -> Any:
    """A whole number, or 1950.0 in text, as its digits, for a strptime format such as %Y%m%d; else the value itself."""
    if isinstance(value, str):
        return re.sub(WHOLE_AS_FLOAT, r"\1", value)
    if isinstance(value, (bool, np.bool_)):
        return value
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (int, np.integer)) else value


def example_of(moment: datetime.datetime, form: str) -> str:
    """A time as a format writes it."""
    if form not in COUNTED:
        return moment.strftime(form)
    stamp = np.datetime64(moment, "s")
    if form == "decimal_year":
        start = stamp.astype("datetime64[Y]")
        length = (start + 1).astype("datetime64[s]") - start.astype("datetime64[s]")
        return f"{moment.year + (stamp - start.astype('datetime64[s]')) / length:.4f}"
    if form == "excel":
        return f"{(stamp - _EXCEL) / np.timedelta64(1, 'D'):g}".replace("e+", "e")
    seconds = int(stamp.astype(np.int64))
    return str(seconds if form == "epoch_s" else 1000 * seconds)
