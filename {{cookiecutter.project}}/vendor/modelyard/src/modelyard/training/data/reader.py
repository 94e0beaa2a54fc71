"""Reads the source's objects, checks them by the contract and divides them into periods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from ...errors import ContractError
from ...runtime.contract import Contract
from ..settings import Params
from .conform import ARROW, conform
from .ledger import Seen
from .periods import WHOLE, rows_sha256
from .refusal import BrokenRule, DataRefused
from .sources import Source


class Pieces(Protocol):
    """Where the rows that were read are kept, by period."""

    def add(self, period: str, table: pa.Table, sha256: str) -> None:
        """Keep one object's rows of a period, with their hash, after those that are kept of it."""

    def tables(self, period: str) -> list[pa.Table]:
        """What is kept of a period, in order."""


class InMemory:
    """Pieces that stay in memory."""

    def __init__(self) -> None:
        self._tables: dict[str, list[pa.Table]] = {}

    def add(self, period: str, table: pa.Table, sha256: str) -> None:
        """Keep the rows; who wants their hash finds it in `Reader.seen`."""
        self._tables.setdefault(period, []).append(table)

    def tables(self, period: str) -> list[pa.Table]:
        """What is kept of a period."""
        return self._tables.get(period, [])


class Reader:
    """The objects of one source that are read in one run, each once.

    pieces: where their rows are kept; in memory unless it is given.
    """

    def __init__(self, source: Source, contract: Contract, params: Params, pieces: Pieces | None = None) -> None:
        self._source, self._contract, self._params = source, contract, params
        self._pieces = pieces or InMemory()
        self.fingerprints = source.objects()
        self.seen: dict[str, Seen] = {}

    def read(self, names: Iterable[str]) -> None:
        """Read these objects up to the watermark, except those already read.

        Raises ContractError with all faults of all objects.
        """
        refused = []
        for name in tqdm(sorted(set(names) - self.seen.keys()), desc="reading", unit="object", disable=None):
            try:
                self._read(name)
            except DataRefused as error:
                refused.append(str(error))
            except pa.ArrowException as error:
                refused.append(f"{name} has values that cannot be read: {error}")
        if refused:
            raise ContractError("\n".join(refused))

    def period(self, period: str) -> pa.Table:
        """All rows of one period, from all objects, sorted by time and id."""
        tables = self._pieces.tables(period)
        if len(tables) == 1:
            return tables[0]
        if not tables:
            return self._empty()
        # a file from which a person's rows were removed may say of a column that no value is missing
        return self._sorted(pa.concat_tables(tables, promote_options="default"))

    def _read(self, name: str) -> None:
        table, later = self._valid(name)
        hashes = {}
        for period, rows in self._cut(table):
            hashes[period] = rows_sha256(rows)
            self._pieces.add(period, rows, hashes[period])
        self.seen[name] = Seen(self.fingerprints[name], hashes | dict.fromkeys(later, ""))

    def _valid(self, name: str) -> tuple[pa.Table, list[str]]:
        """The rows of an object up to the watermark, checked, and the periods of those after it."""
        from .validate import validate  # imports pandas and pandera, so only if something is read

        due, later = self._due(self._source.read(name))
        if later and not due.num_rows:
            return self._empty(), later
        return validate(due, self._contract, name), later

    def _due(self, raw: pa.Table) -> tuple[pa.Table, list[str]]:
        """The rows up to the watermark, and the periods of those after it."""
        name = self._contract.time
        if name is None or raw.column_names.count(name) != 1:
            return raw, []
        times = conform(raw[name], self._contract.columns[name])
        if isinstance(times, BrokenRule):
            return raw, []
        periods = self._periods(times)
        after = periods > self._params.start(str(self._params.watermark))
        if not after.any():
            return raw, []
        return raw.filter(pa.array(~after)), [str(period) for period in np.unique(periods[after])]

    def _cut(self, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        if self._contract.time is None:
            yield WHOLE, self._sorted(table)
            return
        periods = self._periods(table[self._contract.time])
        for period in np.unique(periods):
            yield str(period), self._sorted(table.filter(pa.array(periods == period)))

    def _empty(self) -> pa.Table:
        return pa.table({name: pa.array([], ARROW[column.type]) for name, column in self._contract.columns.items()})

    def _periods(self, times: pa.ChunkedArray) -> np.ndarray:
        return times.to_numpy().astype(f"datetime64[{self._params.unit}]")

    def _sorted(self, table: pa.Table) -> pa.Table:
        keys = list(self._contract.named("time") | self._contract.named("id"))
        if not keys:
            return table
        # by position, because Arrow looks a name up as a path
        numbered = table.select(keys).rename_columns([str(place) for place in range(len(keys))])
        return table.take(pc.sort_indices(numbered, [(name, "ascending") for name in numbered.column_names]))
