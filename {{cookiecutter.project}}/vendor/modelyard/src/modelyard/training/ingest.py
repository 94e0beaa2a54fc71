"""Take the source's rows, period by period up to the watermark, checked by the contract.

A period that was already taken is not read again. If its rows changed at the source, this is reported and nothing is
written, until you take the change (--accept) or refuse it (--keep). Labels that people corrected, in the files of
`corrections/`, take the place of the source's.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ContractError, counted
from ..runtime.contract import Contract
from .data.difference import ALL, Answers, Intake, SourceDifference, Taken, decide, questioned
from .data.incoming import Incoming, incoming
from .data.ledger import LedgerEntry, Seen, read_ledger, read_seen, read_stream, write_ledger, write_seen
from .data.opening import open_rows, with_history
from .data.periods import read_periods, written_sha256
from .data.reader import Reader
from .data.sources import KnowsOffsets, Source
from .data.unique import check_ids
from .layout import CORRECTIONS, LEDGER, PERIODS, SEEN
from .record_files import check_watched
from .review.applied import check_corrected, check_periods, correct, corrected_entry
from .review.corrections import Reviews, read_reviews
from .settings import Params, read_contract, read_params

if TYPE_CHECKING:
    from ..runtime.project import Project


def ingest(
    root: Path, contract: Contract, params: Params, answers: Answers | None = None, verify: bool = False
) -> list[str]:
    """Bring the periods under `root` up to the watermark; return the lines of a summary.

    verify: read the whole source again, whatever was read before.

    Raises ContractError, with nothing written, if data breaks the contract or a period changed at the source.
    """
    check_watermark(contract, params)
    source, rules = _source_name(contract, params), rules_of(contract, params)
    reviews = read_reviews(root, contract)
    ledger = {period: entry for period, entry in read_ledger(root / LEDGER, source).items() if params.includes(period)}
    taken = _read_taken(root, ledger, reviews)
    memory = {} if verify else read_seen(rules, root / SEEN)
    answers = answers or Answers()
    reopened = frozenset(taken.entries) if ALL in answers.accept else answers.accept
    rows = open_rows(params, contract, read_stream(root / LEDGER, source), reopened)
    with incoming(root / PERIODS, taken.on_disk) as arrived:
        seen, now = _read_source(with_history(rows, contract), arrived, taken, memory, contract, params)
        intake = decide(SourceDifference(taken, now), answers, params.watermark)
        old = sorted(intake.entries.keys() - set(intake.written))
        check_ids(
            contract,
            {period: partial(arrived.read, period) for period in intake.written},
            {period: partial(read_periods, root / PERIODS, [period]) for period in old},
            root / PERIODS.parent,
        )
        entries = _corrected(root, arrived, intake, ledger, reviews, contract)
        arrived.move(intake.written, entries)
    write_ledger(source, entries, root / LEDGER, rows.ledger(entries) if isinstance(rows, KnowsOffsets) else None)
    write_seen(rules, seen, root / SEEN)
    told = rows.told() if isinstance(rows, KnowsOffsets) else []
    return _summary(intake) + told + _told_corrections(entries, reviews) + _staleness(contract, params, max(entries))


def _read_taken(root: Path, ledger: dict[str, LedgerEntry], reviews: Reviews) -> Taken:
    """What was taken, as the source had it; a file with other corrections than those to be made is to be made anew."""
    on_disk = {period: written_sha256(root / PERIODS, period) for period in ledger}
    recorrected = {
        period
        for period, entry in ledger.items()
        if (entry.corrected.sha256 if entry.corrected else None) != reviews.sha256(period)
    }
    for period, entry in ledger.items():
        if period in recorrected or (entry.corrected and on_disk[period] != entry.sha256):
            on_disk[period] = None
        elif on_disk[period] == entry.sha256:
            on_disk[period] = entry.at_source.sha256
    return Taken({period: entry.at_source for period, entry in ledger.items()}, on_disk, recorrected)


def _corrected(
    root: Path, arrived: Incoming, intake: Intake, ledger: dict[str, LedgerEntry], reviews: Reviews, contract: Contract
) -> dict[str, LedgerEntry]:
    """Correct the labels of what is to be written, check them in all else, and return the ledger's entries.

    Raises ContractError if a reviewed row is not there, or its label is not the one that was reviewed.
    """
    check_periods(reviews, intake.entries)
    entries = {}
    for period, entry in intake.entries.items():
        rows = reviews.periods.get(period, ())
        if period in intake.written:
            now = arrived.change(period, partial(correct, rows=rows, contract=contract)) if rows else entry
            entries[period] = corrected_entry(now, entry, period, reviews)
        else:
            before = ledger.get(period, entry)
            entries[period] = before if before.at_source == entry else entry
            if rows:
                columns = [*contract.named("id"), contract.target]
                check_corrected(read_periods(root / PERIODS, [period], columns), rows, contract)
    return entries


def _read_source(
    opened: Source, arrived: Incoming, taken: Taken, memory: dict[str, Seen], contract: Contract, params: Params
) -> tuple[dict[str, Seen], dict[str, LedgerEntry]]:
    """The source's objects as they are now, and the entry of each period that may have changed.

    An object is read if its fingerprint is new, or if it has rows of such a period.
    """
    reader = Reader(opened, contract, params, arrived)
    marks = reader.fingerprints
    reader.read(name for name, mark in marks.items() if name not in memory or memory[name].fingerprint != mark)
    seen = {name: source_object for name, source_object in memory.items() if name in marks} | reader.seen
    periods = {period for period in questioned(taken, memory, seen) if params.includes(period)}
    reader.read(name for name, source_object in seen.items() if periods & source_object.periods.keys())
    return seen | reader.seen, {period: arrived.settle(period, reader.period) for period in sorted(periods)}


def check_watermark(contract: Contract, params: Params) -> None:
    """Raise ContractError unless there is a watermark if and only if the data has a time."""
    if contract.time and params.watermark is None:
        raise ContractError("params.yaml: watermark is null, and the data has a time column: name the last period")
    if not contract.time and params.watermark is not None:
        raise ContractError("params.yaml: watermark is set, and no column of the contract has role time: make it null")


def rules_of(contract: Contract, params: Params) -> str:
    """The hash of source and contract, under which this machine remembers the objects that it read."""
    return _hash(_source_name(contract, params), contract.to_json())


def _source_name(contract: Contract, params: Params) -> str:
    """A hash of source and columns: only rows of the same source with the same columns can be compared."""
    columns = [[name, column.type] for name, column in contract.columns.items()]
    looked_up = [asdict(feature) for feature in contract.features.values()]
    return _hash(json.dumps([asdict(params.source), params.period, columns, *looked_up]))


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _summary(intake: Intake) -> list[str]:
    entries = intake.entries
    written = sum(entries[period].rows for period in intake.written)
    rows = sum(entry.rows for entry in entries.values())
    lines = [
        f"periods taken: {len(intake.written)} ({written:,} rows); "
        f"in all: {len(entries)} ({rows:,} rows), {min(entries)} to {max(entries)}"
    ]
    lines += [f"{period}: the change at the source was accepted" for period in sorted(intake.accepted)]
    lines += [
        f"{period}: the change at the source was refused; what was taken before stays"
        for period in sorted(intake.refused)
    ]
    return lines


def _told_corrections(entries: dict[str, LedgerEntry], reviews: Reviews) -> list[str]:
    if not reviews.rows and not reviews.open_lines:
        return []
    corrected = {period: entry.corrected.labels for period, entry in entries.items() if entry.corrected}
    line = f"{CORRECTIONS}/: {counted(len(reviews.rows), 'row')} reviewed, {counted(sum(corrected.values()), 'label')} "
    line += f"corrected in {counted(len(corrected), 'period')}"
    return [line + (f"; {counted(reviews.open_lines, 'line')} not reviewed yet" if reviews.open_lines else "")]


def _staleness(contract: Contract, params: Params, last: str) -> list[str]:
    if contract.freshness_days is None or contract.time is None:
        return []
    end = (params.start(last) + 1).astype("datetime64[D]").item()
    age = (datetime.date.today() - end).days
    if age <= contract.freshness_days:
        return []
    return [f"stale: the last period ended {counted(age, 'day')} ago, the contract allows {contract.freshness_days}"]


def main(arguments: Sequence[str], _project: Project) -> None:
    """The stage `ingest`."""
    parser = argparse.ArgumentParser(prog="ingest", description=__doc__)
    parser.add_argument(
        "--accept", action="append", default=[], metavar="PERIOD", help='take a changed period, or "all"'
    )
    parser.add_argument("--keep", action="append", default=[], metavar="PERIOD", help='refuse its change, or "all"')
    parser.add_argument("--verify", action="store_true", help="read the whole source again and compare")
    options = parser.parse_args(arguments)
    answers = Answers(frozenset(options.accept), frozenset(options.keep))
    contract = read_contract()
    check_watched(contract, Path())
    print("\n".join(ingest(Path(), contract, read_params(), answers, options.verify)))
