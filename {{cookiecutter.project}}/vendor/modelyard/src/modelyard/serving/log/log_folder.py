"""The folder of the prediction log: the names of its files, their locks, and all their lines."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
import re
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple

NAME = re.compile(r"predictions-([a-z0-9]+)-(\d+)-(\d+)-(\d+)(?:\.(\d+)\.jsonl\.gz|\.jsonl)")
BLOCK = 1_000_000  # bytes


class Writer(NamedTuple):
    """Who writes a file: a service, by its slot in the folder, and the number of its worker."""

    service: str
    slot: int
    worker: int

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return f"predictions-{self.service}-{self.slot}-{self.worker}"


class LogFile(NamedTuple):
    """A file of the log. lines: how many it has, which only a compressed file's name tells."""

    writer: Writer
    number: int
    lines: int | None = None

    @property
    def stem(self) -> str:
        """The name without what tells a compressed file from a plain one."""
        return f"{self.writer.stem}-{self.number:06}"

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.stem}.jsonl" if self.lines is None else f"{self.stem}.{self.lines}.jsonl.gz"


def files_in(folder: Path, writer: Writer | None = None) -> list[LogFile]:
    """The files of one writer or of all, by writer in the order in which they were written.

    A file that was being compressed when the machine stopped may be there twice; then the compressed one comes first.
    """
    matches = filter(None, map(NAME.fullmatch, os.listdir(folder)))
    files = [
        LogFile(Writer(match[1], int(match[2]), int(match[3])), int(match[4]), int(match[5]) if match[5] else None)
        for match in matches
    ]
    return sorted(
        (one for one in files if writer in (None, one.writer)),
        key=lambda one: (one.writer, one.number, one.lines is None),
    )


def read_lines(folder: Path) -> Iterator[bytes]:
    """All whole lines of the log, of plain and of compressed files, without their newlines.

    Files may be written, compressed and removed meanwhile. Raises OSError if the folder or a file cannot be read.
    """
    seen: set[str] = set()
    for one in files_in(folder):
        if one.stem in seen:
            continue
        seen.add(one.stem)
        opened = _opened(folder, one)
        if opened is not None:
            with opened:
                yield from (line[:-1] for line in opened if line.endswith(b"\n"))


def _opened(folder: Path, one: LogFile) -> BufferedIOBase | None:
    """A file, decompressed; None if it was removed to make room."""
    try:
        return (folder / one.name).open("rb") if one.lines is None else gzip.open(folder / one.name)
    except FileNotFoundError:
        compressed = list(folder.glob(f"{one.stem}.*.jsonl.gz"))  # since it was listed
        return gzip.open(compressed[0]) if compressed else None


def count_lines(folder: Path, one: LogFile) -> int:
    """The number of lines in a file; a plain file is read for it."""
    if one.lines is not None:
        return one.lines
    with (folder / one.name).open("rb") as opened:
        return sum(block.count(b"\n") for block in iter(lambda: opened.read(BLOCK), b""))


def lock_path(folder: Path, writer: Writer) -> Path:
    """The file by whose lock a writer holds its slot; it says how many bytes the writer's files may take."""
    return folder / f".{writer.stem}.lock"


def allotment(folder: Path) -> int:
    """How many bytes the files of all writers may take. Raises OSError."""
    sizes = [path.read_text().strip() for path in folder.glob(".predictions-*.lock")]
    return sum(int(size) for size in sizes if size.isdigit())


def lock(path: Path, flags: int = 0) -> int | None:
    """Open and lock a file; None if another process holds the lock."""
    handle = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def repair_all(folder: Path) -> list[str]:
    """End the incomplete line that a killed process has left, in each file without a writer; the names of these files.

    Raises OSError.
    """
    torn = []
    for one in files_in(folder):
        with contextlib.suppress(PermissionError, FileNotFoundError):  # another user's, or compressed meanwhile
            if one.lines is None and (handle := lock(folder / one.name)) is not None:
                try:
                    torn += [one.name] * repair(handle)
                finally:
                    os.close(handle)
    return torn


def repair(handle: int) -> bool:
    """End an incomplete line at the end of a file; whether there was one.

    What there is of it stays, so that whoever reads the file counts it as torn: were it cut off, nobody would.
    """
    end = os.fstat(handle).st_size
    if not end or os.pread(handle, 1, end - 1) == b"\n":
        return False
    os.write(handle, b"\n")  # at the end, as `lock` opens files to append
    return True


def is_at(handle: int, path: Path) -> bool:
    """Whether an open file is the one at this path."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
