"""The data contract: what a row is. `contract.yaml` in the repository, `contract.json` in a bundle.

Everything that needs the columns reads them here: validation, features, the request model of the service, the
documentation table and the drift report. This module needs the standard library only.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from ..errors import ContractError
from . import limits
from .names import clashes, unprintable
from .written import format_fault

Type = Literal["string", "integer", "number", "boolean", "timestamp"]
Role = Literal["id", "time", "feature", "target", "unused"]
Kind = Literal["regression", "binary", "multiclass"]

STRICT = {"extra": "forbid", "strict": True}  # for pydantic, which parses contract.yaml; nothing here imports it
DESCRIBED = {**STRICT, "use_attribute_docstrings": True}  # its JSON Schema has the text below each key


@dataclass(frozen=True)
class Column:
    """One column of the data. A column with `values` is categorical, whatever its type."""

    __pydantic_config__: ClassVar = DESCRIBED

    type: Type
    """What its values are; those of a timestamp are local times."""
    role: Role
    """`id` names the row, `time` orders the rows, `target` is predicted, `feature` is an input; `unused` is checked."""
    description: str
    """What it means, for people."""
    unit: str | None = None
    """The unit of its numbers, which may stand beside them where they are text, such as $ or %."""
    minimum: int | float | str | None = None
    """The least value allowed, in `unit`; of a timestamp a local time in ISO 8601."""
    maximum: int | float | str | None = None
    """The largest value allowed; a day as maximum of a timestamp includes all of it."""
    values: list[bool | int | str] | None = None
    """All values that may occur; of a target of two, the last is the positive class."""
    missing: bool = False
    """Whether a value may be missing."""
    empty: bool = False
    """Whether all values of a file or period may be missing."""
    format: str | None = None
    """How text is written: of a timestamp not in ISO 8601 a strptime format, or for numbers that are times `epoch_s`,
    `epoch_ms`, `excel` or `decimal_year`; of a number with thousands, a unit or parentheses, 1,234.5 or 1.234,5."""
    timezone: str | None = None
    """The IANA name of the zone to whose local time those with an offset are converted; else none may have one."""
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


@dataclass(frozen=True)
class Contract:
    """The columns of one data set in the order of `contract.yaml`, its owner, and how fresh it must be.

    Raises ContractError that names each contradiction between the columns.
    """

    __pydantic_config__: ClassVar = DESCRIBED

    name: str
    """The name of the data, which is the model's."""
    description: str
    """What a row is, and where the data comes from."""
    owner: str
    """Who answers for the data."""
    columns: dict[str, Column]
    """The columns by name; the data has these and no others."""
    freshness_days: int | None = None
    """So many days after its last period the data counts as stale; null: never."""
    slices: list[str] = field(default_factory=list)
    """The categorical features for each of whose values the model is judged separately."""

    def __post_init__(self) -> None:
        if faults := [*self._column_faults(), *self._role_faults()] or self._name_faults():
            raise ContractError("\n".join(faults))

    @classmethod
    def from_json(cls, path: Path) -> Contract:
        """The contract of a bundle, as `to_json` wrote it."""
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**raw | {"columns": {name: Column(**column) for name, column in raw["columns"].items()}})

    def to_json(self) -> str:
        """The contract as JSON text; the same contract always gives the same text."""
        content = dataclasses.asdict(self)
        for column in content["columns"].values():
            # What is not used is left out, so that a version of the library that does not know it reads the contract
            if not column["empty"]:
                del column["empty"]
            if column["timezone"] is None:
                del column["timezone"]
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    def named(self, *roles: Role) -> dict[str, Column]:
        """The columns that have one of these roles, by name, in the order of the contract."""
        return {name: column for name, column in self.columns.items() if column.role in roles}

    @cached_property
    def inputs(self) -> dict[str, Column]:
        """The inputs of a model: the features and the time."""
        return self.named("feature", "time")

    @cached_property
    def time(self) -> str | None:
        """The name of the time column, or None if the data has no time."""
        return next(iter(self.named("time")), None)

    @cached_property
    def target(self) -> str:
        """The name of the column that the model predicts."""
        return next(iter(self.named("target")))

    @cached_property
    def kind(self) -> Kind:
        """The kind of task: predict a number, one of two classes, or one of several."""
        column = self.columns[self.target]
        if column.is_numeric:
            return "regression"
        return "binary" if len(self.classes) == 2 else "multiclass"

    @cached_property
    def classes(self) -> list[bool | int | str]:
        """The target's values in the order of the model's probabilities; the last of two is the positive class."""
        column = self.columns[self.target]
        if column.is_numeric:
            return []
        return column.values or [False, True]

    def _column_faults(self) -> list[str]:
        if broken := unprintable(self.columns):
            more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
            return [
                f"columns: a name has a line break or another control character: {', '.join(map(repr, broken[:3]))}"
                f"{more}; rename it at the source"
            ]
        return [f"columns.{name}: {fault}" for name, column in self.columns.items() for fault in _faults(column)]

    def _role_faults(self) -> list[str]:
        faults = []
        if (targets := len(self.named("target"))) != 1:
            faults.append(f"columns: {targets} columns have role target; exactly one must")
        if (times := len(self.named("time"))) > 1:
            faults.append(f"columns: {times} columns have role time; at most one may")
        if not self.named("feature"):
            faults.append("columns: no column has role feature; at least one must")
        categorical = [name for name, column in self.named("feature").items() if column.values]
        faults += [
            f"slices: {name!r} is no feature with a list of values; those are: {', '.join(categorical) or 'none'}"
            for name in self.slices
            if name not in categorical
        ]
        return faults

    def _name_faults(self) -> list[str]:
        return [
            f"columns.{name}: the program makes a column of this name in {table}; give yours another name at the source"
            for name, table in clashes(self).items()
        ]


def _faults(column: Column) -> list[str]:
    """The rules that one column breaks, whatever the other columns are."""
    rules: Mapping[str, bool] = {
        "role time needs type timestamp": column.role == "time" and column.type != "timestamp",
        "role time cannot be missing": column.role == "time" and column.missing,
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
