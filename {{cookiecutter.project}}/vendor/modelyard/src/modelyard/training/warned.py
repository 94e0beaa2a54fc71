"""What a person must see beside the metrics: warnings, each by a fixed name, as facts in evaluation/metrics.json.

They block nothing unless `warnings` in policy.yaml says so. The template's docs/warnings.md tells what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..runtime.column import Column
from ..runtime.contract import Contract
from .data.dataset import Rows
from .metrics import Decision, measure

Floats = NDArray[np.float64]
Warned = Mapping[str, Any]  # `name`, and the facts that its text is made from
Name = Literal[
    "leak",
    "constant_features",
    "infinite_features",
    "positive_class",
    "never_positive",
    "few_positives",
    "absent_classes",
]
NAMES: tuple[Name, ...] = get_args(Name)

LEAK = 0.98  # r2, or area under the ROC curve, of the target told from one input alone
SAMPLED = 20_000  # rows from which that is measured
BINS = 256  # of one input
FEW = 30  # rows of a class; with fewer, a percentile interval covers less often than it says
RARER = 2  # times as many rows of the other class make one the rarer, which is what one looks for
YES = {"1", "true", "yes", "y", "t", "positive", "pos"}  # what nobody takes for the negative class


def warn_of_inputs(
    features: Iterable[Mapping[str, NDArray]], train: Rows, validation: Rows, contract: Contract
) -> list[dict[str, Any]]:
    """The warnings about what the model learns from: features of the training rows, and inputs that tell the target.

    features: of all training rows, a block at a time. train, validation: a sample of the rows, see `sampled`.
    """
    found: list[dict[str, Any]] = []
    if leaks := dict(_leaks(train, validation, contract)):
        measured = "r2" if contract.kind == "regression" else "roc_auc"
        found.append({"name": "leak", "metric": measured, "inputs": leaks})
    values = _Values()
    for block in features:
        values.add(block)
    if values.constant:
        found.append({"name": "constant_features", "features": values.constant})
    if infinite := {name: count for name, count in values.infinite.items() if count}:
        found.append({"name": "infinite_features", "features": infinite, "rows": values.rows})
    return found


class _Values:
    """What is remembered of features: the ends of their values, and how many are missing and infinite."""

    def __init__(self) -> None:
        self.rows = 0
        self.infinite: dict[str, int] = {}
        self._missing: dict[str, int] = {}
        self._ends: dict[str, tuple[Any, Any]] = {}

    def add(self, block: Mapping[str, NDArray]) -> None:
        """The features of some more rows."""
        self.rows += len(next(iter(block.values())))
        for name, values in block.items():
            missing = int(np.count_nonzero(np.isnan(values)))
            self._missing[name] = self._missing.get(name, 0) + missing
            self.infinite[name] = self.infinite.get(name, 0) + int(np.count_nonzero(np.isinf(values)))
            if missing < len(values):
                ends = (np.nanmin(values), np.nanmax(values))
                low, high = self._ends.get(name, ends)
                self._ends[name] = min(low, ends[0]), max(high, ends[1])

    @property
    def constant(self) -> list[str]:
        """The features that are the same in all rows, or missing in all."""
        return [
            name
            for name, missing in self._missing.items()
            if missing == self.rows or (not missing and self._ends[name][0] == self._ends[name][1])
        ]


def sampled(count: int) -> NDArray[np.int64]:
    """The places of the rows, out of so many, in which it is looked for inputs that tell the target."""
    return np.unique(np.linspace(0, count - 1, SAMPLED).astype(np.int64))


def warn_of_answers(
    target: NDArray, scores: Floats, decision: Decision | None, contract: Contract
) -> list[dict[str, Any]]:
    """The warnings about the holdout's classes and the model's decisions on it."""
    if contract.kind == "regression":
        return []
    counts = np.bincount(target, minlength=len(contract.classes)).tolist()
    found: list[dict[str, Any]] = []
    if decision is not None:
        found += _warn_of_positives(counts, scores, decision, contract)
    if few := {str(name): count for name, count in zip(contract.classes, counts, strict=True) if 0 < count < FEW}:
        found.append({"name": "few_positives", "classes": few})
    if absent := [str(name) for name, count in zip(contract.classes, counts, strict=True) if not count]:
        found.append({"name": "absent_classes", "classes": absent})
    return found


def _warn_of_positives(
    counts: list[int], scores: Floats, decision: Decision, contract: Contract
) -> Iterator[dict[str, Any]]:
    positive = contract.classes[1]
    share = counts[1] / sum(counts)
    is_likely = str(positive).lower() in YES or counts[0] > RARER * counts[1]
    if not is_chosen(contract.columns[contract.target]) and (share > 0.5 or not is_likely):
        yield {"name": "positive_class", "positive": str(positive), "share": share}
    if not (scores >= decision.threshold).any():
        yield {
            "name": "never_positive",
            "rows": len(scores),
            "positives": counts[1],
            "highest": float(scores.max()),
            "threshold": decision.threshold,
            "missed_costs": decision.false_negative / decision.false_positive,
        }


def is_chosen(target: Column) -> bool:
    """Whether a person put the classes in their order, which is not that of a draft."""
    return target.values is not None and list(target.values) != sorted(target.values)


def _leaks(train: Rows, judged: Rows, contract: Contract) -> Iterator[tuple[str, float]]:
    """Each input from which alone the target can nearly be told, and how well on rows that it was not learned from."""
    target = judged.target
    for name, column in contract.inputs.items():
        before, now = _numbers(train.columns[name]), _numbers(judged.columns[name])
        told = [_by_bins(before, train.target, now, column, contract)]
        if contract.kind == "regression" and column.values is None:
            told += [by(before, train.target, now) for by in (_by_line, _by_neighbours)]
        best = max(_how_well(target, answer, contract) for answer in told)
        if best >= LEAK:
            yield name, best


def _how_well(target: NDArray, told: Floats, contract: Contract) -> float:
    prediction = told[:, -1]
    if contract.kind == "multiclass":  # of the classes that these rows have, as of no other the area is defined
        present, target = np.unique(target, return_inverse=True)
        prediction = told[:, present]
    values = measure(contract.kind, target, prediction, np.ones((1, len(target))))
    value = float(values["r2" if contract.kind == "regression" else "roc_auc"][0])
    return value if np.isfinite(value) else 0.0


def _by_bins(before: Floats, target: NDArray, now: Floats, column: Column, contract: Contract) -> Floats:
    """The mean target, or the share of each class, of the training rows in the same bin, shape (n, classes)."""
    present = before[~np.isnan(before)]
    edges = np.unique(present)
    if column.values is None and len(edges) > BINS:
        edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1), method="inverted_cdf"))

    def place(values: Floats) -> NDArray[np.int64]:
        return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))

    bins, count = place(before), len(edges) + 2
    outcomes = target[:, None] == np.arange(len(contract.classes)) if contract.classes else target[:, None]
    sums = np.stack([np.bincount(bins, outcome.astype(np.float64), count) for outcome in outcomes.T], axis=1)
    # a row of the mean is added, so that a bin of one row does not say as much as one of a hundred
    shares = (sums + outcomes.mean(axis=0)) / (np.bincount(bins, minlength=count)[:, None] + 1)
    return shares[place(now)]


def _by_line(before: Floats, target: NDArray, now: Floats) -> Floats:
    """The straight line through the training rows, shape (n, 1)."""
    known = np.isfinite(before)
    centre, mean = (values[known].mean() if known.any() else 0.0 for values in (before, target))
    spread = ((before[known] - centre) ** 2).sum()
    slope = ((before[known] - centre) * (target[known] - mean)).sum() / spread if spread > 0 else 0.0
    return np.where(np.isfinite(now), mean + slope * (now - centre), mean)[:, None]


def _by_neighbours(before: Floats, target: NDArray, now: Floats) -> Floats:
    """The curve through the training rows, straight between two neighbours, shape (n, 1)."""
    known = np.isfinite(before)
    if not known.any():
        return np.full((len(now), 1), target.mean())
    knots, place, counts = np.unique(before[known], return_inverse=True, return_counts=True)
    curve = np.interp(now, knots, np.bincount(place, target[known]) / counts)
    return np.where(np.isfinite(now), curve, target.mean())[:, None]


def _numbers(values: NDArray) -> Floats:
    if values.dtype.kind == "M":
        return np.where(np.isnat(values), np.nan, values.astype("datetime64[s]").astype(np.float64))
    return values.astype(np.float64)
