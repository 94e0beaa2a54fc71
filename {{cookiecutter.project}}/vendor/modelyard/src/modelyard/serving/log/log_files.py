"""The files of the prediction log: complete lines only, rotated by size, limited in number."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from pathlib import Path

NAME = re.compile(r"predictions-(\d+)-(\d+)\.jsonl")
TAIL = 65_536  # bytes


class LogFiles:
    """The files `predictions-<worker>-<n>.jsonl` of one worker: the newest is written, and the oldest are removed.

    A file holds at most `file_bytes` (a longer run of lines makes one of its own), a worker at most `files` of them.
    The newest is locked, so that another process with the same number, such as a predecessor that is still ending, uses
    another file.

    `failure` says why nothing can be written, or is None.
    """

    def __init__(self, folder: Path, worker: int, file_bytes: int, files: int) -> None:
        self._folder, self._worker = folder, worker
        self._file_bytes, self._files = file_bytes, files
        self._handle: int | None = None
        self._path = folder
        self._end = 0  # of the last whole line
        self._torn = False
        self.failure: str | None = None
        with contextlib.suppress(OSError):  # reported at the first write
            repair_all(folder)

    def append(self, lines: bytes) -> int:
        """Write lines; return the number of bytes written, always complete lines. If not all: see `failure`."""
        done = 0
        try:
            handle = self._ready(len(lines))
            self._torn = True
            view = memoryview(lines)
            while done < len(lines):
                done += os.write(handle, view[done:])
            self._torn = False
            self.failure = None
        except OSError as error:
            self.failure = f"{self._path}: {error.strerror}"
            done = lines.rfind(b"\n", 0, done) + 1
            self._end += done
            with contextlib.suppress(OSError):  # else before the next write
                self._mend()
            return done
        self._end += done
        return done

    def close(self) -> None:
        """Close the current file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _ready(self, size: int) -> int:
        """Open the newest file, without a torn line and with room for `size` bytes."""
        if self._handle is not None and not _is_at(self._handle, self._path):
            self.close()  # the file or the folder was removed; further writes to it would be lost
            self._torn = False
        self._mend()
        if self._handle is not None:
            self._end = os.fstat(self._handle).st_size
        if self._handle is not None and self._end and self._end + size > self._file_bytes:
            self.close()
        if self._handle is None:
            self._handle, self._path = self._open(size)
            self._end = os.fstat(self._handle).st_size
            self._prune()
        return self._handle

    def _mend(self) -> None:
        """Truncate the incomplete line that a failed write has left."""
        if self._torn and self._handle is not None:
            os.ftruncate(self._handle, min(self._end, os.fstat(self._handle).st_size))
            self._torn = False

    def _open(self, size: int) -> tuple[int, Path]:
        self._path = self._folder
        self._folder.mkdir(parents=True, exist_ok=True)
        numbers = self._numbers()
        number = numbers[-1] if numbers else 0
        if numbers:
            path = self._named(number)
            handle = _lock(path)
            if handle is not None:
                _repair(handle)
                used = os.fstat(handle).st_size
                if used == 0 or used + size <= self._file_bytes:
                    return handle, path
                os.close(handle)
        while True:
            number += 1
            path = self._named(number)
            try:
                handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o640)
            except FileExistsError:
                continue
            fcntl.flock(handle, fcntl.LOCK_EX)
            return handle, path

    def _prune(self) -> None:
        for number in self._numbers()[: -self._files]:
            with contextlib.suppress(FileNotFoundError):
                self._named(number).unlink()

    def _numbers(self) -> list[int]:
        matches = (NAME.fullmatch(name) for name in os.listdir(self._folder))
        return sorted(int(match[2]) for match in matches if match and int(match[1]) == self._worker)

    def _named(self, number: int) -> Path:
        return self._folder / f"predictions-{self._worker}-{number:06}.jsonl"


def repair_all(folder: Path) -> None:
    """Truncate the incomplete line that a killed process has left, in each file without a writer. Raises OSError."""
    for name in os.listdir(folder):
        if NAME.fullmatch(name) and (handle := _lock(folder / name)) is not None:
            try:
                _repair(handle)
            finally:
                os.close(handle)


def _lock(path: Path) -> int | None:
    """Open and lock the file; None if another process holds the lock."""
    handle = os.open(path, os.O_RDWR | os.O_APPEND)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _repair(handle: int) -> None:
    end = os.fstat(handle).st_size
    start = end
    while start:
        start = max(0, start - TAIL)
        tail = os.pread(handle, TAIL, start)
        if (place := tail.rfind(b"\n", 0, end - start)) >= 0:
            start += place + 1
            break
    if start < end:
        os.ftruncate(handle, start)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
