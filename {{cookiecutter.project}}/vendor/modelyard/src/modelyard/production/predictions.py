"""The predictions in a store: a Parquet file for each day, of which the newest counts."""

from __future__ import annotations

import re
from pathlib import Path

from ..runtime.hashing import sha256
from .layout import PREDICTIONS
from .store import Store

NAME = re.compile(rf"{PREDICTIONS}/day=(\d{{4}}-\d\d-\d\d)/(\d{{6}})-[0-9a-f]{{16}}\.parquet")


def newest(store: Store) -> dict[str, str]:
    """The file of each prediction day (UTC), such as `2013-04-01`, in the order of the days.

    A day has more than one file for the moment between two steps of a compaction, or after one that was killed: the
    highest number counts. Raises StoreError.
    """
    files: dict[str, str] = {}
    for name in store.names(PREDICTIONS):
        if matched := NAME.fullmatch(name):
            files[matched[1]] = name  # they come in order
    return dict(sorted(files.items()))


def outdated(store: Store, current: dict[str, str]) -> list[str]:
    """The files of days that have a newer one. Raises StoreError."""
    kept = set(current.values())
    return [name for name in store.names(PREDICTIONS) if NAME.fullmatch(name) and name not in kept]


def put_day(store: Store, day: str, path: Path, before: str | None) -> str:
    """Make a file the newest of a day; its name, which is that of the file before if both have the same bytes.

    Raises StoreError.
    """
    digest = sha256(path)[:16]
    number = 0
    if before is not None and (matched := NAME.fullmatch(before)):
        if before.endswith(f"-{digest}.parquet"):
            return before
        number = int(matched[2])
    name = f"{PREDICTIONS}/day={day}/{number + 1:06}-{digest}.parquet"
    store.put(path, name)
    return name
