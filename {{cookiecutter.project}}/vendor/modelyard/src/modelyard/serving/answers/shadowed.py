"""What is told of a shadow: its answers in the log, and in the metrics how it fares and how far they are from ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..log.log_lines import Entry, Source
from ..log.metrics import Metrics
from ..log.prediction_log import PredictionLog
from .shadow import Shadow

DISTANCES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # between probabilities

# while bundles are loaded again, the shadow from before answers what it has taken, and counts into the same cells
_counting = threading.Lock()


class Shadowed:
    """The shadow of one model.

    bounds: those of the model's scores; from 0 up they serve for the distances between numbers.
    """

    def __init__(
        self, shadow: Shadow, source: Source, metrics: Metrics, log: PredictionLog | None, bounds: Sequence[float]
    ) -> None:
        self._shadow, self._source, self._log = shadow, source, log
        labels = {"model": source.model, "variant": source.variant, "bundle": shadow.bundle}
        # all of them now, in one thread: making one while another thread does would tear the memory that they lie in
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
        given: NDArray[np.float64],
        inputs: Sequence[Any] | Mapping[str, Sequence[Any]],
        request: str,
    ) -> None:
        """Have n rows answered, some time or never.

        table: their features. given: the scores that the client got, NaN where another than a model gave them.
        """
        rows = len(table)

        def then(scores: NDArray[np.float64] | None, milliseconds: float) -> None:
            with _counting:
                self._count["failed" if scores is None else "answered"](rows)
                if scores is not None:
                    self._distances.add_all(distances(scores, given))
            if scores is not None and self._log is not None:
                self._log.write(self._entry(scores, inputs, request, milliseconds))

        if not self._shadow.offer(table, then):
            self._count["dropped"](rows)

    def _entry(
        self,
        scores: NDArray[np.float64],
        inputs: Sequence[Any] | Mapping[str, Sequence[Any]],
        request: str,
        milliseconds: float,
    ) -> Entry:
        decided = self._shadow.predictor.decide(scores)
        now, bundle = time.time(), self._shadow.bundle
        return Entry(self._source, request, now, bundle, "model", inputs, scores, decided, milliseconds, shadow=True)


def distances(scores: NDArray[np.float64], given: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far two answers to each of n rows are from each other: of several probabilities, the farthest.

    Shapes (n,) or (n, classes) of both. Rows in which one is no number are left out.
    """
    apart = np.abs(scores - given)
    apart = apart if apart.ndim == 1 else apart.max(axis=1, initial=0.0)
    return apart[np.isfinite(apart)]
