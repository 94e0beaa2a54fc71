"""Timestamps: local times without a zone, to the microsecond, as `features` and the periods of the data need them.

A time with an offset from UTC is converted to the local time of the column's `timezone`. A time without one is taken as
it stands: the hour that a change of the clocks leaves out is accepted too, and of the hour that it repeats both are the
same local time. Digits after the microsecond are cut off, as everywhere.
"""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .column import Column
from .counted import COUNT, counted_moments, digits_of, example_of
from .written import COUNTED

ISO = "%Y-%m-%dT%H:%M:%S"
EXAMPLE = datetime.datetime(2013, 12, 24, 18, 30)
OFFSET = "has an offset from UTC, and the contract names no `timezone` for this column"

Moments = NDArray[np.datetime64]

_PLAIN = b"0000-00-00T00:00:00\n"  # with any digits
_AS_ZEROS = bytes.maketrans(b"0123456789", b"0" * 10)
_FIRST = np.datetime64("0001-01-01", "us")


class OffsetRefused(ValueError):
    """A time with an offset from UTC in a column without a timezone."""


def timestamps(values: Sequence[Any], column: Column) -> Moments:
    """Many timestamps, in the encoding that `features` expects; if all are plain ISO 8601, ten times as fast.

    Raises ValueError if one is no timestamp, or outside the column's range.
    """
    moments = _plainly_written(values) if column.format is None else None
    if moments is None:
        moments = np.array([_timestamp(value, column) for value in values], dtype="datetime64[us]")
    low, high = column.moments
    if (low is not None and (moments < np.datetime64(low, "us")).any()) or (
        high is not None and (moments > np.datetime64(high, "us")).any()
    ):
        raise ValueError("outside the range")
    return moments


def timestamp(value: Any, column: Column) -> np.datetime64:
    """One timestamp, in the encoding that `features` expects. Raises ValueError as `timestamps` does."""
    moment = _timestamp(value, column)
    if column.moments != (None, None) and (rule := out_of_range(moment, column)):
        raise ValueError(rule)
    return moment


def broken_rule(value: Any, column: Column) -> str | None:
    """The rule that one present value breaks."""
    try:
        moment = _timestamp(value, column)
    except OffsetRefused:
        return OFFSET
    except (ValueError, TypeError, OverflowError):
        return f"must be a timestamp such as '{example_of(EXAMPLE, column.format or ISO)}'"
    return out_of_range(moment, column)


def out_of_range(moment: np.datetime64, column: Column) -> str | None:
    """The end of the column's range that a timestamp is beyond."""
    low, high = column.moments
    if low is not None and moment < np.datetime64(low, "us"):
        return f"must be at least {column.minimum}"
    if high is not None and moment > np.datetime64(high, "us"):
        return f"must be at most {column.maximum}"
    return None


def local_times(instants: Moments, zone: datetime.tzinfo) -> Moments:
    """Instants in UTC as local times of a zone; NaT stays NaT. The zone is asked once for each second that occurs."""
    instants = instants.astype("datetime64[us]")
    seconds, places = np.unique(instants.astype("datetime64[s]"), return_inverse=True)
    offsets = [
        np.timedelta64("NaT", "us") if second is None else _offset(second, zone)
        for second in seconds.astype(object).tolist()
    ]
    return instants + np.array(offsets, dtype="timedelta64[us]")[places.reshape(-1)]


def _offset(second: datetime.datetime, zone: datetime.tzinfo) -> datetime.timedelta:
    return second.replace(tzinfo=datetime.UTC).astimezone(zone).utcoffset() or datetime.timedelta(0)


def _plainly_written(values: Sequence[Any]) -> Moments | None:
    """Text that is ISO 8601 without fractions and offsets, as `_parse` reads it; None if not all of it is."""
    try:
        text = ("\n".join(values) + "\n").encode("ascii")
    except (TypeError, UnicodeEncodeError):
        return None
    # numpy would take other forms too; comparing all values at once takes a fifth of the time of a regular expression
    if text.translate(_AS_ZEROS) != _PLAIN * len(values):
        return None
    with contextlib.suppress(ValueError):
        moments = np.array(values, dtype="datetime64[us]")
        if not (moments < _FIRST).any():
            return moments
    return None


def _timestamp(value: Any, column: Column) -> np.datetime64:
    """Text has the column's format, or ISO 8601."""
    if value is None:
        return np.datetime64("NaT", "us")
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[us]")
    if column.format in COUNTED and (counted := _counted(value, column)) is not None:
        return counted
    moment = value if isinstance(value, datetime.datetime) else _parse(value, column.format)
    if moment.tzinfo is not None:
        if column.zone is None:
            raise OffsetRefused(OFFSET)
        moment = moment.astimezone(column.zone).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def _counted(value: Any, column: Column) -> np.datetime64 | None:
    """A time that is counted, as a number or its text; None if it is none."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and re.fullmatch(COUNT, value)):
        return None
    instants = counted_moments(np.array([float(value)]), str(column.format))
    if column.zone is not None and str(column.format).startswith("epoch"):
        instants = local_times(instants, column.zone)
    moment: np.datetime64 = instants[0]
    return moment


def _parse(value: Any, written: str | None) -> datetime.datetime:
    """A time from text in a strptime format, or from the whole number that has its digits; else from ISO 8601.

    Raises ValueError or TypeError if it is neither.
    """
    text = value
    if written is not None:
        text = digits_of(value)
        with contextlib.suppress(ValueError):  # stored timestamps are in ISO 8601
            return datetime.datetime.strptime(text, written)
    return datetime.datetime.fromisoformat(text)
