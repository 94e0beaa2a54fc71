"""Compresses the files of the prediction log, one after the other, in a process beside the worker."""

from __future__ import annotations

import contextlib
import inspect
import os
import subprocess
import sys
import time
from pathlib import Path

from . import compressor
from .log_folder import Writer, files_in

AGAIN = 60.0  # seconds until a file is compressed that could not be


class Compression:
    """Compresses the files of one writer that are no longer written. `look` says that there may be one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._due = 0.0  # when to look for a file by the clock of `monotonic`

    def look(self) -> None:
        """Look for files with the next `go_on`."""
        self._due = 0.0

    def go_on(self, writer: Writer, current: Path) -> None:
        """Start a process if none runs and a file other than the current one is plain. Raises OSError."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._process = None
            self._due = time.monotonic() + AGAIN if status else 0.0
        if time.monotonic() < self._due:
            return
        files = files_in(self._folder, writer)
        compressed = {one.number for one in files if one.lines is not None}
        for one in files:
            path = self._folder / one.name
            if one.lines is None and path != current:
                if one.number not in compressed:
                    self._due = time.monotonic() + AGAIN
                    self._process = _start(path)
                    return
                path.unlink()  # the process was ended before it could
        self._due = float("inf")

    def close(self) -> None:
        """End the process; what it has not compressed stays as it is."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


def remove_parts(folder: Path, writer: Writer) -> None:
    """Remove what a process has left that was ended while it compressed a file."""
    for path in folder.glob(f"{writer.stem}-*{compressor.PART}"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _start(path: Path) -> subprocess.Popen[bytes]:
    """A process that compresses a file; -I and -S, because it needs nothing but the standard library."""
    command = [sys.executable, "-I", "-S", "-c", inspect.getsource(compressor), os.fspath(path)]
    null = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=null, stdout=null, stderr=null)  # noqa: S603
