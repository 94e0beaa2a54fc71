"""The statistics of drift: a chi-squared test for rows that come in days, corrected for many tests, and its power.

Rows of one day are alike (they share its weather, its news, its campaign), so they say less than as many rows drawn one
by one. How much less is estimated from how much the days of a window differ: the design effect (Kish, 1965) as Rao and
Scott (1984) correct a chi-squared test for it, with the F distribution of Thomas and Rao (1987) because few days tell
it roughly. A cell that had rows on hardly a day tells nothing about how its days differ, so its absence is no evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]

EXPECTED = 5.0  # rows that a cell must be expected to have; smaller cells are merged
SEEN = 5  # days on which a cell must have had rows, or all if there are fewer; others are merged
POWER = 0.8
LEAST = 1e-9  # effect, of days that are all the same


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
    """How alike the rows of a day are in windows, each of shape (days, cells): rows of each day by cell.

    Days are compared with others of their window only, so that a change between windows does not count.
    """
    held = [window[window.sum(axis=1) > 0] for window in windows]
    held = [window for window in held if len(window) > 1]
    shares = sum((window.sum(axis=0) for window in held), np.zeros(windows[-1].shape[1]))
    here = shares > 0
    cells, days = np.count_nonzero(here), sum(len(window) - 1 for window in held)
    if cells < 2:
        return Spread()
    shares = shares[here] / shares.sum()
    relative = np.zeros((cells, cells))  # on average 1 on its diagonal, without the shares, for independent rows
    for window in held:
        each = window.sum(axis=1)
        off = (window[:, here] - np.outer(each, window[:, here].sum(axis=0) / each.sum())) / np.sqrt(shares)
        relative += off.T @ off * len(window) / each.sum() / days
    effect = float(np.trace(relative)) / (cells - 1)
    if effect < LEAST:
        return Spread(LEAST, days)
    # few days overstate how unequal cells are, which errs towards fewer alarms
    unequal = float((relative**2).sum()) / (cells - 1) / effect**2 - 1
    return Spread(effect, days, max(unequal, 0.0))


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


def unmixed_p_value(window: Floats, reference: Floats, days: int, ordered: bool) -> float:
    """Of the same hypothesis, if nothing tells how alike the rows of a day are, as all lie in cells merged into one.

    A day lies wholly in cells of share s with a probability of at most s, whatever its rows have in common. The cells
    were chosen by the rows, so all choices of as many cells count: of cells in order those beside each other.
    """
    there = reference > 0
    chosen = there & (window > 0)
    if ordered and chosen.any():
        places = np.flatnonzero(chosen)
        chosen = there & (np.arange(len(there)) >= places[0]) & (np.arange(len(there)) <= places[-1])
    total, number, share = int(there.sum()), int(chosen.sum()), float(reference[chosen].sum())
    if not share:
        return 0.0
    choices = math.log(total - number + 1) if ordered else math.log(math.comb(total, number))
    return math.exp(min(choices + days * math.log(min(share, 1.0)), 0.0))


def merged(windows: Sequence[Floats], reference: Floats, ordered: bool, least: float = EXPECTED) -> NDArray[np.int64]:
    """For each cell the number of the cell into which it is merged.

    Each is expected to have `least` rows in the last window, and had rows on SEEN days of all windows. Neighbours are
    merged if the cells are in order; or else all that are expected to be too small, and those that were not seen with
    the largest.
    """
    expected = windows[-1].sum() * reference
    rows = np.concatenate(windows) > 0
    days = min(SEEN, int(np.count_nonzero(rows.any(axis=1))))

    def is_seen(cells: Any) -> bool:
        return int(np.count_nonzero(rows[:, cells].any(axis=1))) >= days

    groups = np.zeros(len(expected), dtype=np.int64)
    if not ordered:
        by_size = _by_size(expected, least)
        rare = [one for one in np.unique(by_size) if not is_seen(by_size == one)]
        sizes = np.bincount(by_size, expected)
        sizes[rare] = -1
        if sizes.max() >= 0:
            groups = np.where(np.isin(by_size, rare), sizes.argmax(), by_size)
        return np.unique(groups, return_inverse=True)[1]
    first, last = 0, 0
    for place in range(len(expected)):
        groups[place] = last
        gathered = slice(first, place + 1)
        if expected[gathered].sum() >= least and is_seen(gathered):
            first, last = place + 1, last + 1
    groups[groups == last] = max(last - 1, 0)  # the rest joins the last cell that is large enough
    return groups


def _by_size(expected: Floats, least: float) -> NDArray[np.int64]:
    """Cells without an order: those that are expected to be too small are merged, with the next larger if need be."""
    small = expected < least
    groups = np.where(small, 0, np.cumsum(~small))
    if 0 < expected[small].sum() < least and not small.all():
        groups[small] = groups[np.where(small, np.inf, expected).argmin()]
    return np.unique(groups, return_inverse=True)[1]


def prepare(windows: Sequence[Floats], reference: Floats, ordered: bool) -> tuple[NDArray[np.int64], Spread]:
    """The numbers of the merged cells for a test of the last window, and how alike the rows of a day are.

    Of rows that are alike, a cell needs as many more as they are worth less.
    """
    least = EXPECTED
    for _ in range(2):
        groups = merged(windows, reference, ordered, least)
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
    shift *= max(cells - 1, 1) / freedom  # a test with fewer degrees of freedom adds up as much chance as all of them
    effective = shift / (4 * effect**2) * spread.effect
    if effective >= reference_rows:
        return None
    return int(np.ceil(effective * reference_rows / (reference_rows - effective)))
