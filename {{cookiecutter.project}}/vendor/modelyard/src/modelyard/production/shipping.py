"""Moves the log files of a folder to the store: closed and compressed ones, each removed when it is stored.

The name of a file in the store has the hash of its content, so a file that is shipped again after a crash replaces
itself, and no other is ever replaced.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..runtime.hashing import sha256
from ..serving.log.compressor import compress
from ..serving.log.log_folder import LogFile, allotment, files_in, lock, repair
from ..serving.log.shipping_note import NAME, read_note
from .layout import RAW
from .store import Store, StoreError

TRIES = 3  # files of one pass that may fail; then the store counts as away


@dataclass
class Shipped:
    """What a shipper has done since its start. lost_lines: of files that were removed before they were shipped."""

    files: int = 0
    lines: int = 0
    bytes: int = 0
    failures: int = 0
    lost_lines: int = 0


@dataclass(frozen=True)
class Waiting:
    """What waits in a folder. bytes: of all files; allotment: how many those may take. oldest: its time of closing."""

    files: int
    bytes: int
    allotment: int
    oldest: float | None


class Shipper:
    """Ships the files of one folder. Only one process does so at a time, by the lock of a file in it.

    host: what the folder in the store begins with; a random part follows, which stays with the log folder.
    close_seconds: how long a file may be written before the service closes it, and idle before this closes it.
    """

    def __init__(
        self, folder: Path, store: Store, host: str, close_seconds: float, say: Callable[[str], None] = print
    ) -> None:
        self._folder, self._store, self._host, self._close_seconds, self._say = folder, store, host, close_seconds, say
        self._note = -1
        self._service = ""
        self._known: dict[str, int] = {}  # lines of the files that waited at the last look
        self._said = ""
        self.shipped = Shipped()

    def ship(self, is_end: bool = False) -> bool:
        """Ship what is closed; return whether all of it was. is_end: close what nobody writes, however new it is."""
        if not self._folder.is_dir():
            return self._fail(f"{self._folder}: there is no such folder; a service makes it with its first line", False)
        if not self._take_folder():
            return False
        try:
            all_closed = self._close_idle(0.0 if is_end else self._close_seconds)
            waiting = self._look()
        except OSError as error:
            return self._fail(f"{self._folder}: {error.strerror}")
        failed = 0
        for one in waiting:
            try:
                self._move(one)
            except FileNotFoundError:  # removed by the service to make room, and counted with the next look
                continue
            except (StoreError, OSError) as error:
                failed += 1
                self._fail(str(error))
                if failed == TRIES:
                    break
        is_done = all_closed and not failed
        if waiting and is_done and self._said:
            self._tell("")
        return is_done

    def close(self) -> None:
        """Leave the folder to another shipper."""
        if self._note >= 0:
            os.close(self._note)
            self._note = -1

    @property
    def is_written(self) -> bool:
        """Whether a service holds a file of the folder open, or lines wait that are not closed."""
        for one in self._files():
            with contextlib.suppress(FileNotFoundError):
                if one.lines is None and (self._folder / one.name).stat().st_size:
                    return True
        return False

    def waiting(self) -> Waiting:
        """What waits at the moment; all zero where there is no folder."""
        sizes, times = [], []
        for one in self._files():
            with contextlib.suppress(FileNotFoundError):
                status = (self._folder / one.name).stat()
                sizes.append(status.st_size)
                if one.lines is not None:
                    times.append(status.st_mtime)
        most = 0
        with contextlib.suppress(OSError):
            most = allotment(self._folder)
        return Waiting(len(times), sum(sizes), most, min(times, default=None))

    def _files(self) -> list[LogFile]:
        with contextlib.suppress(FileNotFoundError):
            return files_in(self._folder)
        return []

    def _take_folder(self) -> bool:
        """Hold the note's lock, and show the services that a shipper is at work."""
        path = self._folder / NAME
        try:
            if self._note < 0:
                note = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(note)
                    return self._fail(
                        f"{self._folder}: another shipper is at work here, and there can be one only", False
                    )
                self._note = note
                self._service = str(read_note(path).get("service") or f"{_part(self._host)}-{secrets.token_hex(4)}")
                text = json.dumps({"service": self._service, "close_seconds": self._close_seconds}).encode()
                os.pwrite(note, text, 0)
                os.ftruncate(note, len(text))
            os.utime(path)
        except OSError as error:
            return self._fail(f"{path}: {error.strerror}")
        return True

    def _close_idle(self, seconds: float) -> bool:
        """Compress files that nobody writes any more, and has not written for so long; whether all of them could be."""
        is_done = True
        for one in files_in(self._folder):
            path = self._folder / one.name
            try:
                status = path.stat()
                if one.lines is None and status.st_size and time.time() - status.st_mtime >= seconds:
                    self._close_file(path)
            except (BlockingIOError, FileNotFoundError):  # it is written, or compressed already
                continue
            except OSError as error:  # on a full disk, what is closed is shipped all the same, and makes room
                is_done = self._fail(f"{path}: {error.strerror}")
        return is_done

    def _close_file(self, path: Path) -> None:
        if (handle := lock(path)) is None:
            return
        try:
            if repair(handle):
                self._say(f"{path.name}: its last line is torn, as of a service that was killed; it is stored as torn")
        finally:
            os.close(handle)
        compress(str(path))

    def _look(self) -> list[LogFile]:
        """The files to ship, the oldest first. Counts the lines of those that have gone since the last look."""
        waiting = {one.name: one for one in files_in(self._folder) if one.lines is not None}
        for name, lines in self._known.items():
            if name not in waiting and lines:
                self.shipped.lost_lines += lines
                self._say(f"{name} with {lines} lines was removed before it could be shipped")
        self._known = {name: one.lines or 0 for name, one in waiting.items()}
        times = {}
        for name in waiting:
            with contextlib.suppress(FileNotFoundError):
                times[name] = (self._folder / name).stat().st_mtime
        return [waiting[name] for name in sorted(times, key=lambda name: (times[name], name))]

    def _move(self, one: LogFile) -> None:
        """Store a file, and remove it here."""
        path = self._folder / one.name
        size = path.stat().st_size
        name = f"{RAW}/{self._service}/{one.stem}-{sha256(path)[:16]}.{one.lines}.jsonl.gz"
        self._store.put(path, name)
        if (stored := self._store.size(name)) != size:
            raise StoreError(f"store {self._store.shown}: {name} has {stored} bytes, and {size} were sent")
        path.unlink()
        del self._known[one.name]
        self.shipped.files += 1
        self.shipped.lines += one.lines or 0
        self.shipped.bytes += size

    def _fail(self, words: str, counts: bool = True) -> bool:
        self.shipped.failures += counts
        if words != self._said:  # the same again is counted only
            self._tell(words)
        return False

    def _tell(self, words: str) -> None:
        self._said = words
        self._say(words or f"{self._folder}: shipped again")


