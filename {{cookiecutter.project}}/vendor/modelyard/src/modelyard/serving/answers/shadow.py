"""A second bundle that sees the same rows; its answers are only noted, and nobody waits for them."""

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
    """Answers tables of features in a thread of its own; what it cannot take up in time it drops."""

    def __init__(self, predictor: Predictor, bundle: str) -> None:
        self.predictor, self.bundle = predictor, bundle
        self._said = False
        self._waiting: queue.Queue[tuple[NDArray[np.float64], Then] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def offer(self, table: NDArray[np.float64], then: Then) -> bool:
        """Have a table answered some time; whether it will be.

        `then` gets the scores (None: it failed) and the milliseconds, in the shadow's thread.
        """
        try:
            self._waiting.put_nowait((table, then))
        except queue.Full:
            return False
        return True

    def close(self, timeout: float = 5.0) -> None:
        """Answer what waits, for so many seconds at most, and end."""
        try:
            self._waiting.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _run(self) -> None:
        while (taken := self._waiting.get()) is not None:
            table, then = taken
            started = time.perf_counter()
            scores: NDArray[np.float64] | None = None
            try:
                scores = self._answer(table)
            except Exception as error:  # whatever it is, the shadow must not end, nor fill the log
                self._say(error)
            try:
                then(scores, (time.perf_counter() - started) * 1e3)
            except Exception as error:
                self._say(error)

    def _answer(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = self.predictor.model.answer(table)
        if not np.isfinite(scores).all():
            raise ArithmeticError("an answer is not finite")
        return scores

    def _say(self, error: Exception) -> None:
        if not self._said:
            _log.error("the shadow %s fails: %s; from now on this is only counted", self.bundle, error, exc_info=error)
        self._said = True
