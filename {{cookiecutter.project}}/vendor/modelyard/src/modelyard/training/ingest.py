"""Take the source's rows, period by period up to the watermark, checked by the contract.

A period that is already there is not read again. One whose rows changed at the source is reported and left as it
was, until a person takes the change (--accept) or refuses it (--keep).
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..command import run_stage
from ..runtime.contract import Contract, ContractError
from .layout import LEDGER, PERIODS, SEEN
from .data.ledger import Entry, read_ledger, read_seen, write_ledger, write_seen
from .data.periods import read_periods, replace_periods, rows_sha256, written_sha256
from .data.reader import Reader
from .data.refusal import DataRefused, Finding
from .settings import Params, read_contract, read_params
from .data.sources import open_source

ALL = "all"


@dataclass(frozen=True)
class Answers:
    """What a person said to changes at the source: periods, or "all"."""

    accept: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()

    def split(self, changed: set[str]) -> tuple[set[str], set[str], set[str]]:
        """The changed periods that are accepted, refused, and still to be answered."""
        accepted = {period for period in changed if {period, ALL} & self.accept}
        refused = {period for period in changed - accepted if {period, ALL} & self.keep}
        return accepted, refused, changed - accepted - refused


def ingest(
    root: Path, contract: Contract, params: Params, answers: Answers | None = None, verify: bool = False
) -> list[str]:
    """Bring the periods under `root` up to the watermark; the lines to tell the person.

    verify: read everything at the source again, whatever was seen before.

    Raises ContractError, with nothing written, where data breaks the contract or a period changed at the source.
    """
    _check_watermark(contract, params)
    answers = answers or Answers()
    source = _source_name(contract, params)
    before = {period: entry for period, entry in read_ledger(root / LEDGER, source).items() if params.includes(period)}
    on_disk = {period: written_sha256(root / PERIODS, period) for period in before}
    absent = {period for period, entry in before.items() if on_disk[period] != entry.sha256}

    rules = _hash(source, contract.to_json())
    memory = {} if verify else read_seen(rules, root / SEEN)
    reader = Reader(open_source(params, contract), contract, params)
    marks = reader.fingerprints
    reader.read(name for name, mark in marks.items() if name not in memory or memory[name].fingerprint != mark)
    seen = {name: known for name, known in memory.items() if name in marks} | reader.seen
    questioned = absent | {
        period
        for name in memory.keys() | seen.keys()
        for period in _periods(memory, name) | _periods(seen, name)
        if params.includes(period)
        and (period not in before or _periods(memory, name).get(period) != _periods(seen, name).get(period))
    }
    if not memory:
        questioned |= before.keys()  # no memory tells what is gone from the source
    reader.read(name for name, known in seen.items() if questioned & known.periods.keys())

    tables = {period: reader.period(period) for period in sorted(questioned)}
    found = {period: Entry(table.num_rows, rows_sha256(table)) for period, table in tables.items()}
    changed = {period for period in found if period in before and found[period] != before[period]}
    accepted, refused, unanswered = answers.split(changed)
    if unanswered:
        raise ContractError(_changes(unanswered, before, found))
    if lost := refused & absent:
        raise ContractError(f"{min(lost)} cannot be kept: it is not on this machine; get it with `dvc pull`")

    entries = before | {period: entry for period, entry in found.items() if period not in refused}
    entries = {period: entry for period, entry in entries.items() if entry.rows}
    if not entries:
        raise ContractError(f"the source has no rows up to the watermark {params.watermark}")
    fresh = [period for period in found.keys() & entries if on_disk.get(period) != entries[period].sha256]
    new = {period: tables[period] for period in sorted(fresh) if period not in refused}
    _check_ids(root, contract, entries.keys() - new.keys(), new)
    replace_periods(root / PERIODS, {period: (new[period], entries[period].sha256) for period in new}, entries)
    write_ledger(source, entries, root / LEDGER)
    write_seen(rules, seen | reader.seen, root / SEEN)
    return _summary(entries, new, accepted, refused) + _staleness(contract, params, max(entries))


def _periods(seen: dict, name: str) -> dict[str, str]:
    return seen[name].periods if name in seen else {}


def _check_watermark(contract: Contract, params: Params) -> None:
    if contract.time and params.watermark is None:
        raise ContractError("params.yaml: watermark is null, and the data has a time column: name the last period")
    if not contract.time and params.watermark is not None:
        raise ContractError("params.yaml: watermark is set, and no column of the contract has role time: make it null")


def _source_name(contract: Contract, params: Params) -> str:
    """Rows can be compared with what was taken before only if it is the same source with the same columns."""
    columns = [[name, column.type] for name, column in contract.columns.items()]
    return _hash(json.dumps([asdict(params.source), params.period, columns]))


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _changes(changed: set[str], before: dict[str, Entry], found: dict[str, Entry]) -> str:
    lines = ["the source changed in periods that were taken before, so nothing was taken:"]
    for period in sorted(changed):
        was, now = before[period].rows, found[period].rows
        lines.append(
            f"  {period}: {was:,} rows were taken; now {now:,} {'rows' if was != now else 'with other values'}"
        )
    some = min(changed)
    lines.append(f"Take the change with `make ingest ARGS='--accept {some}'`, or refuse it with `--keep {some}`.")
    return "\n".join(lines)


def _check_ids(root: Path, contract: Contract, old: Iterable[str], new: dict[str, pa.Table]) -> None:
    """Each id occurs once over all periods; within one object the schema has said so already."""
    ids = list(contract.named("id"))
    if not ids or not new:
        return
    tables = [table.select(ids) for table in new.values()]
    if old := list(old):
        tables.append(read_periods(root / PERIODS, old, ids))
    counts = pa.concat_tables(tables).group_by(ids).aggregate([([], "count_all")])
    twice = counts.filter(pc.greater(counts["count_all"], 1))
    if twice.num_rows:
        examples = tuple(twice[ids[0]].slice(0, 3).to_pylist())
        where = f"the data of {', '.join(new)} beside what was there"
        raise DataRefused(where, [Finding(", ".join(ids), "the same id twice", twice.num_rows, examples)])


def _summary(entries: dict[str, Entry], new: Iterable[str], accepted: set[str], refused: set[str]) -> list[str]:
    taken = [entries[period].rows for period in new]
    rows = sum(entry.rows for entry in entries.values())
    lines = [
        f"periods taken: {len(taken)} ({sum(taken):,} rows); "
        f"in all: {len(entries)} ({rows:,} rows), {min(entries)} to {max(entries)}"
    ]
    lines += [f"{period}: the change at the source was accepted" for period in sorted(accepted)]
    lines += [
        f"{period}: the change at the source was refused; what was taken before stays" for period in sorted(refused)
    ]
    return lines


def _staleness(contract: Contract, params: Params, last: str) -> list[str]:
    if contract.freshness_days is None or contract.time is None:
        return []
    end = (params.start(last) + 1).astype("datetime64[D]").item()
    age = (datetime.date.today() - end).days
    if age <= contract.freshness_days:
        return []
    return [f"stale: the last period ended {age} days ago, the contract allows {contract.freshness_days}"]


def main(arguments: list[str] | None = None) -> None:
    """The stage `ingest`."""
    parser = argparse.ArgumentParser(prog="ingest", description=__doc__)
    parser.add_argument(
        "--accept", action="append", default=[], metavar="PERIOD", help='take a changed period, or "all"'
    )
    parser.add_argument("--keep", action="append", default=[], metavar="PERIOD", help='refuse its change, or "all"')
    parser.add_argument("--verify", action="store_true", help="read the whole source again and compare")
    given = parser.parse_args(arguments)
    answers = Answers(frozenset(given.accept), frozenset(given.keep))
    print("\n".join(ingest(Path(), read_contract(), read_params(), answers, given.verify)))


if __name__ == "__main__":
    run_stage("ingest", main)
