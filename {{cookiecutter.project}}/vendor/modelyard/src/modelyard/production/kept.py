"""Counts that are kept in the store, by month, each day with a mark of what it was made of."""

from __future__ import annotations

import json
from typing import Any

from .layout import COUNTS
from .store import Store

FORMAT = 1


class Kept:
    """What was found by day and bundle, in files `counts/<subject>-<month>.json`."""

    def __init__(self, store: Store, subject: str) -> None:
        self._store, self._subject = store, subject
        self._names = set(store.names(COUNTS))
        self._months: dict[str, dict[str, Any]] = {}
        self._changed: set[str] = set()

    def day(self, day: str, mark: str) -> dict[str, dict[str, Any]] | None:
        """What was found on a day, by bundle; None if that was made of something else."""
        held = self._month(day[:7]).get(day)
        return held["bundles"] if held is not None and held["mark"] == mark else None

    def put(self, day: str, mark: str, bundles: dict[str, dict[str, Any]]) -> None:
        """Keep what was found on a day."""
        self._month(day[:7])[day] = {"mark": mark, "bundles": bundles}
        self._changed.add(day[:7])

    def write(self) -> None:
        """Store the months that changed."""
        for month in sorted(self._changed):
            content = {"format": FORMAT, "days": dict(sorted(self._months[month].items()))}
            self._store.write(self._name(month), json.dumps(content, ensure_ascii=False).encode())
        self._changed.clear()

    def _month(self, month: str) -> dict[str, Any]:
        if month not in self._months:
            content = json.loads(self._store.read(self._name(month))) if self._name(month) in self._names else {}
            self._months[month] = content["days"] if content.get("format") == FORMAT else {}
        return self._months[month]

    def _name(self, month: str) -> str:
        return f"{COUNTS}/{self._subject}-{month}.json"
