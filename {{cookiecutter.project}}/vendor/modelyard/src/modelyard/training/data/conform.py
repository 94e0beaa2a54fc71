"""Converts the columns of a source to the contract's types, without guessing."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.contract import Column
from .refusal import BrokenRule

ARROW = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
}


def conform(values: pa.ChunkedArray, column: Column, name: str = "") -> pa.ChunkedArray | BrokenRule:
    """The column in the contract's type, or the rule that it breaks, with the values that cannot be converted.

    Accepted: any width of number, whole floats as integers, 0 and 1 as booleans, dates and ISO 8601 text as timestamps,
    a time with a zone in UTC, NaN as a missing value. Text is never read as a number.
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    values = nan_as_missing(values)
    if not _comparable(values.type, column):
        present = values.drop_null().slice(0, 3).to_pylist()
        rule = f"must be of type {column.type}, found {values.type}"
        return BrokenRule(name, rule, len(values) - values.null_count, tuple(present))
    try:
        return _cast(values, column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        present = values.drop_null().to_pylist()
        wrong = [value for value in present if not _castable(value, values.type, column)]
        if not wrong:
            return BrokenRule(name, "names a zone in some values and none in others", len(present), tuple(present[:3]))
        return BrokenRule(name, f"must be of type {column.type}", len(wrong), tuple(wrong[:3]))


def nan_as_missing(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with null in place of NaN, which some writers of Parquet put there."""
    if not pa.types.is_floating(values.type):
        return values
    numbers = values.cast(pa.float64())
    return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)


def _comparable(kind: pa.DataType, column: Column) -> bool:
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    quantity = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return (
        pa.types.is_null(kind)
        or {
            "string": text,
            "integer": quantity,
            "number": quantity,
            "boolean": pa.types.is_boolean(kind) or pa.types.is_integer(kind),
            "timestamp": text or pa.types.is_date(kind) or pa.types.is_timestamp(kind),
        }[column.type]
    )


def _cast(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    kind = values.type
    if column.type == "boolean" and pa.types.is_integer(kind):
        ends = pc.min_max(values).as_py()
        if ends["min"] is not None and not 0 <= ends["min"] <= ends["max"] <= 1:
            raise pa.ArrowInvalid("neither 0 nor 1")
    if column.type == "timestamp" and not pa.types.is_date(kind):
        if column.format and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return pc.strptime(values, format=column.format, unit="us")
        return _local(values)
    return values.cast(ARROW[column.type])


def _local(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times, or their ISO 8601 text, without a zone; those with a zone are converted to UTC."""
    if not (pa.types.is_timestamp(times.type) and times.type.tz):
        try:
            return times.cast(ARROW["timestamp"])
        except pa.ArrowInvalid:
            if pa.types.is_timestamp(times.type):
                raise
    return pc.local_timestamp(times.cast(pa.timestamp("us", "UTC")))


def _castable(value: Any, kind: pa.DataType, column: Column) -> bool:
    try:
        _cast(pa.chunked_array([pa.array([value], kind)]), column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True
