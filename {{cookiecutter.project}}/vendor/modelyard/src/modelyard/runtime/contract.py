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
from .column import DESCRIBED, Column, Role, faults_of
from .history import HistoryFeature, history_faults
from .names import clashes, unprintable

Kind = Literal["regression", "binary", "multiclass"]


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
    features: dict[str, HistoryFeature] = field(default_factory=dict)
    """The features with history by name: columns that are looked up by entity, as known at the row's time."""

    def __post_init__(self) -> None:
        if self.features:
            if faults := history_faults(self.features, self.columns):
                raise ContractError("\n".join(faults))
            looked_up = {name: feature.column for name, feature in self.features.items()}
            object.__setattr__(self, "columns", {**self.columns, **looked_up})
        if faults := [*self._column_faults(), *self._role_faults()] or self._name_faults():
            raise ContractError("\n".join(faults))

    @classmethod
    def from_json(cls, path: Path) -> Contract:
        """The contract of a bundle, as `to_json` wrote it."""
        return cls.from_raw(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def from_raw(cls, raw: Mapping[str, Any]) -> Contract:
        """The contract of the JSON object that `to_json` wrote."""
        features = {name: HistoryFeature(**feature) for name, feature in raw.get("features", {}).items()}
        columns = {name: Column(**column) for name, column in raw["columns"].items()}
        return cls(**{**raw, "columns": columns, "features": features})

    def to_json(self) -> str:
        """The contract as JSON text; the same contract always gives the same text."""
        content = dataclasses.asdict(self)
        if not self.features:
            del content["features"]
        for name, feature in content.get("features", {}).items():
            del content["columns"][name]
            content["features"][name] = {key: value for key, value in feature.items() if value not in (None, [], False)}
        for column in content["columns"].values():
            # What is not used is left out, so that a version of the library that does not know it reads the contract
            for key in ("empty", "other"):
                if not column[key]:
                    del column[key]
            for key in ("timezone", "calendar"):
                if column[key] is None:
                    del column[key]
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
    def group(self) -> str | None:
        """The name of the column of the entity whose rows stay together, or None."""
        return next(iter(self.named("group")), None)

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
        return [f"columns.{name}: {fault}" for name, column in self.columns.items() for fault in faults_of(column)]

    def _role_faults(self) -> list[str]:
        faults = []
        if (targets := len(self.named("target"))) != 1:
            faults.append(f"columns: {targets} columns have role target; exactly one must")
        if (times := len(self.named("time"))) > 1:
            faults.append(f"columns: {times} columns have role time; at most one may")
        if len(groups := self.named("group")) > 1:
            faults.append(f"columns: {len(groups)} columns have role group; at most one may")
        if groups and times:
            faults.append(
                f"columns: {next(iter(groups))} has role group, which is for a random split, and the data has a time, "
                "by which it is split: give one of them role feature or unused"
            )
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
