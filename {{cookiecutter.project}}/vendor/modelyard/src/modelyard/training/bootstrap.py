"""Bootstrap intervals by resampling rows, or whole days if the rows of a day are alike (Efron and Tibshirani, 1993)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

Measures = Callable[[NDArray[np.float64]], dict[str, NDArray[np.float64]]]

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
    values, spread = resample(measures, groups, resamples, seed, label)
    tail = (1 - LEVEL) / 2
    return {name: _interval(value, spread[name], tail) for name, value in values.items()}


def resample(
    measures: Measures, groups: NDArray[np.int64], resamples: int, seed: int, label: str | None = None
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """Each metric's value on the rows as they are, and its values on the draws, shape (resamples,)."""
    values = measures(np.ones((1, len(groups))))
    drawn = [measures(weights) for weights in _draw(groups, resamples, seed, label)]
    spread = {name: np.concatenate([draw[name] for draw in drawn]) for name in values}
    return {name: float(value[0]) for name, value in values.items()}, spread


def _draw(groups: NDArray[np.int64], resamples: int, seed: int, label: str | None) -> Iterator[NDArray[np.float64]]:
    """Weights of shape (some, n): how often each row's group was drawn, in blocks that fit into memory."""
    random = np.random.default_rng(seed)
    count = int(groups.max()) + 1
    block = max(1, min(resamples, CELLS // len(groups)))
    with tqdm(total=resamples, desc=f"resampling {label}", leave=False, disable=None if label else True) as bar:
        for start in range(0, resamples, block):
            draws = min(block, resamples - start)
            times = np.stack([np.bincount(random.integers(count, size=count), minlength=count) for _ in range(draws)])
            yield np.take(times.astype(np.float64), groups, axis=1)
            bar.update(draws)


def _interval(value: float, spread: NDArray[np.float64], tail: float) -> dict[str, float | None]:
    defined = spread[np.isfinite(spread)]
    low, high = np.quantile(defined, [tail, 1 - tail]) if len(defined) else (np.nan, np.nan)
    numbers = {"value": value, "low": float(low), "high": float(high)}
    return {name: number if np.isfinite(number) else None for name, number in numbers.items()}
