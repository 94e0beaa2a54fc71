"""How a period's quantities change from one period to the next, and when a change is no usual one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .summary import Described, Summary

FEWEST_PERIODS = 3  # of history, of which the differences from one to the next are taken as usual
BEYOND = 1.5  # times the largest change between two periods of history
# The least change that matters: of a mean, in deviations within a period; of a spread or a count, by its logarithm;
# of a share, in itself
LEVEL, SPREAD, ROWS, SHARE = 0.5, 0.3, 0.4, 0.05
MUCH_BEYOND = 5  # times the largest change: odd without a test, which needs more periods to be sure


@dataclass(frozen=True)
class Step:
    """One quantity, as it changed from period to period: the history's changes, and the last to the new period.

    error: the standard error of the new change by sampling alone. matters: the least change that does.
    """

    subject: str
    history: list[float]
    new: float
    error: float
    matters: float
    line: str

    @property
    def usual(self) -> float:
        """The largest change between two periods of history."""
        return max(map(abs, self.history))

    def is_odd(self, alpha: float) -> bool:
        """Whether the new change is no usual one, at a level that is corrected already."""
        from scipy import stats

        change = abs(self.new)
        if change < max(self.matters, BEYOND * self.usual):
            return False
        if change > max(2 * self.matters, MUCH_BEYOND * self.usual, MUCH_BEYOND * self.error):
            return True
        spread = np.sqrt(np.mean(np.square(self.history)) + self.error**2)
        return bool(spread == 0 or 2 * stats.t.sf(change / spread, len(self.history)) < alpha)


def row_steps(history: Sequence[Summary], new: Summary) -> Iterator[Step]:
    """The change of the number of rows a day."""
    counts = [np.log(one.rows / one.days) for one in (*history, new)]
    changes = np.diff(counts)
    largest = np.expm1(np.abs(changes[:-1]).max())
    line = (
        f"rows: {new.rows:,}, {history[-1].rows:,} in {history[-1].period}, {np.expm1(changes[-1]):+.0%} a day; the "
        f"largest change before was by {largest:.0%}"
    )
    yield Step("rows", list(changes[:-1]), float(changes[-1]), float(np.sqrt(2 / new.rows)), ROWS, line)


def column_steps(history: Sequence[Summary], new: Summary, name: str) -> Iterator[Step]:
    """The changes of one column: of its missing values, and of each category's share or of level and spread."""
    columns = [one.columns[name] for one in (*history, new)]
    yield _share_step(name, "missing", history, [one.missing for one in columns], columns[-1].rows)
    if any(one.shares for one in columns[:-1]):
        for value in dict.fromkeys(value for one in columns for value in one.shares):
            shares = [one.shares.get(value, 0.0) for one in columns if one.present]
            if len(shares) > FEWEST_PERIODS and columns[-1].present and max(shares) >= SHARE:
                yield _share_step(name, str(value), history, shares, columns[-1].present)
        return
    if shape := shape_of(columns):
        yield from number_steps(shape, history, new, name)


def _share_step(name: str, what: str, history: Sequence[Summary], shares: list[float], rows: int) -> Step:
    """The change of a share, on the scale on which its error does not depend on it (the arcsine of its root).

    `matters` is on that scale too: a change by SHARE from the last one.
    """
    scaled = 2 * np.arcsin(np.sqrt(shares))
    matters = abs(_scaled(min(shares[-2] + SHARE, 1.0)) - scaled[-2]) if shares[-1] > shares[-2] else (
        abs(_scaled(max(shares[-2] - SHARE, 0.0)) - scaled[-2]))  # fmt: skip
    largest = np.abs(np.diff(shares[:-1])).max()
    line = (
        f"{name}: {shares[-1]:.1%} {what}, {shares[-2]:.1%} in {history[-1].period}; the largest change before was by "
        f"{100 * largest:.1f} points"
    )
    changes = np.diff(scaled)
    return Step(
        name, list(changes[:-1]), float(changes[-1]), float(np.sqrt(2 / max(rows, 1))), max(matters, 1e-9), line
    )


def _scaled(share: float) -> float:
    return float(2 * np.arcsin(np.sqrt(share)))


@dataclass(frozen=True)
class Shape:
    """Where a quantity lies and how wide it is, period by period, with the usual width as the unit of its level."""

    places: list[float]
    widths: list[float]
    usual: float

    def levels(self) -> list[float]:
        """The places in usual widths."""
        return [place / self.usual for place in self.places]

    def spread(self, width: float) -> float:
        """The logarithm of a width, also of one that is 0."""
        return float(np.log(width + self.usual / 100))


def shape_of(columns: Sequence[Described]) -> Shape | None:
    """The means and deviations of a quantity, of which the last one is new; None if there are too few."""
    numbers = [one.numbers for one in columns if one.numbers]
    if len(numbers) < FEWEST_PERIODS + 1 or columns[-1].numbers is None or columns[-2].numbers is None:
        return None
    usual = float(np.median([one.deviation for one in numbers[:-1]]))
    return Shape([one.mean for one in numbers], [one.deviation for one in numbers], usual) if usual else None


def number_steps(shape: Shape, history: Sequence[Summary], new: Summary, name: str) -> tuple[Step, Step]:
    """The changes of level and spread."""
    levels, spreads = np.diff(shape.levels()), np.diff([shape.spread(width) for width in shape.widths])
    fewest = min(new.columns[name].present, history[-1].columns[name].present)
    before = history[-1].period
    level = (
        f"{name}: mean {shape.places[-1]:.4g}, {shape.places[-2]:.4g} in {before}; the largest change before was by "
        f"{np.abs(np.diff(shape.places[:-1])).max():.3g}"
    )
    spread = (
        f"{name}: deviation {shape.widths[-1]:.4g}, {shape.widths[-2]:.4g} in {before}; the largest change before was "
        f"by {np.expm1(np.abs(spreads[:-1]).max()):.0%}"
    )
    error = float(np.sqrt(2 / fewest))
    if shape.widths[-1] == 0:  # constant: whether that is odd is told by how many other values are expected
        spreads[-1] = 0.0
    return (
        Step(name, list(levels[:-1]), float(levels[-1]), error, LEVEL, level),
        Step(name, list(spreads[:-1]), float(spreads[-1]), error, SPREAD, spread),
    )
