"""The files of the prediction log of one worker: complete lines only, rotated, compressed and limited by size."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import time
from pathlib import Path

from .compression import Compression, remove_parts
from .log_folder import LogFile, Writer, count_lines, files_in, is_at, lock, lock_path, repair, repair_all
from .shipping_note import ShippingNote


class LogFiles:
    """The files of one worker: the newest is written, the others are compressed, and the oldest are removed.

    A file holds at most `file_bytes` of lines (a longer run of lines makes one of its own), and all take at most
    `files` times as much on the disk. While a shipper is at work, a file is closed after some time too.

    Several services may write into one folder. Files carry the name of their service, and of services with one name
    each takes a slot of its own, which it holds by the lock of a file. So no service writes to another's files or
    removes one. After a restart a service resumes its slot.

    `failure` says why nothing can be written, or is None. `removed` counts the lines in files that were removed.
    `torn` names the files in which a process that was killed had left an incomplete line.
    """

    def __init__(self, folder: Path, worker: int, file_bytes: int, files: int, service: str = "service") -> None:
        self._folder, self._worker, self._service = folder, worker, service
        self._file_bytes, self._most = file_bytes, file_bytes * files
        self._writer: Writer | None = None
        self._slot_lock = -1
        self._handle: int | None = None
        self.path = folder
        self._end = 0  # of the last whole line
        self._torn = False
        self._number = self._closed = 0  # of the current file, and of the last one that was closed by time
        self._opened = 0.0
        self._note = ShippingNote(folder)
        self._compression = Compression(folder)
        self._counts: dict[str, int] = {}  # the lines in each file that was written from its beginning
        self.failure: str | None = None
        self.removed = 0
        self.torn: list[str] = []
        with contextlib.suppress(OSError):  # reported at the first write
            self.torn = repair_all(folder)

    def append(self, lines: bytes, count: int | None = None) -> int:
        """Write lines; return the number of bytes written, always complete lines. If not all: see `failure`.

        count: the number of lines, where it is known.
        """
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
            self.failure = f"{self.path}: {error.strerror}"
            done = lines.rfind(b"\n", 0, done) + 1
            self._count(lines, done)
            self._end += done
            with contextlib.suppress(OSError):  # else before the next write
                self._mend()
            return done
        self._count(lines, done, count)
        self._end += done
        return done

    def tidy(self) -> None:
        """Compress the files that are no longer written, in the background; to be called now and then."""
        if self._writer is not None and self.failure is None:
            self._close_by_time()
            with contextlib.suppress(OSError):  # they stay as they are
                self._compression.go_on(self._writer, self.path)

    def close(self) -> None:
        """Close the current file, and leave the slot."""
        self._compression.close()
        self._close_file()
        if self._writer is not None:
            with contextlib.suppress(OSError):
                remove_parts(self._folder, self._writer)
            os.close(self._slot_lock)
            self._writer = None

    def _ready(self, size: int) -> int:
        """Open the newest file, without a torn line and with room for `size` bytes."""
        if self._handle is not None and not is_at(self._handle, self.path):
            self._close_file()  # the file or the folder was removed; further writes to it would be lost
            self._torn = False
        self._mend()
        if self._handle is not None:
            self._end = os.fstat(self._handle).st_size
        if self._handle is not None and self._end and self._end + size > self._file_bytes:
            self._close_file()
        if self._handle is None:
            self._handle, self.path, self._number = self._open(size)
            self._end = os.fstat(self._handle).st_size
            self._opened = time.monotonic()
        return self._handle

    def _close_by_time(self) -> None:
        seconds = self._note.close_seconds()
        if seconds is None or self._handle is None or not self._end or self._torn:
            return
        if time.monotonic() - self._opened > seconds:
            self._close_file()
            self._closed, self.path = self._number, self._folder
            self._compression.look()

    def _mend(self) -> None:
        """Truncate the incomplete line that a failed write has left."""
        if self._torn and self._handle is not None:
            os.ftruncate(self._handle, min(self._end, os.fstat(self._handle).st_size))
            self._torn = False

    def _open(self, size: int) -> tuple[int, Path, int]:
        self.path = self._folder
        self._folder.mkdir(parents=True, exist_ok=True)
        writer = self._take_slot()
        files = files_in(self._folder, writer)
        self._compression.look()
        last = files[-1].number if files else 0
        if files and files[-1].lines is None and last > self._closed:
            path = self._folder / files[-1].name
            handle = None
            with contextlib.suppress(FileNotFoundError):  # the shipper has compressed it meanwhile
                handle = lock(path)
            if handle is not None:
                if is_at(handle, path):
                    repair(handle)
                    used = os.fstat(handle).st_size
                    if used == 0 or used + size <= self._file_bytes:
                        return handle, path, last
                os.close(handle)
        number = max(last, self._closed) + 1
        path = self._folder / LogFile(writer, number).name
        created = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o640)
        fcntl.flock(created, fcntl.LOCK_EX)
        self._make_room(files)
        return created, path, number

    def _take_slot(self) -> Writer:
        """Hold a slot that no other process holds."""
        if self._writer is not None:
            if is_at(self._slot_lock, lock_path(self._folder, self._writer)):
                return self._writer
            os.close(self._slot_lock)
            self._writer = None
        for slot in itertools.count():
            writer = Writer(self._service, slot, self._worker)
            path = lock_path(self._folder, writer)
            try:
                handle = lock(path, os.O_CREAT)
            except PermissionError:
                if not path.exists():
                    raise
                continue  # it is another user's
            if handle is not None:
                self._writer, self._slot_lock = writer, handle
                with contextlib.suppress(OSError):  # the disk is full
                    os.ftruncate(handle, 0)
                    os.write(handle, b"%d\n" % self._most)  # for the shipper to tell
                remove_parts(self._folder, writer)
                return writer
        raise AssertionError

    def _make_room(self, files: list[LogFile]) -> None:
        """Remove the oldest of these files, until the new one has room beside them."""
        sizes = []
        for one in files:
            try:
                sizes.append((one, (self._folder / one.name).stat().st_size))
            except FileNotFoundError:  # it is compressed now, or someone removed it
                continue
        total = sum(size for _, size in sizes)
        self._counts = {one.name: self._counts[one.name] for one in files if one.name in self._counts}
        for one, size in sizes:
            if total + self._file_bytes <= self._most:
                return
            with contextlib.suppress(FileNotFoundError):
                lines = self._counts.pop(one.name, None)
                lines = count_lines(self._folder, one) if lines is None else lines
                (self._folder / one.name).unlink()
                self.removed += lines
            total -= size

    def _count(self, lines: bytes, done: int, count: int | None = None) -> None:
        """Keep count of the lines in a file that is new: reading all of it to remove it would take long."""
        name = self.path.name
        if not self._end:
            self._counts[name] = 0
        if name in self._counts:
            self._counts[name] += lines.count(b"\n", 0, done) if count is None else count

    def _close_file(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
