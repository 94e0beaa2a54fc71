"""Which rows train, which validate and which are held out; in data with a time whole periods, or the last days.

`shipped` are the rows that the model that ships is fitted on: those that train and, with `split.refit`, those for
validation too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...errors import ContractError
from ..settings import Split, Unit, days_of

Part = Literal["train", "validation", "holdout", "shipped"]
LastDay = Callable[[str, np.datetime64 | None], np.datetime64 | None]


@dataclass(frozen=True)
class Stretch:
    """The periods of one part, and its first and last day if it does not have all rows of them."""

    periods: list[str]
    days: tuple[np.datetime64, np.datetime64] | None = None


def split_time(taken: list[str], split: Split, unit: Unit, last_day: LastDay) -> dict[Part, Stretch]:
    """The last periods or days held out, those before them for validation, and what is before those for training.

    So many days are those up to the day of the last row that is left, with the days without rows between them. What
    they leave of a period counts as a period. `last_day(period, before)` is the last day of a period that has rows, or
    the last one before a day; None if there is none.

    Raises ContractError that names the periods if nothing is left to train on.
    """
    for size in (split.holdout, split.validation):
        if isinstance(size, float):
            raise ContractError(
                "params.yaml: split.holdout and split.validation count periods, so they are whole numbers, or days "
                'such as "7d"'
            )
    ordered: list[str] = sorted(taken)
    before: np.datetime64 | None = None
    fitted = ordered, before
    parts: dict[Part, Stretch] = {}
    sizes: tuple[tuple[Part, int | float | str], ...] = (("holdout", split.holdout), ("validation", split.validation))
    for part, size in sizes:
        days = days_of(size)
        while ordered and (days or before) and last_day(ordered[-1], before) is None:
            ordered.pop()
        if days is None:
            parts[part] = _stretch(ordered[-int(size) :], unit, before)
            ordered, before = ordered[: -int(size)], None
        elif ordered:
            last = _known(last_day(ordered[-1], before))
            first = last - np.timedelta64(days - 1, "D")
            parts[part] = Stretch([period for period in ordered if _end(period, unit) > first], (first, last))
            ordered, before = [period for period in ordered if _start(period, unit) < first], first
        if part == "holdout":
            fitted = ordered, before
    while ordered and before and last_day(ordered[-1], before) is None:
        ordered.pop()
    train = ordered[-split.window :] if split.window else ordered
    if not train:
        counted = " periods" if days_of(split.holdout) is None and days_of(split.validation) is None else ""
        raise ContractError(
            f"params.yaml: split wants {split.validation} + {split.holdout}{counted} and at least one to train on; "
            f"there are {len(taken)}: {', '.join(sorted(taken)) or 'none'}"
        )
    parts["train"] = _stretch(train, unit, before)
    if not split.refit:
        return parts | {"shipped": parts["train"]}
    ordered, before = fitted
    while before and last_day(ordered[-1], before) is None:
        ordered.pop()
    return parts | {"shipped": _stretch([period for period in ordered if period >= train[0]], unit, before)}


def shown(training: Mapping[str, Any], part: Part) -> list[str]:
    """How the periods of a part are told, by the manifest's facts about the training: its days, if it has those."""
    days = training.get(f"{part}_days")
    return [" to ".join(dict.fromkeys(days))] if days else list(training[f"{part}_periods"])


def _stretch(periods: list[str], unit: Unit, before: np.datetime64 | None) -> Stretch:
    """These periods, up to a day."""
    if before is None or not periods:
        return Stretch(periods)
    return Stretch(periods, (_start(periods[0], unit), before - np.timedelta64(1, "D")))


def _known(day: np.datetime64 | None) -> np.datetime64:
    if day is None:
        raise RuntimeError("a period without rows was not left out")
    return day


def _start(period: str, unit: Unit) -> np.datetime64:
    return np.datetime64(period, unit).astype("datetime64[D]")


def _end(period: str, unit: Unit) -> np.datetime64:
    return (np.datetime64(period, unit) + 1).astype("datetime64[D]")
