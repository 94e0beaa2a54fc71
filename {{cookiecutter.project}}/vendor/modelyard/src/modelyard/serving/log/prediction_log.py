"""The prediction log: answers, written in the background so that no request waits for it.

Written lines survive the process (`kill -9`) but not the machine, because they are not flushed to the disk.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from .log_files import LogFiles
from .log_lines import LogEntry, encode, encode_row, lines

MANY = 5_000  # from this many waiting lines on, they are written before the interval ends
MOST = 50_000  # waiting lines; further ones are dropped
CHUNK = 500  # lines of a batch are encoded at once; this holds up requests for about a millisecond

_log = logging.getLogger(__name__)


class PredictionLog:
    """Writes entries within `flush_seconds`; see `LogFiles` for where.

    If the disk is full, or the folder missing or read-only, entries wait; when too many wait, the newest are dropped
    and counted. Each interval it tries again and resumes where it stopped, with no line torn or written twice.

    `written` and `dropped` count lines, one for each row. `failure` says why nothing can be written at the moment.
    """

    def __init__(
        self, folder: Path, worker: int, flush_seconds: float, file_mb: float, files: int, service: str = "service"
    ) -> None:
        self.written = self.dropped = 0
        self._waiting: deque[LogEntry | bytes] = deque()
        self._lines = 0  # waiting or being written
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ends = False
        self._stream = self._encoded()
        self._unwritten = b""  # encoded, not yet written
        self._unwritten_lines = 0
        self._files = LogFiles(folder, worker, int(file_mb * 1e6), files, service)
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
        """The number of lines that are not written yet."""
        return self._lines

    def write(self, entry: LogEntry) -> None:
        """Queue an entry, which must not be changed afterwards; this takes microseconds and never raises.

        A single row is encoded immediately: encoding many of them later would hold up all requests of that moment.
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
        """Write what waits, for at most `timeout` seconds, and stop. What cannot be written counts as dropped."""
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
                self._files.tidy()
            except Exception:  # a bug must not stop the log
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
        """Write all waiting lines; return whether this succeeded."""
        while True:
            if not self._unwritten:
                self._unwritten, self._unwritten_lines = next(self._stream, (b"", 0))
                if not self._unwritten:  # the generator is exhausted and would not see later entries
                    self._stream = self._encoded()
                    return True
            done = self._files.append(self._unwritten)
            written = self._unwritten_lines if done == len(self._unwritten) else self._unwritten.count(b"\n", 0, done)
            self._count(written=written)
            self._unwritten, self._unwritten_lines = self._unwritten[done:], self._unwritten_lines - written
            if self._unwritten:
                return False

    def _encoded(self) -> Iterator[tuple[bytes, int]]:
        """All waiting entries, in pieces: the bytes of one or more lines, and their number."""
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

    def _batch(self, entry: LogEntry) -> Iterator[tuple[bytes, int]]:
        encoded = 0
        try:
            remaining = lines(entry)
            while batch := list(islice(remaining, CHUNK)):
                encoded += len(batch)
                text, lost = encode(batch)
                self._count(dropped=lost)
                if text:
                    yield text, len(batch) - lost
        except Exception:
            _log.exception("the prediction log: an entry cannot be written")
        if encoded < len(entry.scores):
            self._count(dropped=len(entry.scores) - encoded)

    def _line(self, entry: LogEntry) -> bytes | LogEntry:
        """The line of an entry of one row; if it cannot be encoded, the entry itself, which `_batch` then reports."""
        try:
            return encode_row(entry) or entry
        except Exception:
            return entry

    def _count(self, written: int = 0, dropped: int = 0) -> None:
        with self._lock:
            self.written += written
            self.dropped += dropped
            self._lines -= written + dropped
