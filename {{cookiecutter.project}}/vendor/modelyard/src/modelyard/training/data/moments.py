"""Timestamps of a source as local times to the microsecond; see `runtime.times` for one value."""

from __future__ import annotations

import datetime
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.times import OffsetRefused, local_times

LOCAL = pa.timestamp("us")
WITH_OFFSET = re.compile(r"[T ][0-9]{2}.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$")
YEARS = np.datetime64("0001", "Y"), np.datetime64("10000", "Y")
OUTSIDE = "outside the years 1 to 9999"


def moments(values: pa.ChunkedArray, zone: datetime.tzinfo | None, written: str | None = None) -> pa.ChunkedArray:
    """Dates, times, or their text in ISO 8601 or the strptime format `written`, as local times.

    Those with an offset from UTC are converted to the zone; digits after the microsecond are cut off.

    Raises pa.ArrowInvalid if a value is no such time, and OffsetRefused if one has an offset and there is no zone.
    """
    if pa.types.is_temporal(values.type):
        return _of_times(values, zone)
    text = values.cast(pa.string())
    if written is not None:
        return _of_times(pc.strptime(text, format=written, unit="us"), zone)
    try:
        return _of_times(text.cast(LOCAL), zone)
    except pa.ArrowInvalid:
        return _of_text(text, zone)


def _of_times(times: pa.ChunkedArray, zone: datetime.tzinfo | None) -> pa.ChunkedArray:
    has_offset = getattr(times.type, "tz", None) is not None
    if has_offset and zone is None and times.null_count < len(times):
        raise OffsetRefused
    raw = times.to_numpy()  # in UTC if they have an offset
    if np.datetime_data(raw.dtype)[0] != "ns" and ((raw < YEARS[0]) | (raw >= YEARS[1])).any():
        raise pa.ArrowInvalid(OUTSIDE)
    local = raw.astype("datetime64[us]")  # cuts digits off before 1970 too, where Arrow's cast would round up
    try:
        local = local_times(local, zone) if has_offset and zone is not None else local
    except OverflowError:
        raise pa.ArrowInvalid(OUTSIDE) from None
    return pa.chunked_array([pa.array(local, LOCAL)])


def _of_text(text: pa.ChunkedArray, zone: datetime.tzinfo | None) -> pa.ChunkedArray:
    """ISO 8601 with an offset in all, or in some, or with digits after the microsecond."""
    text = pc.replace_substring_regex(text, r"(\.[0-9]{6})[0-9]+", r"\1")
    with_offset, absent = pc.match_substring_regex(text, WITH_OFFSET.pattern), pa.scalar(None, pa.string())
    instants = pc.if_else(with_offset, text, absent).cast(pa.timestamp("us", "UTC"))
    local = pc.if_else(with_offset, absent, text).cast(LOCAL)
    return pc.coalesce(_of_times(instants, zone), _of_times(local, zone))
