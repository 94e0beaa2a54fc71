"""Run as a process of its own: compress a file of the prediction log, at the lowest priority.

In a thread it would hold up requests, because Python runs one thread at a time. It is run from its source, without the
package around it, so it uses the standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
import shutil
import sys

LEVEL = 4  # a tenth of the size; higher levels take several times as long for a few per cent
PART = ".part"


def compress(path: str) -> None:
    """Replace `<name>.jsonl` with `<name>.<lines>.jsonl.gz`.

    A reader never sees half of a compressed file. Until the plain file is removed, both hold the same lines. Raises
    OSError if the disk is full, or another process holds the file's lock.
    """
    stem = path.removesuffix(".jsonl")
    part = stem + PART
    with open(path, "rb") as source:
        fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)
        count = sum(block.count(b"\n") for block in iter(lambda: source.read(1 << 20), b""))
        source.seek(0)
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "wb") as target:
                with gzip.GzipFile("", "wb", LEVEL, target, mtime=0) as packed:
                    shutil.copyfileobj(source, packed, 1 << 18)
                target.flush()
                os.fsync(target.fileno())
            if os.path.exists(path):  # else it was removed meanwhile, to make room
                os.rename(part, f"{stem}.{count}.jsonl.gz")
                os.unlink(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)


if __name__ == "__main__":
    os.nice(19)
    compress(sys.argv[1])
