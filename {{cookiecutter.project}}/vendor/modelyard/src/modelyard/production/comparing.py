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

    days 0: not known, as every window has one day only; then rows count as independent.
    """

    effect: float = 1.0
    days: int = 0


def distance(window: Floats, reference: Floats, ordered: bool) -> float:
    """Between two distributions over the same cells: Kolmogorov-Smirnov's if these are in order, or total variation."""
    difference = window / window.sum() - reference
    return float(np.abs(np.cumsum(difference)).max() if ordered else np.abs(difference).sum() / 2)


def spread(windows: Sequence[Floats]) -> Spread:
    """The mean design effect over windows, each of shape (days, cells): rows of each day by cell."""
    effects, weights = [], []
    for window in windows:
        days = window[window.sum(axis=1) > 0]
        rows, here = days.sum(), days.sum(axis=0) > 0
        cells = np.count_nonzero(here)
        if len(days) < 2 or cells < 2:
            continue
        shares = days[:, here].sum(axis=0) / rows
        sizes = days.sum(axis=1)
        off = days[:, here] - sizes[:, None] * shares
        variance = len(days) / (len(days) - 1) * (off**2).sum(axis=0) / rows**2
        effects.append(float(rows * (variance / shares).sum() / (cells - 1)))
        weights.append(len(days) - 1)
    if not weights:
        return Spread()
    return Spread(max(float(np.average(effects, weights=weights)), 1e-9), sum(weights))


def p_value(window: Floats, reference: Floats, reference_rows: int, spread: Spread) -> float:
    """Of the hypothesis that both are from one distribution. window: rows by cell. reference: shares by cell."""
    rows = window.sum()
    pooled = (window + reference_rows * reference) / (rows + reference_rows)
    effective = rows * reference_rows / (rows + reference_rows) / spread.effect
    there = pooled > 0
    statistic = float(((window / rows - reference)[there] ** 2 / pooled[there]).sum() * effective)
    freedom = np.count_nonzero(there) - 1
    if freedom < 1:
        return 1.0
    if not spread.days:
        return float(stats.chi2.sf(statistic, freedom))
    return float(stats.f.sf(statistic / freedom, freedom, freedom * spread.days))


def merged(window: Floats, reference: Floats, ordered: bool) -> NDArray[np.int64]:
    """For each cell the number of the cell into which it is merged, so that each is expected to have EXPECTED rows.

    Neighbours are merged if the cells are in order, or else all that are too small.
    """
    expected = window.sum() * reference
    if not ordered:
        small = expected < EXPECTED
        groups = np.where(small, 0, np.cumsum(~small))
        if 0 < expected[small].sum() < EXPECTED and not small.all():
            groups[small] = groups[np.where(small, np.inf, expected).argmin()]
        elif small.any() and not expected[small].sum() and not small.all() and not window[small].sum():
            groups[small] = 1
        return np.unique(groups, return_inverse=True)[1]
    groups = np.zeros(len(expected), dtype=np.int64)
    number, gathered = 0, 0.0
    for place, one in enumerate(expected):
        groups[place] = number
        gathered += one
        if gathered >= EXPECTED:
            number, gathered = number + 1, 0.0
    groups[groups == number] = max(number - 1, 0)  # the rest joins the last cell that is large enough
    return groups


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
    freedom = max(cells - 1, 1)
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
