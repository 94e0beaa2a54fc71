"""Removes from a store what is older than `monitor.keep_days` of policy.yaml: predictions, their log files, and labels.

The days are counted back from the newest day with predictions, as a clock that is wrong must not empty a store.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from ..errors import counted
from .ledger import Ledger, write_ledger
from .predictions import newest
from .rewriting import NotSince, rewrite_labels
from .store import Store


def first_kept(days: list[str], keep_days: int) -> str:
    """The first day that is kept. days: those with predictions, of which there is at least one."""
    last = datetime.date.fromisoformat(max(days))
    return (last - datetime.timedelta(days=keep_days - 1)).isoformat()


def retain(store: Store, ledger: Ledger, keep_days: int | None, say: Callable[[str], None] = print) -> None:
    """Remove what is too old, and write the ledger. Log files that also hold newer rows stay. Raises StoreError."""
    current = newest(store)
    if keep_days is None or not current:
        return
    first = first_kept(list(current), keep_days)
    days = [day for day in current if day < first]
    undated = [one for one in ledger.raw.values() if not one.days and one.since is None]  # all of their lines are torn
    for one in undated:
        one.since = max(current)
    raw = [name for name, one in ledger.raw.items() if max(one.days, default=str(one.since)) < first]
    if not days and not raw:
        if undated:
            write_ledger(store, ledger)
        return
    for name in (*raw, *(current[day] for day in days)):
        store.remove(name)
    for name in raw:
        del ledger.raw[name]
    for day in days:
        ledger.days.pop(day, None)
    write_ledger(store, ledger)
    labels = rewrite_labels(store, NotSince(first))
    files = f"{counted(len(raw), 'log file')} and {counted(labels, 'label')} of that time"
    gone = f"{counted(len(days), 'day')} before {first}, {files}"
    say(f"keep_days: {gone} were removed")
