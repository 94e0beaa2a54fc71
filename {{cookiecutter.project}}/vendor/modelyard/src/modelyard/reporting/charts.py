"""The charts of a report as plain data; mermaid.py draws them in the comment, plots.py on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Points = tuple[Sequence[float], Sequence[float]]  # x, rising, and y
THIS, MAIN, IDEAL, CHANCE = "this", "main", "perfect", "chance"
COLOURS = {THIS: "#3b82f6", MAIN: "#f59e0b", IDEAL: "#9ca3af", CHANCE: "#9ca3af"}


@dataclass(frozen=True)
class Curves:
    """Lines over a common axis, by the name of their model; `diagonal` adds the line x = y, which has the name `ideal`.

    marks: where on its line each model's threshold is.
    """

    title: str
    x: str
    y: str
    lines: Mapping[str, Points]
    diagonal: bool = False
    marks: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    ideal: str = IDEAL

    @property
    def legend(self) -> list[str]:
        """The names in the order in which they are drawn."""
        return [*self.lines, *([self.ideal] if self.diagonal else [])]


@dataclass(frozen=True)
class Bars:
    """A value for each name, the largest first, with standard deviations in `errors` and main's values in `main`."""

    title: str
    x: str
    names: Sequence[str]
    values: Sequence[float]
    errors: Sequence[float]
    main: Sequence[float | None] = ()
    legend: Sequence[str] = ()


@dataclass(frozen=True)
class Intervals:
    """A difference with its interval for each name, and whether its rule is kept (None: no rule)."""

    title: str
    x: str
    names: Sequence[str]
    values: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    kept: Sequence[bool | None]
    legend: Sequence[str] = ()


@dataclass(frozen=True)
class ColumnDistribution:
    """The distribution of one column, by the name of the model trained on it, as in reference.json."""

    title: str
    shares: Mapping[str, Mapping[str, object]]
    time: bool = False
    legend: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True)
class Heat:
    """Counts of rows: a line for each class, a column for what it is taken for."""

    title: str
    x: str
    y: str
    names: Sequence[str]
    counts: Sequence[Sequence[int]]
    legend: Sequence[str] = ()


@dataclass(frozen=True)
class Scatter:
    """Points, and over parts of the x axis (at `middles`) a lower quantile, the median and an upper one."""

    title: str
    x: str
    y: str
    points: Points
    middles: Sequence[float]
    quantiles: Sequence[Sequence[float]]
    legend: Sequence[str] = ()


@dataclass(frozen=True)
class RowCounts:
    """The number of rows in each bin; there is one more edge than there are bins."""

    title: str
    x: str
    edges: Sequence[float]
    counts: Sequence[float]
    legend: Sequence[str] = ()


Chart = Curves | Bars | Intervals | ColumnDistribution | Heat | Scatter | RowCounts


def points(xs: Sequence[object], ys: Sequence[object]) -> Points:
    """The points whose coordinates are both present and finite, by rising x."""
    complete = [pair for pair in zip(xs, ys, strict=True) if None not in pair and "" not in pair]
    pairs = [(float(str(x)), float(str(y))) for x, y in complete]
    finite = sorted(pair for pair in pairs if all(map(math.isfinite, pair)))
    return [x for x, _ in finite], [y for _, y in finite]
