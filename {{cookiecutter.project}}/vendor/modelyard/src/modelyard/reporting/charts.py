"""What a report draws, as plain data: mermaid.py draws it in the comment, plots.py on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Points = tuple[Sequence[float], Sequence[float]]  # x, rising, and y
THIS, MAIN, IDEAL = "this", "main", "perfect"
COLOURS = {THIS: "#3b82f6", MAIN: "#f59e0b", IDEAL: "#9ca3af"}


@dataclass(frozen=True)
class Curves:
    """Lines over a common axis, by the name of the model that each is of; with `diagonal` also that of x = y."""

    title: str
    x: str
    y: str
    lines: Mapping[str, Points]
    diagonal: bool = False

    @property
    def legend(self) -> list[str]:
        """The names in the order in which they are drawn."""
        return [*self.lines, *([IDEAL] if self.diagonal else [])]


@dataclass(frozen=True)
class Bars:
    """A value for each name, the largest first; `errors` are their standard deviations, `main` main's values."""

    title: str
    x: str
    names: Sequence[str]
    values: Sequence[float]
    errors: Sequence[float]
    main: Sequence[float | None] = ()
    legend: Sequence[str] = ()


@dataclass(frozen=True)
class Intervals:
    """A difference with its interval for each name, and whether its rule is kept (None: it has none)."""

    title: str
    x: str
    names: Sequence[str]
    values: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    kept: Sequence[bool | None]
    legend: Sequence[str] = ()


@dataclass(frozen=True)
class Distribution:
    """How one column is distributed, by the name of the model that learned from it, as reference.json has it."""

    title: str
    shares: Mapping[str, Mapping[str, object]]
    time: bool = False
    legend: Sequence[str] = field(default_factory=list)


Chart = Curves | Bars | Intervals | Distribution


def points(xs: Sequence[object], ys: Sequence[object]) -> Points:
    """The points of which both numbers are there and finite, by rising x."""
    known = [pair for pair in zip(xs, ys, strict=True) if None not in pair and "" not in pair]
    pairs = [(float(str(x)), float(str(y))) for x, y in known]
    kept = sorted(pair for pair in pairs if all(map(math.isfinite, pair)))
    return [x for x, _ in kept], [y for _, y in kept]
