"""The names that the program gives to columns of its own, and the contract's columns beside which they stand.

`derived` lists all of them, and the contract refuses a column that has one of them in the same table. Whoever reads
such a column asks here for its exact name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

PREDICTION = "prediction"
DECISION = "decision"


class Declared(Protocol):
    """What is read of a contract, whose module imports this one."""

    @property
    def slices(self) -> list[str]: ...  # noqa: D102

    @property
    def inputs(self) -> Mapping[str, Any]: ...  # noqa: D102

    @property
    def kind(self) -> str: ...  # noqa: D102

    @property
    def classes(self) -> list[Any]: ...  # noqa: D102

    def named(self, *roles: Any) -> Mapping[str, Any]: ...  # noqa: D102


class Derived(NamedTuple):
    """A name that the program makes, the table that has it, and the contract's columns in the same table."""

    name: str
    table: str
    beside: frozenset[str]


def clock_names(timestamp: str) -> tuple[str, str]:
    """The names of the features that stand for a timestamp without a `calendar`: its hour and its weekday."""
    return calendar_name(timestamp, "hour"), calendar_name(timestamp, "weekday")


def calendar_name(timestamp: str, part: str) -> str:
    """The name of the feature that is this part of a timestamp."""
    return f"{timestamp}_{part}"


def saved(contract: Declared) -> list[str]:
    """The columns of the predictions in evaluation/predictions.parquet: one, or one for each of several classes."""
    return _one_or_each(contract, " ")


def scored(contract: Declared) -> list[str]:
    """The columns of the predictions in a scored file: one, or one for each of several classes."""
    return _one_or_each(contract, "_")


def derived(contract: Declared) -> Iterator[Derived]:
    """All names that the program makes for data of this contract."""
    timestamps = [name for name, column in contract.inputs.items() if column.type == "timestamp"]
    plain = frozenset(contract.inputs) - frozenset(timestamps)
    judged = frozenset(contract.named("id", "time", "target")) | frozenset(contract.slices)
    for timestamp in timestamps:
        for part in contract.inputs[timestamp].calendar_parts:
            yield Derived(calendar_name(timestamp, part), f"the features made of {timestamp!r}", plain)
    yield from (Derived(name, "the predictions of an evaluation", judged) for name in saved(contract))
    answers = [*scored(contract), DECISION]
    yield from (Derived(name, "a scored file", frozenset(contract.named("id"))) for name in answers)


def clashes(contract: Declared) -> dict[str, str]:
    """The contract's columns that have a derived name, and the table that would have it twice."""
    clashing: dict[str, str] = {}
    for made in derived(contract):
        if made.name in made.beside:
            clashing.setdefault(made.name, made.table)
    return clashing


def unprintable(names: Iterable[str]) -> list[str]:
    """The names with a line break or another control character, which no file and no page shows as they are."""
    return [name for name in names if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in name)]


def _one_or_each(contract: Declared, separator: str) -> list[str]:
    if contract.kind != "multiclass":
        return [PREDICTION]
    return [f"{PREDICTION}{separator}{label}" for label in contract.classes]
