"""Timestamps of a source as local times to the microsecond; see `runtime.times` for one value."""

from __future__ import annotations

import datetime
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.counted import COUNT, WHOLE_AS_FLOAT, counted_moments
from ...runtime.times import OffsetRefused, local_times
from ...runtime.written import COUNTED

LOCAL = pa.timestamp("us")
WITH_OFFSET = re.compile(r"[T ][0-9]{2}.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$")
YEARS = np.datetime64("0001", "Y"), np.datetime64("10000", "Y")
OUTSIDE = "outside the years 1 to 9999"


def moments(values: pa.ChunkedArray, zone: datetime.tzinfo | None, written: str | None = None) -> pa.ChunkedArray:
    """Dates, times, or their text in ISO 8601 or the format `written`, as local times; numbers too with a format.

    Those with an offset from UTC are converted to the zone; digits after the microsecond are cut off.

    Raises pa.ArrowInvalid if a value is no such time, and OffsetRefused if one has an offset and there is no zone.
    """
    if pa.types.is_temporal(values.type):
        return _of_times(values, zone)
    if written in COUNTED:
        return _of_counts(values, zone, str(written))
    text = digits(values) if written else values.cast(pa.string())
    if written is not None:
        return _of_times(_parsed(text, written), zone)
    try:
        return _of_times(text.cast(LOCAL), zone)
    except pa.ArrowInvalid:
        return _of_text(text, zone)


def digits(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers as the text of their digits. Raises pa.ArrowInvalid if one is not whole."""
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        values = values.cast(pa.int64())
    return pc.replace_substring_regex(values.cast(pa.string()), WHOLE_AS_FLOAT, r"\1")


def _parsed(text: pa.ChunkedArray, written: str) -> pa.ChunkedArray:
    """The times of text in a strptime format, as Python's own parser reads them in the service.

    Arrow's takes the 31st of February for the 3rd of March. What it writes as it was read is right; Python reads the
    others, each once.
    """
    if "%z" in written:
        return pc.strptime(text, format=written, unit="us")
    quick = pc.strptime(text, format=written, unit="s", error_is_null=True)
    same = pc.fill_null(pc.equal(pc.strftime(quick, format=written), text), pc.is_null(text))
    if pc.all(same).as_py():
        return quick
    others = pc.unique(text.filter(pc.invert(same)))
    try:
        read = pa.array([datetime.datetime.strptime(value, written) for value in others.to_pylist()], LOCAL)
    except ValueError as error:
        raise pa.ArrowInvalid(str(error)) from None
    slow = pc.take(read, pc.index_in(text, others))
    return pc.if_else(same, quick.cast(LOCAL), slow)


def _of_counts(values: pa.ChunkedArray, zone: datetime.tzinfo | None, form: str) -> pa.ChunkedArray:
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        is_count = pc.match_substring_regex(values, f"^(?:{COUNT})$")
        if not pc.all(is_count).as_py() and values.null_count < len(values):
            return moments(values, zone)  # in ISO 8601, as the service takes it too
        values = pc.utf8_trim_whitespace(values)
    numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    try:
        instants = counted_moments(numbers, form)
        local = local_times(instants, zone) if zone is not None and form.startswith("epoch") else instants
    except (ValueError, OverflowError):
        raise pa.ArrowInvalid(OUTSIDE) from None
    return pa.chunked_array([pa.array(local, LOCAL)])


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