def totals(shippers: list[Shipper]) -> Iterator[tuple[str, str, str, float]]:
    """The metrics of shippers: name, kind, description, value."""
    waiting = [shipper.waiting() for shipper in shippers]
    oldest = [one.oldest for one in waiting if one.oldest is not None]
    for name, text in {
        "files": "Log files that were stored",
        "lines": "Lines in log files that were stored",
        "bytes": "Size of the log files that were stored",
        "failures": "Attempts to ship that failed",
        "lost_lines": "Lines in log files that were removed to make room before they could be stored",
    }.items():
        yield f"{name}_total", "counter", text, sum(getattr(shipper.shipped, name) for shipper in shippers)
    yield "waiting_files", "gauge", "Log files that wait to be stored", sum(one.files for one in waiting)
    yield "waiting_bytes", "gauge", "Size of what is not stored yet", sum(one.bytes for one in waiting)
    yield (
        "allotment_bytes",
        "gauge",
        "Size at which the oldest log files are removed",
        sum(one.allotment for one in waiting),
    )
    yield (
        "oldest_seconds",
        "gauge",
        "How long the oldest log file has waited",
        time.time() - min(oldest) if oldest else 0.0,
    )


def _part(host: str) -> str:
    """A host as a part of a name in the store."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", host).strip(".-")[:100] or "host"
