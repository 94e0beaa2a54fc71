"""The journal of a study: a batch that does not come to its end leaves nothing in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOLD = b'"datetime_complete"'  # in a line that says how a trial ended


@contextmanager
def whole_batches(journal: Path) -> Iterator[None]:
    """If the block fails, cut off what it has written after the last trial that ended.

    These are the trials of a batch that is broken off; another search proposes it again.
    """
    size = journal.stat().st_size if journal.is_file() else 0
    try:
        yield
    except BaseException:
        if journal.is_file():
            _cut(journal, size)
        raise


def _cut(journal: Path, size: int) -> None:
    with journal.open("r+b") as opened:
        opened.seek(size)
        lines = opened.read().splitlines(keepends=True)
        ended = max((at for at, line in enumerate(lines, 1) if TOLD in line), default=0)
        left = opened.truncate(size + sum(map(len, lines[:ended])))
    if not left:
        journal.unlink()
