"""What was taken from the source: the ledger, which is in Git, and this machine's memory of what it saw there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """The rows of one period: how many, and their hash (`periods.rows_sha256`)."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Seen:
    """One object of the source as this machine last saw it: its fingerprint, and the hash of its rows by period.

    The hash is empty where the period was after the watermark, and so was not looked at.
    """

    fingerprint: str
    periods: dict[str, str] = field(default_factory=dict)


def read_ledger(path: Path, source: str | None = None) -> dict[str, Entry]:
    """The periods that were taken, in order; empty where nothing was, or from a source not called `source`."""
    kept = _read_json(path)
    if not kept or source not in (None, kept["source"]):
        return {}
    return {period: Entry(**entry) for period, entry in kept["periods"].items()}


def write_ledger(source: str, entries: dict[str, Entry], path: Path) -> None:
    """Write the periods taken from the source called `source`, in order."""
    _write_json(path, {"source": source, "periods": {period: asdict(entries[period]) for period in sorted(entries)}})


def read_seen(rules: str, path: Path) -> dict[str, Seen]:
    """The objects as last seen under these rules (source and contract); empty where it was under others."""
    kept = _read_json(path)
    if not kept or kept["rules"] != rules:
        return {}
    return {name: Seen(**seen) for name, seen in kept["objects"].items()}


def write_seen(rules: str, objects: dict[str, Seen], path: Path) -> None:
    """Remember the objects as seen under these rules."""
    _write_json(path, {"rules": rules, "objects": {name: asdict(objects[name]) for name in sorted(objects)}})


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text()) if path.is_file() else None


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    part.replace(path)
