"""One column of a contract: its type, its role, what its values may be, and the rules that its keys keep.

This module needs the standard library only.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, get_args

from . import limits
from .written import format_fault

Type = Literal["string", "integer", "number", "boolean", "timestamp"]
Role = Literal["id", "time", "group", "feature", "target", "unused"]
CalendarPart = Literal["hour", "weekday", "month", "day_of_year", "year", "elapsed"]
CALENDAR: tuple[CalendarPart, ...] = get_args(CalendarPart)

OTHER = "(other)"  # in tables and logs, the values of a category that its list does not have

STRICT = {"extra": "forbid", "strict": True}  # for pydantic, which parses contract.yaml; nothing here imports it
DESCRIBED = {**STRICT, "use_attribute_docstrings": True}  # its JSON Schema has the text below each key


@dataclass(frozen=True)
class Column:
    """One column of the data. A column with `values` is categorical, whatever its type."""

    __pydantic_config__: ClassVar = DESCRIBED

    type: Type
    """What its values are; those of a timestamp are local times."""
    role: Role
    """`id` names the row, `time` orders the rows, `target` is predicted, `feature` is an input; `unused` is checked.
    `group` is an entity, such as a patient, all of whose rows a random split keeps together; it is no input."""
    description: str
    """What it means, for people."""
    unit: str | None = None
    """The unit of its numbers, which may stand beside them where they are text, such as $ or %."""
    minimum: int | float | str | None = None
    """The least value allowed, in `unit`; of a timestamp a local time in ISO 8601."""
    maximum: int | float | str | None = None
    """The largest value allowed; a day as maximum of a timestamp includes all of it."""
    values: list[bool | int | str] | None = None
    """All values that may occur, or with `other` those of a category each; of a target of two, the last is positive."""
    other: bool = False
    """Whether other values than those in `values` may occur: all of them are one more category, after the last."""
    missing: bool = False
    """Whether a value may be missing."""
    empty: bool = False
    """Whether all values of a file or period may be missing."""
    format: str | None = None
    """How text is written: of a timestamp not in ISO 8601 a strptime format, or for numbers that are times `epoch_s`,
    `epoch_ms`, `excel` or `decimal_year`; of a number with thousands, a unit or parentheses, 1,234.5 or 1.234,5."""
    timezone: str | None = None
    """The IANA name of the zone to whose local time those with an offset are converted; else none may have one."""
    calendar: list[CalendarPart] | None = None
    """The features made of a timestamp: `hour` and `weekday` (if null), `month`, `day_of_year`, `year`, and `elapsed`,
    the days since 1970, by which a model follows a trend. An empty list for a time: it orders the rows only."""
    ascending: bool = False
    """Whether the source is sorted by this timestamp."""
    pii: bool = False
    """Whether it is personal data, which needs a `purpose`."""
    purpose: str | None = None
    """Why this personal data may be held."""

    @property
    def is_numeric(self) -> bool:
        """Whether the column is a quantity: a number without a list of values."""
        return self.is_number and self.values is None

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers, be they quantities or classes."""
        return self.type in ("integer", "number")

    @property
    def is_written(self) -> bool:
        """Whether it is a number that may be given as text, in the column's format."""
        return self.is_number and self.format is not None

    @property
    def is_counted(self) -> bool:
        """Whether the column is a whole number that a model gets as float64, so that none may be beyond EXACT."""
        return self.is_numeric and self.type == "integer" and self.role in ("feature", "target")

    @property
    def labels(self) -> list[bool | int | str]:
        """What a person calls each position of a category: its values, and OTHER after them."""
        return [*(self.values or []), *([OTHER] if self.other else [])]

    @property
    def calendar_parts(self) -> Sequence[CalendarPart]:
        """The parts of `calendar`, or without one those that a timestamp always becomes."""
        return ("hour", "weekday") if self.calendar is None else self.calendar

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest number that is allowed; infinite where the contract leaves it open."""
        return limits.number_range(self.minimum, self.maximum, self.is_counted)

    @cached_property
    def moments(self) -> limits.Moments:
        """The first and the last timestamp that is allowed, as local times; None where the contract leaves it open."""
        return limits.moment_range(self.minimum, self.maximum) if self.type == "timestamp" else (None, None)

    @cached_property
    def zone(self) -> datetime.tzinfo | None:
        """The zone of `timezone`."""
        return None if self.timezone is None else zoneinfo.ZoneInfo(self.timezone)

    def is_elsewhere(self, other: Column) -> bool:
        """Whether the two mean local times of two zones; without a timezone, a column does not say which it means."""
        return None not in (self.timezone, other.timezone) and self.timezone != other.timezone


def faults_of(column: Column) -> list[str]:
    """The rules that one column breaks, whatever the other columns are."""
    rules: Mapping[str, bool] = {
        "role time needs type timestamp": column.role == "time" and column.type != "timestamp",
        "role time cannot be missing": column.role == "time" and column.missing,
        "role group needs type string or integer": column.role == "group" and column.type not in ("string", "integer"),
        "role group cannot be missing": column.role == "group" and column.missing,
        "role id cannot be missing": column.role == "id" and column.missing,
        "empty needs missing: true": column.empty and not column.missing,
        "a string that is a feature needs `values`; without them give it role unused": (
            column.role == "feature" and column.type == "string" and not column.values
        ),
        "a target must be a number, a boolean or have `values`": (
            column.role == "target" and not column.values and column.type in ("string", "timestamp")
        ),
        "a target with `values` needs at least two": (
            column.role == "target" and column.values is not None and len(column.values) < 2
        ),
        "values belong to string and integer only": bool(column.values) and column.type not in ("string", "integer"),
        f"each of values must be of type {column.type}": any(
            type(value) is not {"string": str, "integer": int}.get(column.type, type(value))
            for value in column.values or []
        ),
        "values has the same value twice": len(set(column.values or [])) != len(column.values or []),
        "values is empty": column.values == [],
        "other belongs to a feature with `values`": column.other
        and not (column.role in ("feature", "unused") and column.values),
        f"values has {OTHER!r}, as which all others count": column.other and OTHER in (column.values or []),
        "calendar belongs to timestamp only": column.calendar is not None and column.type != "timestamp",
        "calendar has the same part twice": len(set(column.calendar or [])) != len(column.calendar or []),
        "calendar is empty, so the feature is none: give it role unused": (
            column.role == "feature" and column.calendar == []
        ),
        "ascending belongs to timestamp only": column.ascending and column.type != "timestamp",
        "it is marked pii and gives no purpose: drop it at the source, or say in `purpose` why it may be held": (
            column.pii and not (column.purpose or "").strip()
        ),
    }
    found = [rule for rule, broken in rules.items() if broken]
    of_range = limits.range_fault(column.type, column.minimum, column.maximum, column.is_counted)
    of_zone = limits.zone_fault(column.type, column.timezone, column.format)
    of_format = format_fault(column.type, column.format, column.values is not None, column.role == "id")
    return [*found, *filter(None, (of_range, of_zone, of_format))]
