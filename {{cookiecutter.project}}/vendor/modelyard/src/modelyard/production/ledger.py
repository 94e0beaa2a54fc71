"""Which files of the log are in the predictions, and what was found in them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from .layout import LEDGER
from .store import Store, StoreError

FORMAT = 1


@dataclass
class RawFile:
    """A file of the log. torn: lines that could not be read. days: its rows in each prediction day.

    since: of a file without a row, the newest prediction day when it was found, by which it expires.
    """

    torn: int
    days: dict[str, int]
    since: str | None = None


@dataclass
class Day:
    """A prediction day: its file in the store, its rows, and the duplicates that were left out."""

    file: str
    rows: int
    duplicates: int


@dataclass
class Ledger:
    """All that was compacted. misfits: by column, values that do not fit its type and are missing."""

    raw: dict[str, RawFile] = field(default_factory=dict)
    days: dict[str, Day] = field(default_factory=dict)
    misfits: dict[str, int] = field(default_factory=dict)

    def totals(self) -> dict[str, int]:
        """The lines that were read, those of them that were torn or duplicates, and the number of days."""
        torn = sum(one.torn for one in self.raw.values())
        return {
            "lines": torn + sum(sum(one.days.values()) for one in self.raw.values()),
            "torn": torn,
            "duplicates": sum(day.duplicates for day in self.days.values()),
            "days": len(self.days),
        }


def read_ledger(store: Store) -> Ledger:
    """The ledger of a store; an empty one if there is none. Raises StoreError."""
    if not store.has(LEDGER):
        return Ledger()
    raw: Any = json.loads(store.read(LEDGER))
    if raw.get("format") != FORMAT:
        raise StoreError(f"{LEDGER} in {store.shown} is of another version of the library; upgrade, or remove the file")
    return Ledger(
        {name: RawFile(**one) for name, one in raw["raw"].items()},
        {day: Day(**one) for day, one in raw["days"].items()},
        raw["misfits"],
    )


def write_ledger(store: Store, ledger: Ledger) -> None:
    """Replace the ledger. Raises StoreError."""
    content = {"format": FORMAT, **asdict(ledger)}
    store.write(LEDGER, json.dumps(content, sort_keys=True, indent=0).encode())
