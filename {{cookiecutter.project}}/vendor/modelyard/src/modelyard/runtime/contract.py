"""The data contract: what a row is. `contract.yaml` in the repository, `contract.json` in a bundle.

Everything that needs the columns reads them here: validation, features, the request model of the service, the
documentation table and the drift report. This module needs the standard library only.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from ..errors import ContractError
from .names import clashes, unprintable

Type = Literal["string", "integer", "number", "boolean", "timestamp"]
Role = Literal["id", "time", "feature", "target", "unused"]
Kind = Literal["regression", "binary", "multiclass"]

STRICT = {"extra": "forbid", "strict": True}  # for pydantic, which parses contract.yaml; nothing here imports it


@dataclass(frozen=True)
class Column:
    """One column of the data.

    `minimum` and `maximum` are inclusive and in `unit`. `values` lists every value that may occur; a column that has
    them is categorical, whatever its type. `missing` says that a value may be missing, and `empty` that all values of a
    file or period may be. `format` is the strptime format of a timestamp that is not written in ISO 8601; `ascending`
    says that the source is sorted by it. A column with `pii` needs a `purpose`: why it may be stored.
    """

    __pydantic_config__: ClassVar = STRICT

    type: Type
    role: Role
    description: str
    unit: str | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    values: list[bool | int | str] | None = None
    missing: bool = False
    empty: bool = False
    format: str | None = None
    ascending: bool = False
    pii: bool = False
    purpose: str | None = None

    @property
    def is_numeric(self) -> bool:
        """Whether the column is a quantity: a number without a list of values."""
        return self.type in ("integer", "number") and self.values is None


@dataclass(frozen=True)
class Contract:
    """The columns of one data set in the order of `contract.yaml`, its owner, and how fresh it must be.

    `freshness_days` says how many days after its last period the data counts as stale (None: never). `slices` names
    the categorical features for each of whose values the model is judged separately.

    Raises ContractError that names each contradiction between the columns.
    """

    __pydantic_config__: ClassVar = STRICT

    name: str
    description: str
    owner: str
    columns: dict[str, Column]
    freshness_days: int | None = None
    slices: list[str] = field(default_factory=list)

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
            if not column["empty"]:  # so that a version of the library that does not know it reads the contract
                del column["empty"]
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
        broken = [
            f"columns: {name!r} has a line break or another control character in its name; rename it at the source"
            for name in unprintable(self.columns)
        ]
        named = [f"columns.{name}: {fault}" for name, column in self.columns.items() for fault in _faults(column)]
        return broken or named

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
        "minimum and maximum belong to integer and number only": (
            (column.minimum, column.maximum) != (None, None) and column.type not in ("integer", "number")
        ),
        f"minimum {column.minimum} is above maximum {column.maximum}": (
            column.minimum is not None and column.maximum is not None and column.minimum > column.maximum
        ),
        "values belong to string and integer only": bool(column.values) and column.type not in ("string", "integer"),
        f"each of values must be of type {column.type}": any(
            type(value) is not {"string": str, "integer": int}.get(column.type, type(value))
            for value in column.values or []
        ),
        "values has the same value twice": len(set(column.values or [])) != len(column.values or []),
        "values is empty": column.values == [],
        "ascending belongs to timestamp only": column.ascending and column.type != "timestamp",
        "format belongs to timestamp only": column.format is not None and column.type != "timestamp",
        "it is marked pii and gives no purpose: drop it at the source, or say in `purpose` why it may be held": (
            column.pii and not (column.purpose or "").strip()
        ),
    }
    return [rule for rule, broken in rules.items() if broken]
