"""Main's rows of the periods in which its data differs from the data here: what a comparison of the two needs.

They come from the DVC cache, else from the remote. Rows that are in neither are left out.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..clone import Clone
from ..errors import YardError
from ..git import read_blob
from ..training import layout
from .lock import CACHE, take_some

FOLDER = "periods"  # beside the champion's bundle


def differing(main: Mapping[str, Any], this: Mapping[str, Any]) -> list[str]:
    """The periods of main whose rows are not the same here. Both are contents of a ledger."""
    return sorted(period for period, entry in main["periods"].items() if this["periods"].get(period) != entry)


def file_name(period: str) -> str:
    """The name of the file with a period's rows."""
    return f"{period}.parquet"


def ledger_of(commit: str) -> dict[str, Any] | None:
    """The ledger of a commit; None if no data was taken in it."""
    found = read_blob(Path(), commit, layout.LEDGER.as_posix())
    return None if found is None else json.loads(found)


def read_ledger(root: Path) -> dict[str, Any] | None:
    """The ledger under `root`; None if no data was taken there."""
    path = root / layout.LEDGER
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def keep_rows(root: Path, folder: Path) -> None:
    """Copy the rows that the pipeline made under `root` into a folder, as `bring_rows` does."""
    main, this = read_ledger(root), read_ledger(Path())
    for period in differing(main, this) if main and this else ():
        folder.mkdir(exist_ok=True)
        shutil.copyfile(root / layout.PERIODS / file_name(period), folder / file_name(period))


def bring_rows(commit: str, outs: Mapping[str, str], folder: Path) -> None:
    """Copy the rows of a commit into a folder, a file for each period that differs from the data here.

    outs: the hash of each output in the commit's dvc.lock.
    """
    main, this = ledger_of(commit), read_ledger(Path())
    md5 = outs.get(layout.PERIODS.as_posix())
    if main is None or this is None or md5 is None:
        return
    wanted = {file_name(period) for period in differing(main, this)}
    if not wanted:
        return
    wanted -= take_some(md5, wanted, folder, CACHE)
    if wanted:
        with contextlib.suppress(YardError):  # the champion is there all the same, and the report says what is missing
            _bring_from_remote(commit, md5, wanted, folder)


def _bring_from_remote(commit: str, md5: str, wanted: Collection[str], folder: Path) -> None:
    """In a clone with a cache of its own, because a forged file in the cache here keeps DVC from fetching it."""
    with Clone(commit, cache=None) as clone:
        clone.run("dvc", "fetch", "--quiet", *((layout.PERIODS / name).as_posix() for name in sorted(wanted)))
        take_some(md5, wanted, folder, clone.root / CACHE)
