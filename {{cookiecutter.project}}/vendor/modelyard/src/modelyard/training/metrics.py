"""The metrics of each task, for many weightings of the rows at once, as a bootstrap needs them.

With weights of one they equal scikit-learn's. A weight counts how often a row was drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..runtime.contract import Kind

Floats = NDArray[np.float64]

TINY = np.finfo(np.float64).eps
BINS = 10
CACHED = 250_000  # weights that are ranked at a time, so that the arrays stay in the processor's cache
PRIMARY: dict[Kind, str] = {"regression": "rmse", "binary": "log_loss", "multiclass": "log_loss"}
HIGHER_IS_BETTER = {
    "roc_auc": True,
    "average_precision": True,
    "log_loss": False,
    "brier": False,
    "calibration_error": False,
    "cost": False,
    "precision": True,
    "recall": True,
    "accuracy": True,
    "balanced_accuracy": True,
    "mae": False,
    "rmse": False,
    "r2": True,
}


def measure(
    kind: Kind, target: NDArray, prediction: Floats, weights: Floats, decision: Decision | None = None
) -> dict[str, Floats]:
    """Each metric of the task for each weighting, shape (weightings,); NaN if undefined.

    target: shape (n,), the number or the class's position. prediction: as `Predictor.predict` gives it.
    weights: shape (weightings, n). decision: the threshold and costs of a binary task.
    """
    if kind == "regression":
        return _regression(target, prediction, weights)
    if kind == "multiclass":
        return _multiclass(target, prediction, weights)
    metrics = _ranking(target, prediction, weights) | _probabilities(target, prediction, weights)
    return metrics | (decision.measure(target, prediction, weights) if decision else {})


def primary_loss(kind: Kind, target: NDArray, prediction: Floats, weights: Floats) -> Floats:
    """The task's primary metric alone, shape (weightings,): lower is better."""
    mean = _mean(_row_losses(kind, target, prediction), weights)
    return np.sqrt(mean) if kind == "regression" else mean


class Decision:
    """A threshold at which a score counts as positive, and what the two kinds of error cost."""

    def __init__(self, threshold: float, false_positive: float, false_negative: float) -> None:
        self.threshold, self.false_positive, self.false_negative = threshold, false_positive, false_negative

    @classmethod
    def cheapest(cls, target: NDArray, scores: Floats, false_positive: float, false_negative: float) -> Decision:
        """The decision with the least cost on these rows; of several, the one with the highest threshold."""
        order = np.argsort(-scores, kind="stable")
        positives = np.cumsum(target[order] == 1)
        negatives = np.cumsum(target[order] == 0)
        cost = false_positive * negatives + false_negative * (positives[-1] - positives)
        last = np.append(np.diff(scores[order]) != 0, True)  # equal scores are decided together
        best = np.flatnonzero(last)[np.argmin(cost[last])]
        if false_negative * positives[-1] <= cost[best]:  # calling nothing positive costs no more
            return cls(float(np.nextafter(scores.max(), np.inf)), false_positive, false_negative)
        return cls(float(scores[order][best]), false_positive, false_negative)

    def measure(self, target: NDArray, scores: Floats, weights: Floats) -> dict[str, Floats]:
        """Mean cost per row, precision and recall, shape (weightings,) each."""
        called = scores >= self.threshold
        hits = _sum(called & (target == 1), weights)
        false_alarms = _sum(called & (target == 0), weights)
        misses = _sum(~called & (target == 1), weights)
        cost = self.false_positive * false_alarms + self.false_negative * misses
        return {
            "cost": cost / weights.sum(axis=1),
            "precision": _ratio(hits, hits + false_alarms),
            "recall": _ratio(hits, hits + misses),
        }


