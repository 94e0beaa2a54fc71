"""What is recorded of a shadow: its answers in the log; their number and distance from the live ones as metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..forms.ids import Ids
from ..log.log_lines import Asked, LogEntry, LoggedModel
from ..log.metrics import Metrics
from ..log.prediction_log import PredictionLog
from .shadow import Shadow

Inputs = Sequence[Any] | Mapping[str, Sequence[Any]]

DISTANCES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # between probabilities

# during a reload, the previous shadow answers what is queued and counts in the same cells
_counting = threading.Lock()


class Shadowed:
    """The shadow of one model.

    bounds: the bucket bounds of the model's scores; those from 0 up are also used for distances between numbers.
    """

    def __init__(
        self, shadow: Shadow, source: LoggedModel, metrics: Metrics, log: PredictionLog | None, bounds: Sequence[float]
    ) -> None:
        self._shadow, self._source, self._log = shadow, source, log
        labels = {"model": source.model, "variant": source.variant, "bundle": shadow.bundle}
        # all are created here, in one thread, because creating cells is not thread-safe
        self._count = {
            outcome: metrics.counter("shadow_predictions_total", **labels, outcome=outcome)
            for outcome in ("answered", "dropped", "failed")
        }
        number = shadow.predictor.contract.kind == "regression"
        edges = [bound for bound in bounds if bound >= 0] if number else DISTANCES
        self._distances = metrics.histogram("shadow_distance", edges, **labels)

    def ask(
        self,
        table: NDArray[np.float64],
        live_scores: NDArray[np.float64],
        inputs: Inputs,
        request: Asked,
        ids: Ids | None = None,
    ) -> None:
        """Queue n rows for the shadow, which may drop them.

        table: their features. live_scores: the scores that the client got, NaN where no model gave them.
        """
        rows = len(table)

        def then(scores: NDArray[np.float64] | None, milliseconds: float) -> None:
            with _counting:
                self._count["failed" if scores is None else "answered"](rows)
                if scores is not None:
                    self._distances.add_all(distances(scores, live_scores))
            if scores is not None and self._log is not None:
                self._log.write(self._entry(scores, inputs, ids, request, milliseconds))

        if not self._shadow.offer(table, then):
            self._count["dropped"](rows)

    def _entry(
        self, scores: NDArray[np.float64], inputs: Inputs, ids: Ids | None, request: Asked, milliseconds: float
    ) -> LogEntry:
        return LogEntry(
            self._source,
            request,
            time.time(),
            self._shadow.bundle,
            "model",
            inputs,
            scores,
            self._shadow.predictor.decide(scores),
            milliseconds,
            shadow=True,
            ids=ids,
        )


def distances(scores: NDArray[np.float64], live_scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance between two answers to each of n rows: for several probabilities, the largest difference.

    Both have shape (n,) or (n, classes). Rows in which either is NaN are left out.
    """
    apart = np.abs(scores - live_scores)
    apart = apart if apart.ndim == 1 else apart.max(axis=1, initial=0.0)
    return apart[np.isfinite(apart)]
