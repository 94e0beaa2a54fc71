"""What an online store holds: for each feature and entity, the steps at which the value changes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ..column import Column
from ..history import HistoryFeature

Step = tuple[str, int, Any]  # the text of an entity, microseconds since 1970, and the value from then on
Steps = Mapping[str, Iterable[Step]]  # by feature, those of one entity one after the other, in the order of time
Check = Callable[[Mapping[str, str]], None]  # of a store's definitions by feature; raises ContractError


class StepKey(NamedTuple):
    """A feature of an entity, as `entity_text` writes it, at a time in microseconds since 1970."""

    feature: str
    entity: str
    moment: int


class StepStore(Protocol):
    """Where steps are kept. It calls a `Check` when it is opened and whenever another store has taken its place."""

    def newest(self, keys: Sequence[StepKey]) -> list[tuple[Any] | None]:
        """The value of the last step up to each time, None where there is no step.

        Raises ContractError if the store cannot be read, and what the check raises.
        """


def definition(feature: HistoryFeature) -> str:
    """A hash of what a feature's values depend on."""
    told = dataclasses.asdict(dataclasses.replace(feature, description="", owner=""))
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def entity_text(entity: Sequence[Any], columns: Sequence[Column]) -> str | None:
    """The text of an entity in the store; None if a part of it is missing, or not of its column's type."""
    parts = [_part(value, column) for value, column in zip(entity, columns, strict=True)]
    return None if None in parts else json.dumps(parts, ensure_ascii=False)


def _part(value: Any, column: Column) -> str | int | bool | None:
    if column.type == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)  # which the contract takes for the same
    fits = {"string": isinstance(value, str), "boolean": isinstance(value, bool)}
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if fits.get(column.type, is_whole) else None
