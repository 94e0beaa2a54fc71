"""What has arrived at the source since the watermark, read and checked by the contract, and written nowhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from ..runtime.contract import Contract
from .data.conform import conform
from .data.ledger import Seen, read_ledger, read_seen
from .data.opening import open_source
from .data.periods import read_periods, written_sha256
from .data.plausible import LONGEST
from .data.refusal import BrokenRule, DataRefused
from .data.sources import Source
from .data.summary import Summary, summarize
from .data.unique import check_ids
from .data.validate import validate
from .ingest import rules_of
from .layout import LEDGER, PERIODS, SEEN
from .settings import Params


@dataclass(frozen=True)
class Arrivals:
    """The source's periods.

    history: those up to the watermark, the last LONGEST of them, in order. new: those after it, in order. refused: why
    the contract refuses a period, a line each; such a period may not be in `new`.
    """

    history: list[Summary]
    new: dict[str, Summary]
    refused: dict[str, list[str]]


def read_arrivals(root: Path, contract: Contract, params: Params, today: str) -> Arrivals:
    """Read what the source has after the watermark; today: a day, up to which a database is asked.

    History is read from the periods that were taken; where they are not on this machine, as in a fresh clone, from the
    source.

    Raises ContractError if the source cannot be read.
    """
    reading = _Reading(root, contract, params)
    ahead = str(np.datetime64(today, "D").astype(f"datetime64[{params.unit}]"))
    reading.read(open_source(dataclasses.replace(params, watermark=max(ahead, str(params.watermark))), contract))
    return reading.arrivals()


class _Reading:
    """The periods that are read from the objects of a source."""

    def __init__(self, root: Path, contract: Contract, params: Params) -> None:
        self._root, self._contract, self._params = root, contract, params
        self._watermark = str(params.watermark)
        taken = [period for period in read_ledger(root / LEDGER) if period <= self._watermark]
        here = all(written_sha256(root / PERIODS, period) is not None for period in taken)
        self._taken = taken if here else []
        self._pieces: dict[str, list[pa.Table]] = {}
        self._refused: dict[str, list[str]] = {}

    def read(self, source: Source) -> None:
        """Read the objects in which there may be a period that is needed."""
        memory = read_seen(rules_of(self._contract, self._params), self._root / SEEN) if self._taken else {}
        for name, mark in tqdm(sorted(source.objects().items()), desc="reading", unit="object", disable=None):
            if not self._is_old(memory.get(name), mark):
                self._read(name, source.read(name))

    def arrivals(self) -> Arrivals:
        """What was read, summarized."""
        tables = {period: pa.concat_tables(pieces) for period, pieces in sorted(self._pieces.items())}
        new = {period: table for period, table in tables.items() if period > self._watermark}
        taken = {period: partial(read_periods, self._root / PERIODS, [period]) for period in self._taken}
        for period, table in new.items():
            try:
                check_ids(self._contract, {period: table.select}, taken)
            except DataRefused as error:
                self._refused.setdefault(period, []).append(str(error))
        names = list(self._contract.columns)
        if self._taken:
            before = self._taken[-LONGEST:]
            old = {period: read_periods(self._root / PERIODS, [period], names) for period in before}
        else:
            before = [period for period in tables if period <= self._watermark][-LONGEST:]
            old = {period: tables[period] for period in before}
        return Arrivals(
            [self._summary(period, table) for period, table in old.items() if table.num_rows],
            {period: self._summary(period, table) for period, table in new.items()},
            self._refused,
        )

    def _is_old(self, seen: Seen | None, mark: str) -> bool:
        """Whether this machine read the object as it is, and it had rows up to the watermark only."""
        return seen is not None and seen.fingerprint == mark and all(one <= self._watermark for one in seen.periods)

    def _read(self, name: str, raw: pa.Table) -> None:
        for period, rows in self._cut(name, raw):
            if period <= self._watermark and self._taken:
                continue
            try:
                valid = validate(rows, self._contract, f"{period} in {name}")
                self._pieces.setdefault(period, []).append(valid)
            except DataRefused as error:
                self._refused.setdefault(period, []).append(str(error))

    def _cut(self, name: str, raw: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        """The rows by period. If they have no usable time, they are refused as the first period after the watermark."""
        time = str(self._contract.time)
        if not raw.num_rows:
            return
        times: pa.ChunkedArray | BrokenRule = BrokenRule(time, "the data needs this column once", raw.num_rows)
        if raw.column_names.count(time) == 1:
            times = conform(raw[time], self._contract.columns[time], time)
        if not isinstance(times, BrokenRule) and times.null_count:
            times = BrokenRule(time, "a time is missing", times.null_count)
        if isinstance(times, BrokenRule):
            following = str(self._params.start(self._watermark) + 1)
            self._refused.setdefault(following, []).append(str(DataRefused(name, [times])))
            return
        periods = times.to_numpy().astype(f"datetime64[{self._params.unit}]")
        for period in np.unique(periods):
            yield str(period), raw.filter(pa.array(periods == period))

    def _summary(self, period: str, table: pa.Table) -> Summary:
        return summarize(table, self._contract, period, self._params.unit)
