"""Features with history: inputs that no row carries, looked up by entity as they were known at the row's time.

`features` of contract.yaml defines them. Each becomes a column of the contract, after those of the rows. This module
needs the standard library only.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

from .column import DESCRIBED, Column, Type

Aggregate = Literal["count", "sum", "mean", "last", "distinct"]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
SPAN = re.compile(r"(-?[0-9]{1,6})([smhdw])")
COUNTED = ("count", "distinct")
KEYS = ("feature", "id", "unused")  # the roles of an entity's columns: a request may carry them


@dataclass(frozen=True)
class HistoryFeature:
    """One feature with history: what is known of an entity at the time of a row.

    Records of one entity and event time, with the same `record`, are versions of each other: the one that became known
    last replaces those before, from its known-at on.
    """

    __pydantic_config__: ClassVar = DESCRIBED

    source: str
    """CSV or Parquet files with the records: a path, a glob or a URL."""
    entity: list[str]
    """The columns of the contract by which a value is looked up; the records have the same columns."""
    event_time: str
    """The records' column with the time at which something happened, in the zone of the rows' time."""
    description: str
    """What it means, for people."""
    owner: str
    """Who answers for it."""
    known_at: str | None = None
    """The records' column with the time at which the record became known; a row sees what was known at its own time."""
    value: str | None = None
    """The records' column with the value; not for count, which then counts records."""
    aggregate: Aggregate | None = None
    """What is made of the events in the window; null: the value of the newest event."""
    window: str | None = None
    """How far the aggregate looks back from the row's time, such as 90m, 1h or 7d."""
    maximum_age: str | None = None
    """If the newest event that is known is older than this, such as 2d, the value is missing."""
    record: list[str] = field(default_factory=list)
    """The records' columns that tell several events of one entity at one time from versions of one event."""
    type: Type | None = None
    """The type of the value; null: integer for count and distinct, else number."""
    unit: str | None = None
    """The unit of its numbers."""
    minimum: int | float | None = None
    """The least value allowed."""
    maximum: int | float | None = None
    """The largest value allowed."""
    values: list[bool | int | str] | None = None
    """All values that may occur, for a category."""
    other: bool = False
    """Whether other values than those in `values` may occur."""

    @cached_property
    def column(self) -> Column:
        """The column of the contract that it becomes: a feature that may be missing."""
        kind = self.type or ("integer" if self.aggregate in COUNTED else "number")
        return Column(
            kind,
            "feature",
            self.description,
            unit=self.unit,
            minimum=0 if self.minimum is None and self.aggregate in COUNTED else self.minimum,
            maximum=self.maximum,
            values=self.values,
            other=self.other,
            missing=True,
            empty=True,
        )

    @property
    def absent(self) -> int | float | None:
        """The value of an entity of which nothing is known: none, or 0 where nothing in the window is an answer too."""
        if self.maximum_age is not None or self.aggregate not in (*COUNTED, "sum"):
            return None
        return 0 if self.column.type == "integer" else 0.0


def span(text: str) -> datetime.timedelta | None:
    """The length of time in a text such as 90m, 1h or 7d; None if it is no such text."""
    found = SPAN.fullmatch(text)
    return datetime.timedelta(seconds=int(found[1]) * UNITS[found[2]]) if found else None


def history_faults(features: Mapping[str, HistoryFeature], columns: Mapping[str, Column]) -> list[str]:
    """What is wrong with these features beside the columns of the rows, each by name."""
    # a copy of a contract has the columns that it became among them
    own = {name: one for name, one in columns.items() if name not in features or one != features[name].column}
    faults = []
    for name, feature in features.items():
        faults += [f"features.{name}: {fault}" for fault in _faults(name, feature, own)]
    if not any(column.role == "time" for column in own.values()):
        faults.append("features: no column has role time, and what was known depends on the time of the row")
    return faults


def _faults(name: str, feature: HistoryFeature, columns: Mapping[str, Column]) -> Iterator[str]:
    if name in columns:
        yield "columns has a column of this name too; give one of them another name"
    yield from _of_sight(feature)
    targets = [one for one, column in columns.items() if column.role == "target"]
    if feature.value in targets:
        yield (
            f"value is {feature.value!r}, which is the target: a row's own label would be its input. For the outcomes "
            "of earlier rows, give the records' column another name, and known_at the time at which each was known"
        )
    yield from _of_entity(feature, columns)
    if feature.value is None and feature.aggregate != "count":
        yield "value is missing: name the records' column with the value; only count does without"
    if feature.aggregate is None and feature.maximum_age is None:
        yield "maximum_age is missing: say how old the newest event may be, such as 30d, before the value is missing"
    if feature.column.type == "timestamp":
        yield "type timestamp is no type of a feature with history"
    if feature.aggregate in ("sum", "mean") and (feature.column.type != "number" or feature.values):
        yield f"type must be number and values absent, because aggregate is {feature.aggregate}"
    if feature.aggregate in COUNTED and (feature.column.type != "integer" or feature.values):
        yield f"type must be integer and values absent, because aggregate is {feature.aggregate}"


def _of_sight(feature: HistoryFeature) -> Iterator[str]:
    """What is wrong with the times: a feature must not see what was not known at the time of a row."""
    if feature.known_at is None:
        yield (
            "known_at is missing: name the records' column with the time at which each became known (event_time again "
            "only if that is at once), else a row would see what nobody knew at its time"
        )
    if (feature.aggregate is None) is not (feature.window is None):
        yield "aggregate and window belong together: give both, or neither for the value of the newest event"
    for key, text in (("window", feature.window), ("maximum_age", feature.maximum_age)):
        if text is None:
            continue
        length = span(text)
        if length is None:
            yield f"{key} is {text!r}: a length of time such as 90m, 1h, 7d or 2w is expected, of at most six digits"
        elif length <= datetime.timedelta(0):
            ahead = key == "window" and length < datetime.timedelta(0)
            why = "such a window looks ahead, at what happens after the row" if ahead else "nothing is so new"
            yield f"{key} is {text!r}: {why}; give a length above 0, such as 7d"


def _of_entity(feature: HistoryFeature, columns: Mapping[str, Column]) -> Iterator[str]:
    if not feature.entity:
        yield "entity is empty: name the columns of the contract by which a value is looked up"
    for key in feature.entity:
        if key not in columns:
            yield f"entity {key!r} is no column of the contract; those are: {', '.join(columns)}"
        elif columns[key].role not in KEYS or columns[key].type not in ("string", "integer", "boolean"):
            yield (
                f"entity {key!r} has role {columns[key].role} and type {columns[key].type}; role {', '.join(KEYS)} and "
                "type string, integer or boolean are expected"
            )
    if len(set(feature.entity)) < len(feature.entity):
        yield "entity has the same column twice"
