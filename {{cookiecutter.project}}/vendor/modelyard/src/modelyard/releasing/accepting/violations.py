"""Rows that break a contract: one for each rule of each input column.

The rules are read from the contract, and not by the code that checks rows, because that code is tested.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.limits import EXACT
from ...runtime.times import EXAMPLE

HUGE = 10**400  # a whole number that no float holds


class Violation(NamedTuple):
    """A row, the one field in it that breaks the contract, and how the rule that it breaks begins."""

    row: Mapping[str, Any]
    field: str
    rule: str


def violations(contract: Contract, good: Mapping[str, Any]) -> list[Violation]:
    """All of them, each made from a row that keeps the contract."""
    cases = [
        Violation({**good, name: value}, name, rule)
        for name in contract.inputs
        for value, rule in _breaking(contract, name)
    ]
    stranger = "no_such_column"
    while stranger in contract.columns:
        stranger += "_"
    return [*cases, Violation({**good, stranger: 1}, stranger, "no such column in the contract")]


def _breaking(contract: Contract, name: str) -> Iterator[tuple[Any, str]]:
    """Values of a column that break a rule of it, and the rule."""
    column = contract.columns[name]
    if not column.missing:
        yield None, "must not be missing"
    if column.type == "timestamp":
        yield "some day", "must be a timestamp such as "
        yield from _times(column)
        return
    yield (1.5 if column.type == "string" else "many"), f"must be of type {column.type}"
    if column.type in ("integer", "number"):
        yield HUGE, "must be finite"
    if column.type == "integer":
        yield 0.5, "must be a whole number"
    if column.other:
        return
    if column.values is not None:
        yield _unlisted(column.values), "must be one of "
        return
    if column.is_counted:
        yield EXACT + 1, "must not be beyond 2^53 "
    for bound, side, word in ((column.minimum, -1, "least"), (column.maximum, 1, "most")):
        if isinstance(bound, str) or bound is None or not math.isfinite(beyond := bound + side * max(1, abs(bound))):
            continue
        if not column.is_counted or abs(beyond) <= EXACT:
            yield beyond, f"must be at {word} {bound}"


def _times(column: Column) -> Iterator[tuple[str, str]]:
    """Times beyond the range, and one with an offset that nobody can convert."""
    low, high = column.moments
    if low is not None and low.year > 1:
        yield low.replace(year=low.year - 1, day=1).isoformat(), f"must be at least {column.minimum}"
    if high is not None and high.year < datetime.MAXYEAR:
        yield high.replace(year=high.year + 1, day=1).isoformat(), f"must be at most {column.maximum}"
    if column.timezone is None:
        yield f"{EXAMPLE.isoformat()}+01:00", "has an offset from UTC"


def _unlisted(values: list[bool | int | str]) -> int | str:
    """A value of the same type that is not among these."""
    numbers = [one for one in values if isinstance(one, int)]
    return max(numbers) + 1 if numbers else max(map(str, values)) + "?"
