"""The ledger of what was taken from the source, in Git, and this machine's memory of the source's objects."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Offsets = dict[str, int]  # by partition, as JSON has it


@dataclass(frozen=True)
class Corrected:
    """Labels of one period that people corrected: how many, the hash of the corrections, and of the source's rows."""

    labels: int
    sha256: str
    source: str


@dataclass(frozen=True)
class LedgerEntry:
    """The rows of one period: how many, and their hash (`periods.rows_sha256`); and which labels are corrected."""

    rows: int
    sha256: str
    corrected: Corrected | None = None

    @property
    def at_source(self) -> LedgerEntry:
        """The entry of the rows as the source has them, without corrections."""
        return LedgerEntry(self.rows, self.corrected.source) if self.corrected else self


@dataclass(frozen=True)
class StreamLedger:
    """What is known of a source of messages.

    first: the offset of each partition's first message that was landed. taken: for each period, the offset of each
    partition before which its messages were taken.
    """

    first: Offsets = field(default_factory=dict)
    taken: dict[str, Offsets] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """One object of the source as this machine last read it: its fingerprint, and the hash of its rows by period.

    The hash is empty for a period after the watermark, which was not read.
    """

    fingerprint: str
    periods: dict[str, str] = field(default_factory=dict)


def read_ledger(path: Path, source: str | None = None) -> dict[str, LedgerEntry]:
    """The periods that were taken, in order; empty if there are none, or they are from another source than `source`."""
    content = _read_json(path)
    if not content or source not in (None, content["source"]):
        return {}
    return {period: _entry(**entry) for period, entry in content["periods"].items()}


def read_stream(path: Path, source: str) -> StreamLedger:
    """What the ledger knows of a source of messages; nothing if it is from another source."""
    content = _read_json(path)
    return StreamLedger(**content.get("stream", {})) if content and content["source"] == source else StreamLedger()


def write_ledger(source: str, entries: dict[str, LedgerEntry], path: Path, stream: StreamLedger | None = None) -> None:
    """Write the periods taken from the source called `source`, in order. stream: what is known of messages."""
    content: dict[str, Any] = {"source": source}
    if stream is not None:
        content["stream"] = asdict(stream)
    _write_json(path, content | {"periods": {period: _told(entries[period]) for period in sorted(entries)}})


def read_seen(rules: str, path: Path) -> dict[str, Seen]:
    """The objects as last read under these rules (source and contract); empty if they were read under others."""
    content = _read_json(path)
    if not content or content["rules"] != rules:
        return {}
    return {name: Seen(**seen) for name, seen in content["objects"].items()}


def write_seen(rules: str, objects: dict[str, Seen], path: Path) -> None:
    """Write the objects as read under these rules."""
    _write_json(path, {"rules": rules, "objects": {name: asdict(objects[name]) for name in sorted(objects)}})


def _entry(rows: int, sha256: str, corrected: dict[str, Any] | None = None) -> LedgerEntry:
    return LedgerEntry(rows, sha256, Corrected(**corrected) if corrected else None)


def _told(entry: LedgerEntry) -> dict[str, Any]:
    """The entry without what it has not, so that a ledger without corrections is as it was before there were any."""
    return {name: value for name, value in asdict(entry).items() if value is not None}


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text()) if path.is_file() else None


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    part.replace(path)
