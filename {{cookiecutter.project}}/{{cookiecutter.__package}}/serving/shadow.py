"""A second bundle that sees the same rows; its answers are only logged, and nobody waits for them."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..predictor import Predictor

WAITING = 64  # requests

Then = Callable[[NDArray[np.float64], float], None]

_log = logging.getLogger(__name__)


class Shadow:
    """Answers tables of features in a thread of its own.

    What it cannot take up in time it drops: `dropped` counts rows, `failed` those whose answer raised.
    """

    def __init__(self, predictor: Predictor, bundle: str) -> None:
        self.predictor, self.bundle = predictor, bundle
        self.dropped = self.failed = self.answered = 0
        self._waiting: queue.Queue[tuple[NDArray[np.float64], Then] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def offer(self, table: NDArray[np.float64], then: Then) -> None:
        """Have a table answered some time; `then` gets the scores and the milliseconds, in the shadow's thread."""
        try:
            self._waiting.put_nowait((table, then))
        except queue.Full:
            self.dropped += len(table)

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
            try:
                then(self.predictor.model.answer(table), (time.perf_counter() - started) * 1e3)
                self.answered += len(table)
            except Exception as error:  # whatever it is, the shadow must not end, nor fill the log
                if not self.failed:
                    _log.exception("the shadow %s fails: %s; from now on this is only counted", self.bundle, error)
                self.failed += len(table)
