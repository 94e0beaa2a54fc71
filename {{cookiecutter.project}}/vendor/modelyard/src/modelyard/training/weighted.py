"""What the metrics are made of, for many weightings of the same rows: sums, ranking and calibration.

What does not depend on the weights is made once. The weights are read a stretch of rows at a time, so that what is made
of them stays in the processor's cache, and the time grows as the rows do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 10
CACHED = 100_000  # weights at a time


class Sums:
    """The weighted sum of each of some numbers that every row has."""

    def __init__(self, values: Sequence[NDArray]) -> None:
        self._values = [np.asarray(one, np.float64) for one in values]

    def __call__(self, weights: Floats) -> Floats:
        """For weights of shape (weightings, n), of shape (numbers, weightings)."""
        return np.concatenate([self._of_block(block) for block in _blocks(weights)], axis=1)

    def _of_block(self, weights: Floats) -> Floats:
        count = weights.shape[1]
        found = np.zeros((len(self._values), len(weights)))
        for start in range(0, count, CACHED):
            rows = slice(start, start + CACHED)
            found += [_sum(one[rows], weights[:, rows]) for one in self._values]
        return found


class Ranking:
    """Area under the ROC curve (Mann-Whitney) and average precision; rows with the same score count together."""

    def __init__(self, positive: NDArray[np.bool_], scores: Floats) -> None:
        self._order = _order(-scores)
        scores, self._positive = _arranged(scores, self._order), _arranged(positive, self._order)
        starts = np.flatnonzero(np.append(True, np.diff(scores) != 0))  # where each new score begins
        firsts = starts[np.unique(starts // CACHED, return_index=True)[1]]  # of the stretches
        self._stretches = [
            (first, end, starts[np.searchsorted(starts, first) : np.searchsorted(starts, end)] - first)
            for first, end in zip(firsts, np.append(firsts[1:], len(scores)), strict=True)
        ]

    def __call__(self, weights: Floats) -> Floats:
        """For weights of shape (weightings, n), of shape (2, weightings); NaN if undefined."""
        return np.concatenate([self._of_block(block) for block in _blocks(weights)], axis=1)

    def _of_block(self, weights: Floats) -> Floats:
        hits, false_alarms = (np.zeros((len(weights), 1)) for _ in range(2))
        won, precisions = (np.zeros(len(weights)) for _ in range(2))
        for first, end, starts in self._stretches:
            drawn = _weights(weights, self._order, first, end)
            positives = np.add.reduceat(drawn * self._positive[first:end], starts, axis=1)
            negatives = np.add.reduceat(drawn, starts, axis=1) - positives
            hits, false_alarms = (
                before[:, -1:] + np.cumsum(one, axis=1)
                for before, one in ((hits, positives), (false_alarms, negatives))
            )
            won += ((hits - positives / 2) * negatives).sum(axis=1)
            precision = np.divide(hits, hits + false_alarms, out=np.zeros_like(hits), where=hits > 0)
            precisions += (precision * positives).sum(axis=1)
        return np.stack([ratio(won, hits[:, -1] * false_alarms[:, -1]), ratio(precisions, hits[:, -1])])


class CalibrationError:
    """Expected calibration error (Naeini et al., 2015) over bins of equal size, as a sum over the rows."""

    def __init__(self, target: NDArray, prediction: Floats) -> None:
        bins = calibration_bins(prediction)
        self._order = _order(-bins)
        bins = _arranged(bins, self._order)
        self._off = _arranged(target - prediction, self._order)
        self._borders = [0, *(np.flatnonzero(np.diff(bins)) + 1).tolist(), len(bins)]

    def __call__(self, weights: Floats) -> Floats:
        """For weights of shape (weightings, n), of shape (weightings,), in the target's unit."""
        return np.concatenate([self._of_block(block) for block in _blocks(weights)])

    def _of_block(self, weights: Floats) -> Floats:
        found = np.zeros(len(weights))
        for first, end in pairwise(self._borders):
            found += np.abs(_sum(self._off[first:end], _weights(weights, self._order, first, end)))
        return found


def calibration_bins(prediction: Floats) -> NDArray[np.int64]:
    """The bin of each row: BINS bins with as many rows each, by prediction; equal predictions share a bin."""
    edges = np.quantile(prediction, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(edges, prediction, side="right")


def ratio(part: Floats, whole: Floats) -> Floats:
    """The quotient; NaN where `whole` is 0."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _sum(values: Floats, weights: Floats) -> Floats:
    # not `@`, because BLAS adds up in an order that depends on the processor and on its number of cores
    return np.einsum("wn,n->w", weights, values)


def _blocks(weights: Floats) -> Iterator[Floats]:
    size = max(1, CACHED // weights.shape[1])
    for first in range(0, len(weights), size):
        yield weights[first : first + size]


def _order(keys: NDArray) -> NDArray[np.int64] | None:
    """The order in which the keys rise; None if it is that which they have, in which weights are read fastest."""
    if np.all(keys[1:] >= keys[:-1]):
        return None
    return np.argsort(keys, kind="stable")


def _arranged(values: NDArray, order: NDArray[np.int64] | None) -> NDArray:
    return values if order is None else values[order]


def _weights(weights: Floats, order: NDArray[np.int64] | None, first: int, end: int) -> Floats:
    """The weights of the rows at these places of an order."""
    return weights[:, first:end] if order is None else np.take(weights, order[first:end], axis=1)
