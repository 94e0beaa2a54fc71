"""What /metrics tells of the prediction log."""

from __future__ import annotations

from .metrics import Metrics
from .prediction_log import REASONS, PredictionLog


class LogMetrics:
    """Copies the numbers of a log into the metrics; the log counts in a thread of its own.

    Counters get what was added, because a restarted process resumes its predecessor's numbers.
    """

    def __init__(self, log: PredictionLog, metrics: Metrics) -> None:
        self._log = log
        self._add = [
            metrics.counter("prediction_log_written_lines_total"),
            metrics.counter("prediction_log_removed_lines_total"),
        ]
        self._add += [metrics.counter("prediction_log_dropped_lines_total", reason=reason) for reason in REASONS]
        self._before = [0] * len(self._add)
        self._failing = metrics.level("prediction_log_failing_workers")
        self._waiting = metrics.level("prediction_log_waiting_bytes")

    def publish(self) -> None:
        """Copy them; to be called once a second."""
        now = [self._log.written, self._log.removed, *self._log.dropped.values()]
        for add, number, before in zip(self._add, now, self._before, strict=True):
            add(number - before)
        self._before = now
        self._failing(float(self._log.failure is not None))
        self._waiting(self._log.waiting_bytes)
