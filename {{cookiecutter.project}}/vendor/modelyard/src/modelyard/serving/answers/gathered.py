"""Single rows of requests that arrive at the same time, answered by one call of the model.

A call costs about the same for one row as for a dozen, and an answer does not depend on the other rows of the call.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import numpy as np

from .loaded import Table
from .variants import Answered, Served


class Timed(NamedTuple):
    """An answer, and the seconds that its call took."""

    answered: Answered
    seconds: float


class Gathered:
    """Collects the rows of one iteration of the event loop, and answers them before it reads more requests."""

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
            answers = self._answers([table for table, _ in waiting])
        except Exception as error:
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        seconds = time.perf_counter() - started
        for (_, future), answered in zip(waiting, answers, strict=True):
            if not future.done():
                future.set_result(Timed(answered, seconds))

    def _answers(self, tables: list[Table]) -> list[Answered]:
        if len(tables) == 1:
            return [self._served.answer(tables[0])]
        whole = self._served.answer(np.concatenate(tables))
        if whole.by != "model":  # a single row may be the cause, so each row is answered by itself
            return [self._served.answer(table) for table in tables]
        return [whole._replace(scores=whole.scores[place : place + 1]) for place in range(len(tables))]
