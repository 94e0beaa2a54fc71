"""How the source differs from what was taken before, and what must be written; this module reads no data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...errors import ContractError
from .ledger import LedgerEntry, Seen

ALL = "all"
NAMED = 3  # periods that the command to type names, one by one


@dataclass(frozen=True)
class Answers:
    """A person's answers to changes at the source: periods, or "all"."""

    accept: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()

    def split(self, changed: set[str]) -> tuple[set[str], set[str], set[str]]:
        """The changed periods that are accepted, refused, and still to be answered."""
        accepted = {period for period in changed if {period, ALL} & self.accept}
        refused = {period for period in changed - accepted if {period, ALL} & self.keep}
        return accepted, refused, changed - accepted - refused


@dataclass(frozen=True)
class Taken:
    """The periods that were taken before: their entries in the ledger, and the hash of the rows in each one's file.

    Both are of the rows as the source had them. A file whose labels are to be corrected otherwise counts as absent, and
    its period is in `recorrected`.
    """

    entries: Mapping[str, LedgerEntry]
    on_disk: Mapping[str, str | None]
    recorrected: Collection[str] = ()

    @property
    def absent(self) -> set[str]:
        """The periods whose rows are not on this machine."""
        return {period for period, entry in self.entries.items() if self.on_disk[period] != entry.sha256}


@dataclass(frozen=True)
class SourceDifference:
    """What was taken before, and what the source has now in the periods that were read."""

    taken: Taken
    now: Mapping[str, LedgerEntry]

    @property
    def changed(self) -> set[str]:
        """The periods that were taken before and have other rows now."""
        before = self.taken.entries
        return {period for period in self.now if period in before and self.now[period] != before[period]}


@dataclass(frozen=True)
class Intake:
    """What must be written: the whole ledger, and in order, the periods whose files to write."""

    entries: dict[str, LedgerEntry]
    written: list[str]
    accepted: set[str]
    refused: set[str]


def questioned(taken: Taken, memory: Mapping[str, Seen], seen: Mapping[str, Seen]) -> set[str]:
    """The periods whose rows at the source may differ from those that were taken.

    memory: the source's objects as this machine last read them. seen: the objects now; one with the same fingerprint
    has the same periods.
    """
    periods = taken.absent
    for name in memory.keys() | seen.keys():
        was, now = _periods(memory, name), _periods(seen, name)
        either = was.keys() | now.keys()
        periods |= {period for period in either if period not in taken.entries or was.get(period) != now.get(period)}
    if not memory:
        periods |= taken.entries.keys()  # without memory, rows may have been removed from any period
    return periods


def decide(difference: SourceDifference, answers: Answers, watermark: str | None) -> Intake:
    """What must be written.

    Raises ContractError if a change is not answered yet, a period to keep is not on this machine, or nothing is left.
    """
    taken, now = difference.taken, difference.now
    accepted, refused, unanswered = answers.split(difference.changed)
    if unanswered:
        raise ContractError(_unanswered(unanswered, difference))
    if anew := refused & set(taken.recorrected):
        raise ContractError(
            f"{min(anew)} cannot be kept, because its corrections of labels changed, and they apply to the rows "
            "that the source has: take its change with --accept, or leave the corrections as they were"
        )
    if lost := refused & taken.absent:
        raise ContractError(f"{min(lost)} cannot be kept: it is not on this machine; get it with `make pull`")
    entries = {**taken.entries, **{period: entry for period, entry in now.items() if period not in refused}}
    entries = {period: entry for period, entry in entries.items() if entry.rows}
    if not entries:
        raise ContractError(f"the source has no rows up to the watermark {watermark}")
    fresh = {period for period in now.keys() & entries if taken.on_disk.get(period) != entries[period].sha256}
    return Intake(entries, sorted(fresh - refused), accepted, refused)


def _periods(objects: Mapping[str, Seen], name: str) -> dict[str, str]:
    return objects[name].periods if name in objects else {}


def _unanswered(changed: set[str], difference: SourceDifference) -> str:
    lines = ["the source changed in periods that were taken before, so nothing was taken:"]
    for period in sorted(changed):
        was, now = difference.taken.entries[period].rows, difference.now[period].rows
        lines.append(
            f"  {period}: {was:,} rows were taken; now {now:,} {'rows' if was != now else 'with other values'}"
        )
    given = {verb: " ".join(f"--{verb} {period}" for period in sorted(changed)) for verb in ("accept", "keep")}
    if len(changed) > NAMED:
        given = {verb: f"--{verb} {ALL}" for verb in given}
    lines.append(
        f"Take the change with `make ingest ARGS='{given['accept']}'`, or refuse it with "
        f"`make ingest ARGS='{given['keep']}'`."
    )
    return "\n".join(lines)
