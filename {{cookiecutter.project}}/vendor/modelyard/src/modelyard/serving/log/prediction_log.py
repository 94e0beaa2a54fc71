"""The prediction log: what was answered, written in the background, never in a request's way.

It outlives the process (`kill -9`), not the machine: a line is in the operating system's hands when it is written.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from .log_files import LogFiles
from .log_lines import Entry, encode, encode_one, lines

MANY = 5_000  # waiting lines do not wait for the interval to end
MOST = 50_000  # waiting lines; what comes then is dropped
CHUNK = 500  # lines of a batch are encoded at once, which takes about a millisecond in which no request is answered

_log = logging.getLogger(__name__)


class PredictionLog:
    """Writes entries within `flush_seconds`; see `LogFiles` for where.

    Where the disk is full, or the folder gone or read-only, entries wait, and when too many do, the newest are dropped
    and counted. It tries again at each interval and goes on where it was, without a line torn or written twice.

    `written` and `dropped` count lines, of which an entry has one a row. `failure` says why nothing can be written now.
    """

    def __init__(self, folder: Path, worker: int, flush_seconds: float, file_mb: float, files: int) -> None:
        self.written = self.dropped = 0
        self._waiting: deque[Entry | bytes] = deque()
        self._lines = 0  # that wait, or are being written
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ends = False
        self._stream = self._encoded()
        self._rest = b""  # encoded and not written
        self._rest_lines = 0
        self._files = LogFiles(folder, worker, int(file_mb * 1e6), files)
        # the other half of the interval is for encoding and writing
        self._pause = flush_seconds / 2
        self._thread = threading.Thread(target=self._run, name="prediction log", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str | None:
        """Why nothing can be written, or None."""
        return self._files.failure

    @property
    def waiting(self) -> int:
        """How many lines are not written yet."""
        return self._lines

    def write(self, entry: Entry) -> None:
        """Take an entry, which is not to change from now on; this costs microseconds and never raises.

        A single row is encoded at once: many of them, encoded later, would keep all requests of that moment waiting.
        """
        count = len(entry.scores)
        waiting = entry if count != 1 else self._line(entry)
        with self._lock:
            if self._ends or (self._lines and self._lines + count > MOST):
                self.dropped += count
                return
            self._lines += count
            self._waiting.append(waiting)
        if self._lines >= MANY:
            self._wake.set()

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits, for so many seconds at most, and end. What cannot be written counts as dropped."""
        with self._lock:
            self._ends = True
        self._wake.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        failed = False
        while True:
            self._wake.wait(self._pause)
            self._wake.clear()
            ends = self._ends
            try:
                written = self._flush()
            except Exception:  # a fault of ours must not end the log
                _log.exception("the prediction log: a fault while writing")
                written = False
            if written == failed:
                failed = not written
                if failed:
                    _log.error("the prediction log cannot be written, and tries again: %s", self.failure)
                else:
                    _log.warning("the prediction log is written again; %d lines were dropped", self.dropped)
            if ends:
                break
        with self._lock:
            self.dropped += self._lines
            self._lines = 0
        self._files.close()

    def _flush(self) -> bool:
        """Write all that waits; whether that could be done."""
        while True:
            if not self._rest:
                self._rest, self._rest_lines = next(self._stream, (b"", 0))
                if not self._rest:  # it has come to its end, and would not see what comes later
                    self._stream = self._encoded()
                    return True
            done = self._files.append(self._rest)
            written = self._rest_lines if done == len(self._rest) else self._rest.count(b"\n", 0, done)
            self._count(written=written)
            self._rest, self._rest_lines = self._rest[done:], self._rest_lines - written
            if self._rest:
                return False

    def _encoded(self) -> Iterator[tuple[bytes, int]]:
        """All that waits, in pieces: the bytes of some lines, which are at least one, and how many they are."""
        single: list[bytes] = []
        while self._waiting:
            waiting = self._waiting.popleft()
            if isinstance(waiting, bytes):
                single.append(waiting)
            if single and (len(single) == CHUNK or not isinstance(waiting, bytes)):
                yield b"".join(single), len(single)
                single = []
            if not isinstance(waiting, bytes):
                yield from self._batch(waiting)
        if single:
            yield b"".join(single), len(single)

    def _batch(self, entry: Entry) -> Iterator[tuple[bytes, int]]:
        given = 0
        try:
            every = lines(entry)
            while some := list(islice(every, CHUNK)):
                given += len(some)
                text, lost = encode(some)
                self._count(dropped=lost)
                if text:
                    yield text, len(some) - lost
        except Exception:
            _log.exception("the prediction log: an entry cannot be written")
        if given < len(entry.scores):
            self._count(dropped=len(entry.scores) - given)

    def _line(self, entry: Entry) -> bytes | Entry:
        """The line of an entry of one row; where it cannot be written, the entry, of which that is said later."""
        try:
            return encode_one(entry) or entry
        except Exception:
            return entry

    def _count(self, written: int = 0, dropped: int = 0) -> None:
        with self._lock:
            self.written += written
            self.dropped += dropped
            self._lines -= written + dropped
