"""Rows as a person or a service sends them, checked by the contract and turned into the columns of `features`."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from .column import Column
from .contract import Contract
from .limits import EXACT
from .times import broken_rule as broken_time_rule
from .times import timestamps
from .written import as_number

Row = Mapping[str, Any]

BEYOND = f"must not be beyond 2^53 ({EXACT}), where a model cannot tell every whole number from the next"


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


def encode(rows: Sequence[Row], contract: Contract, most: int | None = None) -> dict[str, NDArray]:
    """The contract's inputs as columns, each of shape (n,), in the encoding that `features` expects.

    A field that may be missing can be None, NaN, NaT or left out. Columns of the contract that are not inputs are
    allowed and ignored.

    Raises RowsRefused with every problem in every row: an unknown field, a wrong type, a value outside its range or
    closed list, a value that must not be missing. With `most`, no further columns are looked at after so many problems.
    """
    unknown = (
        Problem(index, name, row[name], "no such column in the contract")
        for index, row in enumerate(rows)
        if not row.keys() <= contract.columns.keys()
        for name in row
        if name not in contract.columns
    )
    problems = list(islice(unknown, most))
    columns: dict[str, NDArray] = {}
    for name, column in contract.inputs.items():
        if most is not None and len(problems) >= most:
            break
        raw = [row.get(name) for row in rows]
        values = _encode_quickly(raw, column)
        if values is None:
            values = _encode_one_by_one(raw, name, column, problems)
        columns[name] = values
    if problems:
        raise RowsRefused(sorted(problems, key=lambda problem: problem.row))
    return columns


def encode_values(values: Sequence[Any], column: Column) -> NDArray:
    """One column of values that are known to follow the contract, in the encoding that `features` expects.

    Raises ValueError if a timestamp does not follow it.
    """
    if column.values is not None:
        code = codes(column)
        return np.fromiter(map(code.__getitem__, values), dtype=np.int64, count=len(values))
    if column.type == "timestamp":
        return timestamps(values, column)
    try:
        return np.fromiter(values, dtype=np.float64, count=len(values))
    except TypeError:
        present = [math.nan if value is None else value for value in values]
        return np.fromiter(present, dtype=np.float64, count=len(values))


def codes(column: Column) -> dict[Any, int]:
    """The code of each value of a category, and of a missing one; with `other` any further value has one too."""
    listed = {None: -1} | {value: position for position, value in enumerate(column.values or [])}
    return _WithOther(listed) if column.other else listed


class _WithOther(dict[Any, int]):
    """Gives the values that are not in it the position after the last."""

    def __missing__(self, _value: Any) -> int:
        return len(self) - 1  # without the missing one


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
        low, high = column.bounds
        if int in types:  # beyond these, a whole number may have been rounded
            low, high = max(low, 1 - EXACT), min(high, EXACT - 1)
        in_range = np.count_nonzero((values >= low) & (values <= high) & np.isfinite(values))
        return values if in_range == len(raw) - raw.count(None) else None
    return values


def _encode_one_by_one(raw: list[Any], name: str, column: Column, problems: list[Problem]) -> NDArray:
    """The column, checked value by value; one that breaks the contract is added to `problems` and counts as missing."""
    accepted: list[Any] = []
    for index, value in enumerate(raw):
        absent = value is None or (isinstance(value, _NOT_EQUAL_TO_ITSELF) and value != value)
        known = as_number(value, column.format, column.unit) if column.is_written else value
        rule = _rule_of_missing(column) if absent else broken_rule(known, column)
        if rule:
            problems.append(Problem(index, name, value, rule))
        accepted.append(None if rule or absent else known)
    return encode_values(accepted, column)


def broken_rule(value: Any, column: Column) -> str | None:
    """The rule that one present value breaks."""
    if column.type == "timestamp":
        return broken_time_rule(value, column)
    if column.type in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            text = f", or text written as {column.format}" if column.format else ""
            return f"must be of type {column.type}{text}"
        if not _is_finite(value):
            return "must be finite"
        if column.type == "integer" and value != int(value):
            return "must be a whole number"
        if column.is_numeric and not _is_exact(value, column):
            return BEYOND
    elif not isinstance(value, str if column.type == "string" else (bool, np.bool_)):
        return f"must be of type {column.type}"
    if column.values is not None:
        return None if column.other or value in column.values else f"must be one of {_listed(column.values)}"
    if column.type == "string":
        return None
    if value < column.bounds[0]:
        return f"must be at least {column.minimum}"
    if value > column.bounds[1]:
        return f"must be at most {column.maximum}"
    return None


def _rule_of_missing(column: Column) -> str | None:
    return None if column.missing else "must not be missing"


def _is_exact(number: Any, column: Column) -> bool:
    """Whether a model gets this number and not another; a float at the limit may have been a whole number beyond it."""
    whole = isinstance(number, (int, np.integer))
    if column.is_counted:
        return bool(-EXACT <= number <= EXACT if whole else -EXACT < number < EXACT)
    return not whole or int(float(number)) == int(number)


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float can hold
        return False


def _listed(values: list[Any]) -> str:
    shown = ", ".join(map(repr, values[:20]))
    return shown if len(values) <= 20 else f"{shown} and {len(values) - 20} more"


_NOT_EQUAL_TO_ITSELF = (float, np.datetime64, datetime.datetime)  # where it is NaN or NaT

_PLAIN: Mapping[str, set[type]] = {
    "string": {str, type(None)},
    "integer": {int, type(None)},
    "number": {int, float, type(None)},
    "boolean": {bool, type(None)},
    "timestamp": {str, datetime.datetime, type(None)},
}
