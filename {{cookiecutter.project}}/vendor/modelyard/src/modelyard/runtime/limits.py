"""What a column's `minimum`, `maximum` and `timezone` mean, and what may be wrong with them.

This module needs the standard library only.
"""

from __future__ import annotations

import datetime
import math
import zoneinfo

EXACT = 2**53  # up to it, float64, as which a model gets its numbers, holds every whole number

Bound = int | float | str | None
Moments = tuple[datetime.datetime | None, datetime.datetime | None]


def number_range(minimum: Bound, maximum: Bound, is_counted: bool) -> tuple[float, float]:
    """The least and the largest number; infinite where it is open, except for whole numbers that a model gets."""
    low, high = (-EXACT, EXACT) if is_counted else (-math.inf, math.inf)
    return (
        low if minimum is None else max(low, _number(minimum)),
        high if maximum is None else min(high, _number(maximum)),
    )


def moment_range(minimum: Bound, maximum: Bound) -> Moments:
    """The first and the last local time; None where it is open. A day as maximum includes all of it."""
    first = None if minimum is None else _moment(minimum)
    last = None if maximum is None else _moment(maximum)
    if last is not None and len(str(maximum)) == len("2013-12-31"):
        last = datetime.datetime.combine(last, datetime.time.max)
    return first, last


def range_fault(type_name: str, minimum: Bound, maximum: Bound, is_counted: bool) -> str | None:
    """What is wrong with minimum and maximum of a column of this type."""
    bounds = [bound for bound in (minimum, maximum) if bound is not None]
    if not bounds:
        return None
    if type_name not in ("integer", "number", "timestamp"):
        return "minimum and maximum belong to integer, number and timestamp only"
    found = " and ".join(map(repr, bounds))
    try:
        if type_name == "timestamp":
            first, last = moment_range(minimum, maximum)
            is_empty = first is not None and last is not None and first > last
        else:
            low, high = number_range(minimum, maximum, is_counted)
            is_empty = low > high
    except ValueError:
        if type_name == "timestamp":
            return f"minimum and maximum of a timestamp are local times such as '2013-12-24T18:30:00'; found {found}"
        return f"minimum and maximum of type {type_name} are numbers; found {found}"
    return f"minimum {minimum} is above maximum {maximum}" if is_empty else None


def zone_fault(type_name: str, timezone: str | None, written: str | None) -> str | None:
    """What is wrong with the timezone of a column of this type, and with a format that reads one."""
    if "%Z" in (written or ""):
        return "format reads the name of a zone (%Z), which does not tell the time; write the offset (%z) at the source"
    if timezone is None:
        return "format reads an offset (%z), so the column needs a timezone" if "%z" in (written or "") else None
    if type_name != "timestamp":
        return "timezone belongs to timestamp only"
    try:
        known = zoneinfo.ZoneInfo(timezone) is not None and timezone != "localtime"  # another on each machine
    except (ValueError, KeyError, OSError):
        known = False
    if known:
        return None
    return (
        f"this machine knows no timezone {timezone!r}: an IANA name such as Europe/Berlin is right; "
        "a machine without such names gets them with `pip install tzdata`"
    )


def _number(bound: int | float | str) -> float:
    if isinstance(bound, str):
        raise ValueError(f"{bound!r} is no number")
    return bound


def _moment(bound: int | float | str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(str(bound))
    if moment.tzinfo is not None:
        raise ValueError(f"{bound} has an offset from UTC")
    return moment
