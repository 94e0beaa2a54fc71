"""Bootstrap intervals by resampling rows, or whole days if the rows of a day are alike (Efron and Tibshirani, 1993)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

Measures = Callable[[NDArray[np.float64]], dict[str, NDArray[np.float64]]]
Spread = Mapping[str, NDArray[np.float64]]  # the values of each metric on the draws

CELLS = 4_000_000  # weights in memory at a time
LEVEL = 0.95
FEWEST_GROUPS = 5  # with fewer, the spread of the draws is meaningless


def intervals(
    measures: Measures, groups: NDArray[np.int64], resamples: int, seed: int, label: str | None = None
) -> dict:
    """Each metric's value with its 95 % percentile interval, as `{name: {value, low, high}}`.

    measures: the metrics for weights of shape (weightings, n).
    groups: shape (n,), numbered from 0; the rows of a group are drawn together.

    An undefined value is None.
    """
    return summary(*resample(measures, groups, resamples, seed, label))


def resample(
    measures: Measures, groups: NDArray[np.int64], resamples: int, seed: int, label: str | None = None
) -> tuple[dict[str, float], Spread]:
    """Each metric's value on the rows as they are, and its values on the draws, shape (resamples,)."""
    return as_they_are(measures, len(groups)), draws(measures, groups, seed, 0, resamples, label)


def as_they_are(measures: Measures, rows: int) -> dict[str, float]:
    """Each metric's value on the rows as they are."""
    return {name: float(value[0]) for name, value in measures(np.ones((1, rows))).items()}


def draws(
    measures: Measures, groups: NDArray[np.int64], seed: int, first: int, last: int, label: str | None = None
) -> Spread:
    """Each metric's values on the draws with these numbers, shape (last - first,).

    What a draw is depends on its number and the seed alone, so that draws can be measured in several places.
    """
    drawn = [measures(weights) for weights in _draw(groups, seed, first, last, label)]
    return {name: np.concatenate([draw[name] for draw in drawn]) for name in (drawn[0] if drawn else ())}


def summary(values: Mapping[str, float], spread: Spread) -> dict:
    """What `intervals` returns, of what `resample` does."""
    tail = (1 - LEVEL) / 2
    return {name: _interval(value, spread[name], tail) for name, value in values.items()}


def _draw(
    groups: NDArray[np.int64], seed: int, first: int, last: int, label: str | None
) -> Iterator[NDArray[np.float64]]:
    """Weights of shape (some, n): how often each row's group was drawn, in blocks that fit into memory."""
    random = np.random.default_rng(seed)
    count = int(groups.max()) + 1
    block = max(1, CELLS // len(groups))
    for _ in range(first):
        random.integers(count, size=count)
    with tqdm(total=last - first, desc=f"resampling {label}", leave=False, disable=None if label else True) as bar:
        for start in range(first, last, block):
            some = min(block, last - start)
            times = np.stack([np.bincount(random.integers(count, size=count), minlength=count) for _ in range(some)])
            yield np.take(times.astype(np.float64), groups, axis=1)
            bar.update(some)


def _interval(value: float, spread: NDArray[np.float64], tail: float) -> dict[str, float | None]:
    defined = spread[np.isfinite(spread)]
    low, high = np.quantile(defined, [tail, 1 - tail]) if len(defined) else (np.nan, np.nan)
    numbers = {"value": value, "low": float(low), "high": float(high)}
    return {name: number if np.isfinite(number) else None for name, number in numbers.items()}
