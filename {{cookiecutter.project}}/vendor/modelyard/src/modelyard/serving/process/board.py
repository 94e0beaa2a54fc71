"""Shared memory in which the workers report that they are ready, that they make progress and which reload they did."""

from __future__ import annotations

import mmap
import time

STUCK_SECONDS = 20.0  # without progress until a worker is replaced

_CELLS = 5
_PID, _LOADED, _REFUSED, _BEAT, _STUCK = range(_CELLS)


class Board:
    """For each worker its process id (0: not ready), the last reload request that it fulfilled or refused, when it last
    made progress, and how often its process was replaced because it made none.

    Requests (`wish`) are numbered, by the parent only. Create the board before the workers are forked.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._cells = memoryview(mmap.mmap(-1, 8 * (1 + _CELLS * workers))).cast("q")

    @property
    def wish(self) -> int:
        """The number of the last request to reload the bundles."""
        return self._cells[0]

    @wish.setter
    def wish(self, number: int) -> None:
        self._cells[0] = number

    def ready(self, worker: int, process: int) -> None:
        """Set which process is this worker (0: none)."""
        self._cells[self._place(worker, _PID)] = process

    def processes(self) -> dict[str, int]:
        """The process id of each worker that is ready, by its number."""
        pids = {str(worker): self._cells[self._place(worker, _PID)] for worker in range(self.workers)}
        return {worker: pid for worker, pid in pids.items() if pid}

    def is_ready(self, worker: int) -> bool:
        """Whether the worker answers requests."""
        return self._cells[self._place(worker, _PID)] != 0

    def beat(self, worker: int) -> None:
        """Report that this worker makes progress."""
        self._cells[self._place(worker, _BEAT)] = time.monotonic_ns()

    def give_up(self, worker: int) -> None:
        """Report that this worker will make no progress any more, so that it is replaced at once."""
        self._cells[self._place(worker, _BEAT)] = 0

    def last_beat(self, worker: int) -> float:
        """When the worker last made progress, in seconds as `time.monotonic` gives them."""
        return self._cells[self._place(worker, _BEAT)] / 1e9

    def count_stuck(self, worker: int) -> None:
        """Count that a process of this worker made no progress."""
        self._cells[self._place(worker, _STUCK)] += 1

    def stuck(self, worker: int) -> int:
        """How often a process of this worker made no progress."""
        return self._cells[self._place(worker, _STUCK)]

    def done(self, worker: int, wish: int, refused: bool = False) -> None:
        """Report that this worker has fulfilled or refused a request."""
        self._cells[self._place(worker, _REFUSED if refused else _LOADED)] = wish

    def took(self, wish: int) -> tuple[int, int]:
        """How many workers have fulfilled this request or a later one, and how many refused it."""
        loaded = sum(self._cells[self._place(worker, _LOADED)] >= wish for worker in range(self.workers))
        refused = sum(
            self._cells[self._place(worker, _REFUSED)] >= wish > self._cells[self._place(worker, _LOADED)]
            for worker in range(self.workers)
        )
        return loaded, refused

    def _place(self, worker: int, cell: int) -> int:
        return 1 + worker * _CELLS + cell
