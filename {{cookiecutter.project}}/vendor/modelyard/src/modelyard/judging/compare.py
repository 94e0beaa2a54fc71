"""Champion and challenger on the same rows: each metric's difference with its interval, by a paired bootstrap.

Both models are measured on each draw of rows, so what makes a draw easy or hard for both cancels in the difference. The
interval is the difference plus and minus Student's t times the standard deviation of the draws, with one degree of
freedom less than there are groups. The deviation is corrected for the bootstrap's underestimate of the variance, which
is (n - 1) / n for n groups. With few days this interval has its nominal coverage; percentiles would be too narrow
(Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 and 12).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.contract import Contract
from ..training.bootstrap import resample
from ..training.metrics import HIGHER_IS_BETTER, PRIMARY, Decision, measures, primary_losses

Floats = NDArray[np.float64]
CURVE = np.linspace(0, 1, 11)
ENOUGH = 10_000  # degrees of freedom; beyond, Student's t equals the normal distribution to 4 digits


@dataclass(frozen=True)
class MetricDifference:
    """A metric of both models, and by how much the challenger's is higher; None if undefined."""

    champion: float | None
    challenger: float | None
    difference: float | None
    low: float | None
    high: float | None
    higher_is_better: bool

    @property
    def gain(self) -> tuple[float, float, float] | None:
        """By how much the challenger is better, with its interval; below 0 it is worse. None if undefined."""
        if self.difference is None or self.low is None or self.high is None:
            return None
        if self.higher_is_better:
            return self.difference, self.low, self.high
        return -self.difference, -self.high, -self.low

    def __str__(self) -> str:
        if (gain := self.gain) is None:
            return "undefined"
        value, low, high = gain
        if value == low == high == 0:
            return "the same"
        if value >= 0:
            return f"better by {value:.4f} ({low:.4f} to {high:.4f})"
        return f"worse by {-value:.4f} ({-high:.4f} to {-low:.4f})"


@dataclass(frozen=True)
class Paired:
    """The rows that both models answered.

    target: shape (n,). champion, challenger: their answers. groups: shape (n,); the rows of a group are drawn together.
    """

    contract: Contract
    target: NDArray
    champion: Floats
    challenger: Floats
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.target)

    @property
    def draws_from(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.groups))

    def where(self, chosen: NDArray[np.bool_]) -> Paired:
        """Some of the rows."""
        groups = np.unique(self.groups[chosen], return_inverse=True)[1]
        return Paired(self.contract, self.target[chosen], self.champion[chosen], self.challenger[chosen], groups)

    def metrics(
        self, decisions: tuple[Decision | None, Decision | None], draws: int, seed: int, confidence: float
    ) -> dict[str, MetricDifference]:
        """The difference in each metric of the task, each model at its own threshold."""
        champion, challenger = (
            measures(self.contract.kind, self.target, scores, decision)
            for scores, decision in zip((self.champion, self.challenger), decisions, strict=True)
        )

        def both(weights: Floats) -> dict[str, Floats]:
            return _pair(champion(weights), challenger(weights))

        return self._differences(both, draws, seed, confidence)

    def primary(self, draws: int, seed: int, confidence: float) -> MetricDifference:
        """The difference in the task's primary metric alone, which takes a tenth of the time."""
        name = PRIMARY[self.contract.kind]
        champion, challenger = (
            primary_losses(self.contract.kind, self.target, scores) for scores in (self.champion, self.challenger)
        )

        def both(weights: Floats) -> dict[str, Floats]:
            return _pair({name: champion(weights)}, {name: challenger(weights)})

        return self._differences(both, draws, seed, confidence)[name]

    def curves(self) -> dict[str, Any]:
        """The ROC curve of both at fixed shares of false positives, if there are two classes."""
        if self.contract.kind != "binary":
            return {}
        return {
            "roc": {
                "x": CURVE.tolist(),
                "champion": _roc(self.target, self.champion),
                "challenger": _roc(self.target, self.challenger),
            }
        }

    def _differences(self, both: Any, draws: int, seed: int, confidence: float) -> dict[str, MetricDifference]:
        values, spread = resample(both, self.groups, draws, seed)
        count = max(2, self.draws_from)
        reach = student(count - 1, confidence) * math.sqrt(count / (count - 1))
        names = [name.removesuffix(" difference") for name in values if name.endswith(" difference")]
        return {name: _difference(name, values, spread[f"{name} difference"], reach) for name in names}


def student(freedom: int, confidence: float) -> float:
    """The two-sided quantile of Student's t at this confidence.

    Found by bisection of the finite series (Abramowitz and Stegun, 1964, 26.7.3 and 26.7.4), because importing scipy
    would take as long as all other work here.
    """
    freedom = min(freedom, ENOUGH)
    odd = freedom % 2
    steps = np.arange(1, freedom // 2)
    ratios = (2 * steps - 1 + odd) / (2 * steps + odd)

    def coverage(angle: float) -> float:
        series = math.sin(angle) * (1 + float(np.cumprod(ratios * math.cos(angle) ** 2).sum()))
        if not odd:
            return series
        return 2 / math.pi * (angle + (series * math.cos(angle) if freedom > 1 else 0))

    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if coverage(middle) < confidence else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def _pair(champion: Mapping[str, Floats], challenger: Mapping[str, Floats]) -> dict[str, Floats]:
    paired = {}
    for name in champion.keys() & challenger.keys():
        paired[f"{name} champion"], paired[f"{name} challenger"] = champion[name], challenger[name]
        paired[f"{name} difference"] = challenger[name] - champion[name]
    return paired


def _difference(name: str, values: Mapping[str, float], drawn: Floats, reach: float) -> MetricDifference:
    defined = drawn[np.isfinite(drawn)]
    half = reach * float(defined.std(ddof=1)) if len(defined) > len(drawn) / 2 else np.nan
    value = values[f"{name} difference"]
    numbers = (values[f"{name} champion"], values[f"{name} challenger"], value, value - half, value + half)
    champion, challenger, difference, low, high = (number if np.isfinite(number) else None for number in numbers)
    return MetricDifference(champion, challenger, difference, low, high, HIGHER_IS_BETTER[name])


def _roc(target: NDArray, scores: Floats) -> list[float]:
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits, alarms = np.cumsum(target[order] == 1)[last], np.cumsum(target[order] == 0)[last]
    if not (hits[-1] and alarms[-1]):
        return []
    return np.interp(CURVE, np.append(0, alarms / alarms[-1]), np.append(0, hits / hits[-1])).round(6).tolist()
