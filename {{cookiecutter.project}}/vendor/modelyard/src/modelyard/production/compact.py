"""Make Parquet files, one for each prediction day, of the log files that were shipped to the store.

A second run reads only what is new; a day to which a late file adds rows is made again from all of its files. Torn
lines and duplicates are left out, counted and shown. What is older than monitor.keep_days of policy.yaml is removed.
Run one compaction of a store at a time.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import YardError
from ..judging.policy import read_policy
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training.settings import read_contract
from .layout import RAW
from .ledger import Day, Ledger, RawFile, read_ledger, write_ledger
from .predictions import newest, outdated, put_day
from .retention import retain
from .store import Store

if TYPE_CHECKING:
    from .staging import FileLines, Staging

COUNTED = re.compile(r".*\.(\d+)\.jsonl\.gz")  # the name of a log file tells its lines
ABANDONED = 86_400.0  # seconds without a write, after which nobody writes a file any more
NAMED = 7  # days that are named one by one
BATCH = 64  # files that are fetched and read at once
MEMORY = "1GiB"


def compact(
    store: Store,
    contract: Contract,
    say: Callable[[str], None] = print,
    memory: str = MEMORY,
    scratch: Path | None = None,
) -> Ledger:
    """Bring the predictions of a store up to date; the ledger.

    memory: what duckdb may take. scratch: a folder for temporary files, about as large as the log files that are new.

    Raises StoreError, and ContractError if names in the contract differ in capitals only.
    """
    from .staging import Staging  # duckdb

    ledger, current = read_ledger(store), newest(store)
    present = [name for name in store.names(RAW) if name.endswith(".jsonl.gz")]
    new = [name for name in present if name not in ledger.raw]
    # where they differ, a run was killed before it wrote the ledger, or two ran at once
    days = {day for day, one in ledger.days.items() if current.get(day) != one.file}
    if new or days:
        with (
            _memory_said(),
            tempfile.TemporaryDirectory(prefix="compact-", dir=scratch) as folder,
            Staging(Path(folder), contract, _digest(contract), memory) as staging,
        ):
            for name, loaded in _load(staging, store, new, Path(folder), None):
                ledger.raw[name] = _noted(name, loaded, say)
                days |= set(loaded.days)
            for column, number in sorted(staging.misfits.items()):
                ledger.misfits[column] = ledger.misfits.get(column, 0) + number
                say(f"{column}: {number} values do not fit the contract's type, and are missing")
            before = [name for name, one in ledger.raw.items() if name not in new and days & set(one.days)]
            for _ in _load(staging, store, [name for name in before if name in present], Path(folder), days):
                pass
            gone = {day for name in before if name not in present for day in ledger.raw[name].days}
            for day in sorted(days):
                ledger.days[day] = _write(staging, store, day, current.get(day), Path(folder), day in gone)
        write_ledger(store, ledger)
    for name in outdated(store, newest(store)):
        store.remove(name)
    if parts := store.remove_parts(ABANDONED):
        say(f"removed what killed processes had begun to write: {parts}")
    say(f"new log files: {len(new)}; {_written(ledger, sorted(days))}")
    if dropped := sum(ledger.days[day].duplicates for day in days):
        say(f"{dropped} duplicates were left out")
    return ledger


def _written(ledger: Ledger, days: Sequence[str]) -> str:
    """What became of the days, each by name where they are few."""
    if not days:
        return "no day has changed"
    if len(days) <= NAMED:
        return "; ".join(f"{day}: {ledger.days[day].rows} rows" for day in days)
    rows = sum(ledger.days[day].rows for day in days)
    return f"{len(days)} days from {days[0]} to {days[-1]}: {rows} rows"


@contextmanager
def _memory_said() -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise YardError(f"duckdb needs more memory; give more with --memory: {error}".partition("\n")[0]) from None


def _digest(contract: Contract) -> str:
    """The contract's hash, as the service writes it into the log."""
    return hashlib.sha256(contract.to_json().encode()).hexdigest()


def _load(
    staging: Staging, store: Store, names: Sequence[str], folder: Path, days: Collection[str] | None
) -> Iterator[tuple[str, FileLines]]:
    """Load files of the store in parts, so that not all copies are on the disk at once."""
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        paths = store.copies(list(some), folder / "raw")
        yield from staging.load(dict(zip(some, paths, strict=True)), days).items()
        for path in paths if store.folder is None else ():
            path.unlink()


def _noted(name: str, loaded: FileLines, say: Callable[[str], None]) -> RawFile:
    rows = sum(loaded.days.values())
    counted = COUNTED.fullmatch(name)
    # a file that is cut off does not show how many lines it lost
    torn = max(loaded.torn, int(counted[1]) - rows) if counted else loaded.torn
    if torn:
        say(f"{name}: {torn} of {rows + torn} lines are torn, and left out")
    return RawFile(torn, loaded.days)


def _write(staging: Staging, store: Store, day: str, before: str | None, folder: Path, is_incomplete: bool) -> Day:
    """Make the file of a day. is_incomplete: whether log files of the day are no longer there."""
    if is_incomplete and before is not None:
        staging.add_missing(day, store.copy_of(before, folder))
    path = folder / f"{day}.parquet"
    rows, duplicates = staging.write_day(day, path)
    name = put_day(store, day, path, before)
    path.unlink()
    return Day(name, rows, duplicates)


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `compact`."""
    parser = argparse.ArgumentParser(
        prog="compact", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", help="the folder or URL (monitor.store of policy.yaml)")
    parser.add_argument("--memory", default=MEMORY, help=f"what duckdb may take ({MEMORY})")
    parser.add_argument("--scratch", type=Path, help="a folder with room for temporary files (the system's)")
    options = parser.parse_args(arguments)
    settings = read_policy().monitor
    url = options.store or settings.store
    if not url:
        print("monitor.store in policy.yaml is null: nothing is shipped, and there is nothing to compact")
        return
    store = Store(url)
    ledger = compact(store, read_contract(), memory=options.memory, scratch=options.scratch)
    retain(store, ledger, settings.keep_days)
