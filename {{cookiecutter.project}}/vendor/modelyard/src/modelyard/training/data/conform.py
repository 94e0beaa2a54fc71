"""Converts the columns of a source to the contract's types, without guessing."""

from __future__ import annotations

import decimal
import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.column import Column
from ...runtime.limits import EXACT
from ...runtime.rows import BEYOND
from ...runtime.times import OFFSET, OffsetRefused
from ...runtime.written import as_number
from .moments import moments
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
    a time with an offset in the local time of the column's timezone, NaN as a missing value. Text is read as a number
    only by a `format`. Whole numbers that a model cannot tell apart, as float64 does not, are refused.
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    values = nan_as_missing(values)
    if not _comparable(values.type, column):
        present = values.drop_null().slice(0, 3).to_pylist()
        rule = f"must be of type {column.type}, found {values.type}"
        return BrokenRule(name, rule, len(values) - values.null_count, tuple(present))
    if column.is_written and not _is_quantity(values.type):
        told = numbers_of(values, str(column.format), column.unit)
        if isinstance(told, list):
            rule = f"must be of type {column.type}, or text written as {column.format}"
            return BrokenRule(name, rule, *_counted(values, told))
        values = told
    if beyond := _beyond(values, column):
        return BrokenRule(name, BEYOND, len(beyond), tuple(beyond[:3]))
    try:
        return _cast(values, column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OffsetRefused):
        rule, rows, examples = _broken(values, column)
        return BrokenRule(name, rule, rows, tuple(examples[:3]))


def nan_as_missing(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with null in place of NaN, which some writers of Parquet put there."""
    if not pa.types.is_floating(values.type):
        return values
    numbers = values.cast(pa.float64())
    return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)


def numbers_of(values: pa.ChunkedArray, form: str, unit: str | None) -> pa.ChunkedArray | list[str]:
    """The numbers of text in one of the formats of `runtime.written`, or the texts that are none."""
    encoded = pc.dictionary_encode(values.combine_chunks().cast(pa.string()))
    texts = encoded.dictionary.to_pylist()
    numbers = [as_number(text, form, unit) for text in texts]
    if broken := [text for text, number in zip(texts, numbers, strict=True) if isinstance(number, str)]:
        return broken
    kind = pa.int64() if all(isinstance(one, int) and abs(one) < 2**63 for one in numbers) else pa.float64()
    return pa.chunked_array([pc.take(pa.array(numbers, kind), encoded.indices)])


def _counted(values: pa.ChunkedArray, broken: list[str]) -> tuple[int, tuple[str, ...]]:
    rows = pc.sum(pc.is_in(values.cast(pa.string()), pa.array(broken))).as_py() or 0
    return rows, tuple(broken[:3])


def _is_quantity(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _comparable(kind: pa.DataType, column: Column) -> bool:
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    quantity, has_format = _is_quantity(kind), column.format is not None
    return (
        pa.types.is_null(kind)
        or {
            "string": text or (pa.types.is_decimal(kind) and kind.scale <= 0),
            "integer": quantity or (text and has_format),
            "number": quantity or (text and has_format),
            "boolean": pa.types.is_boolean(kind) or pa.types.is_integer(kind),
            "timestamp": (text or pa.types.is_date(kind) or pa.types.is_timestamp(kind) or (quantity and has_format)),
        }[column.type]
    )


def _cast(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    kind = values.type
    if column.type == "boolean" and pa.types.is_integer(kind):
        ends = pc.min_max(values).as_py()
        if ends["min"] is not None and not 0 <= ends["min"] <= ends["max"] <= 1:
            raise pa.ArrowInvalid("neither 0 nor 1")
    if column.type == "timestamp":
        return moments(values, column.zone, column.format)
    return values.cast(ARROW[column.type])


def _beyond(values: pa.ChunkedArray, column: Column) -> list[Any]:
    """The numbers that could be another whole number too, as a float64 holds both alike."""
    kind = values.type
    if not _is_quantity(kind) or column.type not in ("integer", "number") or column.role == "unused":
        return []
    if pa.types.is_floating(kind):
        least = EXACT if column.type == "integer" else math.inf  # whatever its role, digits of it are lost
    else:
        as_number = column.is_numeric and column.role != "id" and (column.is_counted or not pa.types.is_decimal(kind))
        least = EXACT + 1 if as_number else math.inf
    ends = pc.min_max(values).as_py()
    if ends["min"] is None or -least < ends["min"] <= ends["max"] < least:
        return []
    return [number for number in values.drop_null().to_pylist() if least <= abs(number) < math.inf]


def _broken(values: pa.ChunkedArray, column: Column) -> tuple[str, int, list[Any]]:
    """The first rule that values of the column break, the number of rows, and the values."""
    rules: dict[str, list[tuple[Any, int]]] = {}
    for found in pc.value_counts(values.drop_null()):
        value = pa.chunked_array([pa.array([found["values"]], values.type)])
        try:
            _cast(value, column)
        except OffsetRefused:
            rule = OFFSET
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            rule = f"must be of type {column.type}"
        else:
            continue
        # as text, because Python has no time of every year that Arrow has
        shown = value.cast(pa.string()) if pa.types.is_temporal(values.type) else value
        rules.setdefault(rule, []).append((_plain(shown[0].as_py()), found["counts"].as_py()))
    rule, broken = next(iter(rules.items()), (f"must be of type {column.type}", []))
    return rule, sum(count for _, count in broken), [value for value, _ in broken]


def _plain(value: Any) -> Any:
    """A decimal that a float holds as well, as that float, which is shorter to read."""
    return float(value) if isinstance(value, decimal.Decimal) and decimal.Decimal(float(value)) == value else value