def calibration_bins(prediction: Floats) -> NDArray[np.int64]:
    """The bin of each row: BINS bins with as many rows each, by prediction; equal predictions share a bin."""
    edges = np.quantile(prediction, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(edges, prediction, side="right")


def _row_losses(kind: Kind, target: NDArray, prediction: Floats) -> Floats:
    """What each row adds to the primary metric, shape (n,): its squared error, or its log loss."""
    if kind == "regression":
        return (target - prediction) ** 2
    if kind == "binary":
        sure = np.where(target == 1, prediction, 1 - prediction)
    else:
        sure = prediction[np.arange(len(target)), target]
    return -np.log(np.clip(sure, TINY, 1 - TINY if kind == "binary" else 1))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _sum(values: NDArray, weights: Floats) -> Floats:
    # not `@`, because BLAS adds up in an order that depends on the processor and on its number of cores
    return np.einsum("wn,n->w", weights, values.astype(np.float64))


def _mean(values: Floats, weights: Floats) -> Floats:
    return _sum(values, weights) / weights.sum(axis=1)


def _calibration_error(target: Floats, prediction: Floats, weights: Floats) -> Floats:
    """Expected calibration error (Naeini et al., 2015) over bins of equal size; in the target's unit."""
    bins = calibration_bins(prediction)
    off = [np.abs(_sum(np.where(bins == number, target - prediction, 0.0), weights)) for number in range(BINS)]
    return np.sum(off, axis=0) / weights.sum(axis=1)


def _ranking(target: NDArray, scores: Floats, weights: Floats) -> dict[str, Floats]:
    """Area under the ROC curve (Mann-Whitney) and average precision; rows with the same score count together."""
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
    block = max(1, CACHED // len(scores))
    parts = [
        _ranked(np.take(weights[first : first + block], order, axis=1), target[order] == 1, starts)
        for first in range(0, len(weights), block)
    ]
    roc_auc, average_precision = np.concatenate(parts, axis=1)
    return {"roc_auc": roc_auc, "average_precision": average_precision}


def _ranked(drawn: Floats, positive: NDArray[np.bool_], starts: NDArray[np.int64]) -> Floats:
    """The two metrics, shape (2, weightings), for rows by falling score; each new score begins at one of `starts`."""
    positives = np.add.reduceat(drawn * positive, starts, axis=1)
    negatives = np.add.reduceat(drawn, starts, axis=1) - positives
    hits, false_alarms = np.cumsum(positives, axis=1), np.cumsum(negatives, axis=1)
    won = ((hits - positives / 2) * negatives).sum(axis=1)
    precision = np.divide(hits, hits + false_alarms, out=np.zeros_like(hits), where=hits > 0)
    return np.stack(
        [
            _ratio(won, hits[:, -1] * false_alarms[:, -1]),
            _ratio((precision * positives).sum(axis=1), hits[:, -1]),
        ]
    )


def _probabilities(target: NDArray, scores: Floats, weights: Floats) -> dict[str, Floats]:
    outcome = (target == 1).astype(np.float64)
    return {
        "log_loss": primary_loss("binary", target, scores, weights),
        "brier": _mean((scores - outcome) ** 2, weights),
        "calibration_error": _calibration_error(outcome, scores, weights),
    }


def _multiclass(target: NDArray, scores: Floats, weights: Floats) -> dict[str, Floats]:
    classes = np.arange(scores.shape[1])
    called = scores.argmax(axis=1)
    right = (called == target).astype(np.float64)
    members = [target == position for position in classes]
    recalls = [_ratio(_sum(right * member, weights), _sum(member, weights)) for member in members]
    one_against_rest = [
        _ranking(member.astype(np.int64), scores[:, position], weights)["roc_auc"]
        for position, member in enumerate(members)
    ]
    return {
        "roc_auc": np.mean(one_against_rest, axis=0),
        "log_loss": primary_loss("multiclass", target, scores, weights),
        "accuracy": _mean(right, weights),
        "balanced_accuracy": np.mean(recalls, axis=0),
        "calibration_error": _calibration_error(right, scores.max(axis=1), weights),
    }


def _regression(target: Floats, prediction: Floats, weights: Floats) -> dict[str, Floats]:
    squares = _mean(_row_losses("regression", target, prediction), weights)
    # moments around a fixed point, so that large targets do not cancel
    centred = target - target.mean()
    spread = _mean(centred**2, weights) - _mean(centred, weights) ** 2
    return {
        "rmse": np.sqrt(squares),
        "mae": _mean(np.abs(target - prediction), weights),
        "r2": 1 - _ratio(squares, spread),
        "calibration_error": _calibration_error(target, prediction, weights),
    }
