"""The prediction log: the lines of all answers, written in the background.

A line is in memory before its request is answered, and in a file within `flush_seconds`. Written lines survive the
process (`kill -9`) but not the machine, because they are not flushed to the disk.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from .log_files import LogFiles
from .log_lines import LogEntry, encode, encode_row, lines

MOST = 16_000_000  # bytes of lines that may wait
MOST_OF_LARGE = MOST // 2  # bytes, beyond which requests of many rows wait, so that there is room for single rows
SOON = 1_000_000  # waiting bytes from which on they are written before the interval ends
BATCH = 1_000_000  # bytes that are written at once
CHUNK = 500  # lines that are encoded at once; this holds up other requests for about a millisecond
CROWD = 64  # requests that may wait for room
STALLED = 5.0  # seconds of one write, from which on the disk counts as failing
LOOK = 0.005  # seconds between two looks for room

# why a line is not in the log
DISK, FAULT, END = "disk", "fault", "end"
REASONS = (DISK, FAULT, END)

_log = logging.getLogger(__name__)


class PredictionLog:
    """Writes entries within `flush_seconds`; see `LogFiles` for where.

    What waits is bounded by bytes. On a disk that works, whoever adds an entry waits for room, so no line is lost. If
    the disk is full, or the folder missing or read-only, lines wait; when too many wait, the newest are dropped and
    counted. Each interval it tries again and resumes where it stopped, with no line torn or written twice.

    `written` and `dropped` (by reason) count lines, one for each row. `failure` says why nothing can be written at the
    moment.
    """

    def __init__(
        self, folder: Path, worker: int, flush_seconds: float, file_mb: float, files: int, service: str = "service"
    ) -> None:
        self.written = 0
        self.dropped = dict.fromkeys(REASONS, 0)
        self._waiting: deque[tuple[bytes, int]] = deque()  # lines, and their number
        self._lines = self._bytes = 0  # waiting or being written
        self._crowd = 0  # requests that wait for room
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ends = False
        self._unwritten, self._unwritten_lines = b"", 0
        self._writes_since: float | None = None
        self._fault: str | None = None
        self._files = LogFiles(folder, worker, int(file_mb * 1e6), files, service)
        for name in self._files.torn:
            _log.warning("%s: a killed process left a torn line in the prediction log; it counts as lost", name)
        self._batch = min(BATCH, int(file_mb * 1e6))
        # the other half of the interval is for writing
        self._pause = flush_seconds / 2
        self._thread = threading.Thread(target=self._run, name="prediction log", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str | None:
        """Why nothing can be written, or None."""
        since = self._writes_since
        if since is not None and time.monotonic() - since > STALLED:
            return f"{self._files.path}: a write has not ended for {time.monotonic() - since:.0f} s"
        return self._fault or self._files.failure

    @property
    def waiting(self) -> int:
        """The number of lines that are not written yet."""
        return self._lines

    @property
    def waiting_bytes(self) -> int:
        """Their size."""
        return self._bytes

    @property
    def removed(self) -> int:
        """The number of written lines whose file was removed to make room for others."""
        return self._files.removed

    @property
    def is_crowded(self) -> bool:
        """Whether so many requests wait for room that another one should be refused."""
        return self._crowd >= CROWD

    def offer(self, entry: LogEntry) -> bool:
        """Add an entry of few rows if there is room for it now; return whether there was."""
        if len(entry.scores) == 1:
            try:
                text = encode_row(entry)
            except Exception:  # reported by `put`
                return False
            return text is not None and self._add(text, 1, MOST)
        if len(entry.scores) > CHUNK:
            return False
        return all(self._add(text, count, MOST) for text, count in self._pieces(entry))

    async def put(self, entry: LogEntry) -> None:
        """Add an entry, in pieces between which other requests are answered; wait for room."""
        limit = self._limit(entry)
        for text, count in self._pieces(entry):
            if not self._add(text, count, limit):
                self._crowd += 1
                try:
                    while not self._add(text, count, limit):
                        await asyncio.sleep(LOOK)
                finally:
                    self._crowd -= 1
            await asyncio.sleep(0)

    def write(self, entry: LogEntry) -> None:
        """Add an entry, in a thread that may wait for room."""
        limit = self._limit(entry)
        for text, count in self._pieces(entry):
            while not self._add(text, count, limit):
                time.sleep(LOOK)

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits, for at most `timeout` seconds, and stop. What cannot be written counts as dropped."""
        with self._lock:
            self._ends = True
        self._wake.set()
        self._thread.join(timeout)

    @staticmethod
    def _limit(entry: LogEntry) -> int:
        return MOST if len(entry.scores) <= CHUNK else MOST_OF_LARGE

    def _add(self, text: bytes, count: int, limit: int) -> bool:
        """Add lines, or count them as dropped where waiting would not help; return False if they have to wait."""
        with self._lock:
            if self._ends:
                self.dropped[END] += count
            elif not self._bytes or self._bytes + len(text) <= limit:
                self._waiting.append((text, count))
                self._lines += count
                self._bytes += len(text)
            elif self.failure is not None:
                self.dropped[FAULT if self._fault else DISK] += count
            else:
                self._wake.set()
                return False
        if self._bytes >= SOON:
            self._wake.set()
        return True

    def _pieces(self, entry: LogEntry) -> Iterator[tuple[bytes, int]]:
        """The lines of an entry in pieces: bytes, and the number of lines. What cannot be encoded is counted."""
        encoded = 0
        try:
            remaining = lines(entry)
            while batch := list(islice(remaining, CHUNK)):
                text, lost = encode(batch)
                encoded += len(batch) - lost
                if text:
                    yield text, len(batch) - lost
        except Exception:
            _log.exception("the prediction log: an entry cannot be written")
        if lost := len(entry.scores) - encoded:
            with self._lock:
                self.dropped[FAULT] += lost

    def _run(self) -> None:
        failed = False
        while True:
            self._wake.wait(self._pause)
            self._wake.clear()
            ends = self._ends
            try:
                written = self._flush()
                self._files.tidy()
                self._fault = None
            except Exception as error:  # a bug must not stop the log, nor the requests that wait for room
                if self._fault is None:
                    _log.exception("the prediction log: a fault while writing")
                self._fault = f"a fault of the service: {error!r}"
                written = False
            if written == failed:
                failed = not written
                if failed:
                    _log.error("the prediction log cannot be written, and tries again: %s", self.failure)
                else:
                    _log.warning("the prediction log is written again; %d lines were dropped", self.dropped[DISK])
            if ends:
                break
        with self._lock:
            self.dropped[END] += self._lines
            self._lines = self._bytes = 0
        self._files.close()

    def _flush(self) -> bool:
        """Write all waiting lines; return whether this succeeded."""
        while True:
            if not self._unwritten:
                self._unwritten, self._unwritten_lines = self._next()
                if not self._unwritten:
                    return True
            self._writes_since = time.monotonic()
            try:
                done = self._files.append(self._unwritten, self._unwritten_lines)
            finally:
                self._writes_since = None
            written = self._unwritten_lines if done == len(self._unwritten) else self._unwritten.count(b"\n", 0, done)
            with self._lock:
                self.written += written
                self._lines -= written
                self._bytes -= done
            self._unwritten, self._unwritten_lines = self._unwritten[done:], self._unwritten_lines - written
            if self._unwritten:
                return False

    def _next(self) -> tuple[bytes, int]:
        """The lines to write next, and their number."""
        texts: list[bytes] = []
        size = number = 0
        while self._waiting and size < self._batch:
            text, count = self._waiting.popleft()
            texts.append(text)
            size += len(text)
            number += count
        return b"".join(texts), number
