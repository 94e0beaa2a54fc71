"""Rows as a person or a service sends them, checked by the contract and turned into the columns of `features`."""

from __future__ import annotations

import contextlib
import datetime
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from .contract import Column, Contract

Row = Mapping[str, Any]

ISO = "%Y-%m-%dT%H:%M:%S"
EXAMPLE = datetime.datetime(2013, 12, 24, 18, 30)


@dataclass(frozen=True)
class Problem:
    """One value that breaks the contract; `row` counts from 0."""

    row: int
    column: str
    value: Any
    rule: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.column} = {self.value!r}: {self.rule}"


class RowsRefused(ContractError):
    """Rows that break the contract, with every problem found in them."""

    def __init__(self, problems: list[Problem]) -> None:
        shown = [str(problem) for problem in problems[:10]]
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        super().__init__("\n".join(shown))
        self.problems = problems


def encode(rows: Sequence[Row], contract: Contract) -> dict[str, NDArray]:
    """The contract's inputs as columns, each of shape (n,), in the encoding that `features` expects.

    A field that may be missing can be None, NaN, NaT or left out. Columns of the contract that are not inputs are
    allowed and ignored.

    Raises RowsRefused with every problem in every row: an unknown field, a wrong type, a value outside its range or
    list, a value that must not be missing.
    """
    problems = [
        Problem(index, name, row[name], "no such column in the contract")
        for index, row in enumerate(rows)
        if not row.keys() <= contract.columns.keys()
        for name in row
        if name not in contract.columns
    ]
    columns: dict[str, NDArray] = {}
    for name, column in contract.inputs.items():
        raw = [row.get(name) for row in rows]
        values = _encode_quickly(raw, column)
        if values is None:
            values = _encode_one_by_one(raw, name, column, problems)
        columns[name] = values
    if problems:
        raise RowsRefused(sorted(problems, key=lambda problem: problem.row))
    return columns


def encode_values(values: Sequence[Any], column: Column) -> NDArray:
    """One column of values that are known to follow the contract, in the encoding that `features` expects."""
    if column.values is not None:
        code = codes(column.values)
        return np.fromiter(map(code.__getitem__, values), dtype=np.int64, count=len(values))
    if column.type == "timestamp":
        return _timestamps(values, column.format)
    try:
        return np.fromiter(values, dtype=np.float64, count=len(values))
    except TypeError:
        return np.array(values, dtype=np.float64)  # slower, but turns None into NaN


def codes(values: Sequence[Any]) -> dict[Any, int]:
    """The code of each value of a category, and of a missing one."""
    return {None: -1} | {value: position for position, value in enumerate(values)}


def timestamp(value: Any, column: Column) -> np.datetime64:
    """One timestamp, in the encoding that `features` expects. Raises ValueError if it is not one."""
    return _timestamp(value, column.format)


def _encode_quickly(raw: list[Any], column: Column) -> NDArray | None:
    """The column if all of its values are valid, else None; `_encode_one_by_one` then names what is wrong."""
    types = set(map(type, raw))
    missing = type(None) in types
    if (missing and not column.missing) or not types <= _PLAIN[column.type]:
        return None
    try:
        values = encode_values(raw, column)
    except (KeyError, ValueError, OverflowError):
        return None
    if column.is_numeric:
        low = -math.inf if column.minimum is None else column.minimum
        high = math.inf if column.maximum is None else column.maximum
        in_range = np.count_nonzero((values >= low) & (values <= high) & np.isfinite(values))
        return values if in_range == len(raw) - raw.count(None) else None
    return values


def _encode_one_by_one(raw: list[Any], name: str, column: Column, problems: list[Problem]) -> NDArray:
    """The column, checked value by value; one that breaks the contract is added to `problems` and counts as missing."""
    accepted: list[Any] = []
    for index, value in enumerate(raw):
        absent = value is None or (isinstance(value, _NOT_EQUAL_TO_ITSELF) and value != value)
        rule = _broken_rule(value, column, absent)
        if rule:
            problems.append(Problem(index, name, value, rule))
        accepted.append(None if rule or absent else value)
    return encode_values(accepted, column)


def _broken_rule(value: Any, column: Column, absent: bool) -> str | None:
    if absent:
        return None if column.missing else "must not be missing"
    if column.type == "timestamp":
        try:
            _timestamp(value, column.format)
        except (ValueError, TypeError, OverflowError):
            return f"must be a timestamp such as '{EXAMPLE.strftime(column.format or ISO)}'"
    elif column.type in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            return f"must be of type {column.type}"
        if not _is_finite(value):
            return "must be finite"
        if column.type == "integer" and value != int(value):
            return "must be a whole number"
    elif not isinstance(value, str if column.type == "string" else (bool, np.bool_)):
        return f"must be of type {column.type}"
    if column.values is not None:
        return None if value in column.values else f"must be one of {_listed(column.values)}"
    if column.minimum is not None and value < column.minimum:
        return f"must be at least {column.minimum}"
    if column.maximum is not None and value > column.maximum:
        return f"must be at most {column.maximum}"
    return None


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float can hold
        return False


def _listed(values: list[Any]) -> str:
    shown = ", ".join(map(repr, values[:20]))
    return shown if len(values) <= 20 else f"{shown} and {len(values) - 20} more"


def _timestamps(values: Sequence[Any], written: str | None) -> NDArray[np.datetime64]:
    """Many timestamps; if all are plain ISO 8601, numpy parses them ten times as fast."""
    if written is None and set(map(type, values)) == {str} and _PLAINLY_WRITTEN.fullmatch("\n".join(values) + "\n"):
        with contextlib.suppress(ValueError):
            return np.array(values, dtype="datetime64[us]")
    return np.array([_timestamp(value, written) for value in values], dtype="datetime64[us]")


def _timestamp(value: Any, written: str | None) -> np.datetime64:
    """A timestamp without a zone; one with a zone is converted to UTC. Text has the format `written`, or ISO 8601."""
    if value is None:
        return np.datetime64("NaT", "us")
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[us]")
    moment = value if isinstance(value, datetime.datetime) else _parse(value, written)
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def _parse(text: str, written: str | None) -> datetime.datetime:
    if written is not None:
        with contextlib.suppress(ValueError):  # stored timestamps are in ISO 8601
            return datetime.datetime.strptime(text, written)
    return datetime.datetime.fromisoformat(text)


_NOT_EQUAL_TO_ITSELF = (float, np.datetime64, datetime.datetime)  # where it is NaN or NaT

_PLAINLY_WRITTEN = re.compile(r"(?:(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\n)*")

_PLAIN: Mapping[str, set[type]] = {
    "string": {str, type(None)},
    "integer": {int, type(None)},
    "number": {int, float, type(None)},
    "boolean": {bool, type(None)},
    "timestamp": {str, datetime.datetime, type(None)},
}
