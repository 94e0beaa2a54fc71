"""What people decided about labels: the CSV files in `corrections/`, read strictly and settled row by row.

A line is a reviewer's decision about one row: the label that was given, and the corrected one, or the word `keep`. A
line without label, reviewer and reason is not reviewed yet. Several people may review a row; the label that more than
half of them gave holds.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ...errors import ContractError
from ...runtime.contract import Contract
from ..data.periods import WHOLE
from ..layout import CORRECTIONS
from .files import ReviewRecord, files_of, read_file
from .written_labels import KEEP, Label, LabelFault, parse_label, shown, written

Key = tuple[str, ...]  # the ids of a row as text, in the order of the contract
SHOWN = 20  # faults in one message
FILLED = ("label", "reviewer", "reason")  # what a reviewer fills in
NO_IDS = (
    "labels are corrected by the ids of their rows, and contract.yaml has no column with role id: give one column, "
    "such as the number of an order, `role: id` there"
)


@dataclass(frozen=True)
class ReviewedLine:
    """One reviewer's decision about one row. place: file and line, as a message names them."""

    place: str
    key: Key
    period: str
    given: Label
    label: Label
    reviewer: str
    reason: str


@dataclass(frozen=True)
class ReviewedRow:
    """What holds of one row: the label that was given and the one that was decided, with the lines behind it."""

    key: Key
    period: str
    given: Label
    label: Label
    lines: tuple[ReviewedLine, ...]

    @property
    def is_changed(self) -> bool:
        """Whether the decided label is another than the one given."""
        return self.label != self.given


@dataclass(frozen=True)
class Reviews:
    """All reviewed rows by period, and how many lines are not reviewed yet."""

    periods: Mapping[str, Sequence[ReviewedRow]] = field(default_factory=dict)
    open_lines: int = 0

    @cached_property
    def rows(self) -> list[ReviewedRow]:
        """All reviewed rows."""
        return [row for rows in self.periods.values() for row in rows]

    def changed(self, period: str) -> list[ReviewedRow]:
        """The rows of a period whose label is corrected."""
        return [row for row in self.periods.get(period, ()) if row.is_changed]

    def sha256(self, period: str) -> str | None:
        """The hash of the corrections of a period: ids, given labels and corrected ones; None if there are none."""
        told = sorted([*row.key, shown(row.given), shown(row.label)] for row in self.changed(period))
        return hashlib.sha256(json.dumps(told).encode()).hexdigest() if told else None


def read_reviews(root: Path, contract: Contract) -> Reviews:
    """What is reviewed under `root`; nothing if there is no folder `corrections/`.

    Raises ContractError with the file, line and column of each fault.
    """
    files = files_of(root)
    if not files:
        return Reviews()
    ids = list(contract.named("id"))
    if not ids:
        raise ContractError(f"{CORRECTIONS}/: {NO_IDS}")
    needed = [*ids, *(["period"] if contract.time else []), "given", *FILLED]
    faults: list[str] = []
    lines: list[ReviewedLine] = []
    open_lines = 0
    for path in files:
        for record in read_file(path, root, needed):
            if not any(record.cells[name] for name in FILLED):
                open_lines += 1
                continue
            found = _line(record, ids, contract)
            if isinstance(found, ReviewedLine):
                lines.append(found)
            else:
                faults += found
    periods: dict[str, list[ReviewedRow]] = {}
    for settled in _settle(lines, ids):
        if isinstance(settled, ReviewedRow):
            periods.setdefault(settled.period, []).append(settled)
        else:
            faults.append(settled)
    if faults:
        raise refused(faults)
    return Reviews(periods, open_lines)


def refused(faults: Sequence[str]) -> ContractError:
    """The error with these faults, a line each."""
    more = [f"and {len(faults) - SHOWN:,} more"] if len(faults) > SHOWN else []
    return ContractError("\n".join(["the reviewed labels are refused, so nothing was taken:", *faults[:SHOWN], *more]))


def told_row(key: Key, ids: Sequence[str]) -> str:
    """A row by its ids, for a message."""
    return ", ".join(f"{name} {value!r}" for name, value in zip(ids, key, strict=True))


def _line(record: ReviewRecord, ids: Sequence[str], contract: Contract) -> ReviewedLine | list[str]:
    """The decision in a line, or what is wrong with it."""
    cells, target = record.cells, contract.columns[contract.target]
    faults = []
    if not cells["label"]:
        faults.append(f"label: it is empty, and the row has a reviewer or a reason; write the label, or {KEEP}")
    faults += [f"{name}: it is empty; say {who}" for name, who in (("reviewer", "who decided"), ("reason", "why"))
               if not cells[name]]  # fmt: skip
    faults += [f"{name}: the id is empty" for name in ids if not cells[name]]
    if contract.time and not cells["period"]:
        faults.append("period: it is empty; write the row's period as the review had it, such as 2013-12")
    values: dict[str, Label] = {}
    for name in ("given", "label"):
        try:
            values[name] = parse_label(cells[name], target, record.decimal_comma)
        except LabelFault as fault:
            if cells[name] or name == "given":
                faults.append(f"{name}: {fault}")
    if faults:
        return [f"{record.place}, {fault}" for fault in faults]
    keeps = cells["label"] == KEEP and KEEP not in (target.values or ())
    return ReviewedLine(
        record.place,
        tuple(cells[name] for name in ids),
        cells["period"] if contract.time else WHOLE,
        values["given"],
        values["given"] if keeps else values["label"],
        cells["reviewer"],
        cells["reason"],
    )


def _settle(lines: Sequence[ReviewedLine], ids: Sequence[str]) -> Iterator[ReviewedRow | str]:
    """Each row as its reviewers decided it, or why that cannot be told."""
    by_row: dict[Key, list[ReviewedLine]] = {}
    for line in lines:
        by_row.setdefault(line.key, []).append(line)
    for key, found in by_row.items():
        first, row = found[0], told_row(key, ids)
        faults = [
            f"{line.place}, {name}: {getattr(line, name)!r} of the row {row}, and {getattr(first, name)!r} in "
            f"{first.place}: all lines of a row must say the same of what was there"
            for line in found[1:]
            for name in ("period", "given")
            if getattr(line, name) != getattr(first, name)
        ]
        by_reviewer: dict[str, ReviewedLine] = {}
        for line in found:
            earlier = by_reviewer.setdefault(line.reviewer.casefold(), line)
            if earlier is not line:
                faults.append(
                    f"{line.place}, reviewer: {line.reviewer} has reviewed the row {row} in {earlier.place} already; "
                    "remove one of the two lines"
                )
        if faults:
            yield from faults
            continue
        (label, votes), *_ = Counter(line.label for line in found).most_common()
        if 2 * votes <= len(found):
            said = ", ".join(f"{line.reviewer} says {written(line.label)} in {line.place}" for line in found)
            yield (
                f"{first.place}, label: the reviewers of the row {row} disagree: {said}; a line of one more reviewer "
                "decides, by more than half of them, or one of these changes"
            )
        else:
            yield ReviewedRow(key, first.period, first.given, label, tuple(found))
