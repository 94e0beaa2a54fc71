"""The statistics of drift: a chi-squared test for rows that come in days, corrected for many tests, and its power.

Rows of one day are alike (they share its weather, its news, its campaign), so they say less than as many rows drawn one
by one. How much less is estimated from how much the days of a window differ: the design effect of Rao and Scott
(1984), with the F distribution of Thomas and Rao (1987) because few days tell it roughly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]

EXPECTED = 5.0  # rows that a cell must be expected to have; smaller cells are merged
POWER = 0.8


@dataclass(frozen=True)
class Spread:
    """How alike the rows of a day are: the design effect (1: not at all), and the days beyond one for each window.

    days 0: not known, as every window has one day only; then rows count as independent. unequal: how much the effect
    differs between cells, as the squared coefficient of variation; so much fewer are the degrees of freedom.
    """

    effect: float = 1.0
    days: int = 0
    unequal: float = 0.0

    def freedom(self, cells: int) -> float:
        """The degrees of freedom of a test over some cells (Satterthwaite)."""
        return max((cells - 1) / (1 + self.unequal), min(cells - 1, 1.0))


def distance(window: Floats, reference: Floats, ordered: bool) -> float:
    """Between two distributions over the same cells: Kolmogorov-Smirnov's if these are in order, or total variation."""
    difference = window / window.sum() - reference
    return float(np.abs(np.cumsum(difference)).max() if ordered else np.abs(difference).sum() / 2)


def spread(windows: Sequence[Floats]) -> Spread:
    """The mean design effect over windows, each of shape (days, cells): rows of each day by cell."""
    effects, squares, weights = [], [], []
    for window in windows:
        days = window[window.sum(axis=1) > 0]
        rows, here = days.sum(), days.sum(axis=0) > 0
        cells = np.count_nonzero(here)
        if len(days) < 2 or cells < 2:
            continue
        shares = days[:, here].sum(axis=0) / rows
        off = (days[:, here] - days.sum(axis=1)[:, None] * shares) / np.sqrt(shares)
        relative = off.T @ off * len(days) / (len(days) - 1) / rows  # 1 on its diagonal for independent rows
        effects.append(float(np.trace(relative)) / (cells - 1))
        squares.append(float((relative**2).sum()) / (cells - 1))
        weights.append(len(days) - 1)
    if not weights:
        return Spread()
    number = len(windows[-1].T) - 1
    effect, square = (float(np.average(values, weights=weights)) for values in (effects, squares))
    days_beyond = float(np.mean(weights))
    # of so few days, the mean square is too high by what chance adds to it
    square = (
        (square - number * effect**2 / days_beyond) * days_beyond**2 / ((days_beyond + 2) * max(days_beyond - 1, 1))
    )
    unequal = max(square / effect**2 - 1, 0.0) if effect else 0.0
    return Spread(max(effect, 1e-9), sum(weights), unequal)


def p_value(window: Floats, reference: Floats, reference_rows: int, spread: Spread) -> float:
    """Of the hypothesis that both are from one distribution. window: rows by cell. reference: shares by cell."""
    rows = window.sum()
    pooled = (window + reference_rows * reference) / (rows + reference_rows)
    effective = rows * reference_rows / (rows + reference_rows) / spread.effect
    there = pooled > 0
    statistic = float(((window / rows - reference)[there] ** 2 / pooled[there]).sum() * effective)
    cells = int(np.count_nonzero(there))
    if cells < 2:
        return 1.0
    if not spread.days:
        return float(stats.chi2.sf(statistic, cells - 1))
    freedom = spread.freedom(cells)
    return float(stats.f.sf(statistic / (cells - 1), freedom, freedom * spread.days))


def merged(window: Floats, reference: Floats, ordered: bool, least: float = EXPECTED) -> NDArray[np.int64]:
    """For each cell the number of the cell into which it is merged, so that each is expected to have `least` rows.

    Neighbours are merged if the cells are in order, or else all that are too small.
    """
    expected = window.sum() * reference
    if not ordered:
        small = expected < least
        groups = np.where(small, 0, np.cumsum(~small))
        if 0 < expected[small].sum() < least and not small.all():
            groups[small] = groups[np.where(small, np.inf, expected).argmin()]
        elif small.any() and not expected[small].sum() and not small.all() and not window[small].sum():
            groups[small] = 1
        return np.unique(groups, return_inverse=True)[1]
    groups = np.zeros(len(expected), dtype=np.int64)
    number, gathered = 0, 0.0
    for place, one in enumerate(expected):
        groups[place] = number
        gathered += one
        if gathered >= least:
            number, gathered = number + 1, 0.0
    groups[groups == number] = max(number - 1, 0)  # the rest joins the last cell that is large enough
    return groups


def prepare(windows: Sequence[Floats], reference: Floats, ordered: bool) -> tuple[NDArray[np.int64], Spread]:
    """The numbers of the merged cells for a test of the last window, and how alike the rows of a day are.

    Of rows that are alike, a cell needs as many more as they are worth less.
    """
    least = EXPECTED
    for _ in range(2):
        groups = merged(windows[-1].sum(axis=0), reference, ordered, least)
        alike = spread([gather(window, groups) for window in windows])
        least = EXPECTED * max(alike.effect, 1.0)
    return groups, alike


def gather(counts: Floats, groups: NDArray[np.int64]) -> Floats:
    """The sums of cells that are merged, along the last axis."""
    return np.stack([counts[..., groups == number].sum(axis=-1) for number in range(groups.max() + 1)], axis=-1)


def holm(values: Sequence[float]) -> list[float]:
    """The p values corrected for their number (Holm, 1979): below alpha in a share of at most alpha of all nulls."""
    order = np.argsort(values)
    factors = len(values) - np.arange(len(values))
    corrected = np.minimum(np.maximum.accumulate(np.asarray(values)[order] * factors), 1.0)
    result = np.empty(len(values))
    result[order] = corrected
    return [float(value) for value in result]


def needed_rows(effect: float, alpha: float, cells: int, reference_rows: int, spread: Spread) -> int | None:
    """The rows with which a change of this distance is found with POWER; None if the reference is too small for any.

    Of all changes of one distance, this is about the one that is hardest to find.
    """
    freedom = spread.freedom(max(cells, 2)) if spread.days else max(cells - 1, 1)
    if spread.days:
        limit = stats.f.isf(alpha, freedom, freedom * spread.days)
        power = lambda shift: stats.ncf.sf(limit, freedom, freedom * spread.days, shift) - POWER  # noqa: E731
    else:
        limit = stats.chi2.isf(alpha, freedom)
        power = lambda shift: stats.ncx2.sf(limit, freedom, shift) - POWER  # noqa: E731
    high = 10.0
    while power(high) < 0:
        high *= 2
    shift = optimize.brentq(power, 1e-9, high, xtol=1e-3)
    effective = shift / (4 * effect**2) * spread.effect
    if effective >= reference_rows:
        return None
    return int(np.ceil(effective * reference_rows / (reference_rows - effective)))
