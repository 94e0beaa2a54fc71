"""Single rows of requests that are there at the same time, answered by one call of the model.

A call costs about the same for one row as for a dozen, and an answer does not depend on what is asked with it.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import numpy as np

from .loaded import Table
from .variants import Answered, Served


class Timed(NamedTuple):
    """An answer, and the seconds that the call took in which it was given."""

    answered: Answered
    seconds: float


class Gathered:
    """Collects rows until the event loop has nothing else to do, which is before it looks for more requests."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._waiting: list[tuple[Table, asyncio.Future[Timed]]] = []

    def answer(self, table: Table) -> asyncio.Future[Timed]:
        """The answer to one row of features, a table of shape (1, features)."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._call)
        future: asyncio.Future[Timed] = loop.create_future()
        self._waiting.append((table, future))
        return future

    def _call(self) -> None:
        waiting, self._waiting = self._waiting, []
        started = time.perf_counter()
        try:
            found = self._answers([table for table, _ in waiting])
        except Exception as error:
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        seconds = time.perf_counter() - started
        for (_, future), answered in zip(waiting, found, strict=True):
            if not future.done():
                future.set_result(Timed(answered, seconds))

    def _answers(self, tables: list[Table]) -> list[Answered]:
        if len(tables) == 1:
            return [self._served.answer(tables[0])]
        whole = self._served.answer(np.concatenate(tables))
        if whole.by != "model":  # one row may be why, and the others are not to bear it
            return [self._served.answer(table) for table in tables]
        return [whole._replace(scores=whole.scores[place : place + 1]) for place in range(len(tables))]
