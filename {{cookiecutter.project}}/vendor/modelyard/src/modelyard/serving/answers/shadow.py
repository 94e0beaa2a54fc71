"""A second bundle that is given the same rows; its answers are only recorded, and no request waits for them."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...runtime.predictor import Predictor

WAITING = 64  # requests

Then = Callable[[NDArray[np.float64] | None, float], None]

_log = logging.getLogger(__name__)


class Shadow:
    """Answers tables of features in a thread of its own; when too many wait, new ones are dropped."""

    def __init__(self, predictor: Predictor, bundle: str) -> None:
        self.predictor, self.bundle = predictor, bundle
        self._has_reported = False
        self._waiting: queue.Queue[tuple[NDArray[np.float64], Then] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def offer(self, table: NDArray[np.float64], then: Then) -> bool:
        """Queue a table to be answered; return whether there was room.

        `then` is called with the scores (None on failure) and the milliseconds, in the shadow's thread.
        """
        try:
            self._waiting.put_nowait((table, then))
        except queue.Full:
            return False
        return True

    def close(self, timeout: float = 5.0) -> None:
        """Answer the queued tables, for at most `timeout` seconds, and stop."""
        try:
            self._waiting.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            table, then = item
            started = time.perf_counter()
            scores: NDArray[np.float64] | None = None
            try:
                scores = self._answer(table)
            except Exception as error:  # no error may end the thread or fill the log
                self._report(error)
            try:
                then(scores, (time.perf_counter() - started) * 1e3)
            except Exception as error:
                self._report(error)

    def _answer(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = self.predictor.model.answer(table)
        if not np.isfinite(scores).all():
            raise ArithmeticError("an answer is not finite")
        return scores

    def _report(self, error: Exception) -> None:
        if not self._has_reported:
            _log.error("the shadow %s fails: %s; from now on this is only counted", self.bundle, error, exc_info=error)
        self._has_reported = True
