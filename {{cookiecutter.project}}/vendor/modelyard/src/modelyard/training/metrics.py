"""The metrics of each task, for many weightings of the rows at once, as a bootstrap needs them.

With weights of one they equal scikit-learn's. A weight counts how often a row was drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..runtime.contract import Kind
from .bootstrap import Measures
from .weighted import CalibrationError, Floats, Ranking, Sums, ratio

TINY = np.finfo(np.float64).eps
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


def measures(kind: Kind, target: NDArray, prediction: Floats, decision: Decision | None = None) -> Measures:
    """What gives each metric of the task for each weighting of these rows, shape (weightings,); NaN if undefined.

    It is called with weights of shape (weightings, n), and fastest if the rows are in the order of `by_score`.

    target: shape (n,), the number or the class's position. prediction: as `Predictor.predict` gives it. decision: the
    threshold and costs of a binary task.
    """
    if kind == "regression":
        return _regression(target, prediction)
    if kind == "multiclass":
        return _multiclass(target, prediction)
    return _binary(target, prediction, decision)


def measure(
    kind: Kind, target: NDArray, prediction: Floats, weights: Floats, decision: Decision | None = None
) -> dict[str, Floats]:
    """The metrics of `measures` for weights that are the only ones for these rows."""
    return measures(kind, target, prediction, decision)(weights)


def by_score(prediction: Floats) -> NDArray[np.int64]:
    """The order of the rows in which their metrics are made fastest, shape (n,)."""
    return np.argsort(-prediction, kind="stable") if prediction.ndim == 1 else np.arange(len(prediction))


def primary_losses(kind: Kind, target: NDArray, prediction: Floats) -> Callable[[Floats], Floats]:
    """What gives the task's primary metric alone for each weighting, shape (weightings,): lower is better."""
    losses = Sums([_row_losses(kind, target, prediction)])

    def loss(weights: Floats) -> Floats:
        mean = losses(weights)[0] / weights.sum(axis=1)
        return np.sqrt(mean) if kind == "regression" else mean

    return loss


def primary_loss(kind: Kind, target: NDArray, prediction: Floats, weights: Floats) -> Floats:
    """The primary metric of `primary_losses` for weights that are the only ones for these rows."""
    return primary_losses(kind, target, prediction)(weights)


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


def _row_losses(kind: Kind, target: NDArray, prediction: Floats) -> Floats:
    """What each row adds to the primary metric, shape (n,): its squared error, or its log loss."""
    if kind == "regression":
        return (target - prediction) ** 2
    if kind == "binary":
        sure = np.where(target == 1, prediction, 1 - prediction)
    else:
        sure = prediction[np.arange(len(target)), target]
    return -np.log(np.clip(sure, TINY, 1 - TINY if kind == "binary" else 1))


def _binary(target: NDArray, scores: Floats, decision: Decision | None) -> Measures:
    positive = target == 1
    ranking, calibration = Ranking(positive, scores), CalibrationError(positive.astype(np.float64), scores)
    # a score at the threshold is called positive
    called = scores >= decision.threshold if decision else np.zeros(len(scores), bool)
    sums = Sums(
        [
            _row_losses("binary", target, scores),
            (scores - positive) ** 2,
            *([called & positive, called & ~positive, ~called & positive] if decision else []),
        ]
    )

    def metrics(weights: Floats) -> dict[str, Floats]:
        rows = weights.sum(axis=1)
        roc_auc, average_precision = ranking(weights)
        loss, square, *counts = sums(weights)
        found = {
            "roc_auc": roc_auc,
            "average_precision": average_precision,
            "log_loss": loss / rows,
            "brier": square / rows,
            "calibration_error": calibration(weights) / rows,
        }
        if decision is None:
            return found
        hits, false_alarms, misses = counts
        return found | {
            "cost": (decision.false_positive * false_alarms + decision.false_negative * misses) / rows,
            "precision": ratio(hits, hits + false_alarms),
            "recall": ratio(hits, hits + misses),
        }

    return metrics


def _multiclass(target: NDArray, scores: Floats) -> Measures:
    right = scores.argmax(axis=1) == target
    members = [target == position for position in range(scores.shape[1])]
    rankings = [Ranking(member, scores[:, position]) for position, member in enumerate(members)]
    calibration = CalibrationError(right.astype(np.float64), scores.max(axis=1))
    sums = Sums([_row_losses("multiclass", target, scores), right, *members, *(right & member for member in members)])

    def metrics(weights: Floats) -> dict[str, Floats]:
        rows = weights.sum(axis=1)
        loss, rights, *counts = sums(weights)
        of_class, right_of_class = counts[: len(members)], counts[len(members) :]
        recalls = [ratio(found, there) for found, there in zip(right_of_class, of_class, strict=True)]
        return {
            "roc_auc": np.mean([ranking(weights)[0] for ranking in rankings], axis=0),
            "log_loss": loss / rows,
            "accuracy": rights / rows,
            "balanced_accuracy": np.mean(recalls, axis=0),
            "calibration_error": calibration(weights) / rows,
        }

    return metrics


def _regression(target: Floats, prediction: Floats) -> Measures:
    calibration = CalibrationError(target, prediction)
    centred = target - target.mean()  # moments around a fixed point, so that large targets do not cancel
    sums = Sums([(target - prediction) ** 2, np.abs(target - prediction), centred**2, centred])

    def metrics(weights: Floats) -> dict[str, Floats]:
        rows = weights.sum(axis=1)
        square, off, moment, mean = sums(weights) / rows
        return {
            "rmse": np.sqrt(square),
            "mae": off,
            "r2": 1 - ratio(square, moment - mean**2),
            "calibration_error": calibration(weights) / rows,
        }

    return metrics
