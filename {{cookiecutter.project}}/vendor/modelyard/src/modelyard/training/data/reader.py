"""Reads the source's objects, checks them by the contract and divides them into periods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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


class Reader:
    """The objects of one source that are read in one run, each once."""

    def __init__(self, source: Source, contract: Contract, params: Params) -> None:
        self._source, self._contract, self._params = source, contract, params
        self._tables: dict[str, dict[str, pa.Table]] = {}
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
        tables = [tables[period] for tables in self._tables.values() if period in tables]
        if len(tables) == 1:
            return tables[0]
        if not tables:
            return pa.table({name: pa.array([], ARROW[column.type]) for name, column in self._contract.columns.items()})
        return self._sorted(pa.concat_tables(tables))

    def _read(self, name: str) -> None:
        from .validate import validate  # imports pandas and pandera, so only if something is read

        due, later = self._due(self._source.read(name))
        tables = {}
        if due.num_rows or not later:
            tables = dict(self._cut(validate(due, self._contract, name)))
        hashes = {period: rows_sha256(table) for period, table in tables.items()}
        self._tables[name] = tables
        self.seen[name] = Seen(self.fingerprints[name], hashes | dict.fromkeys(later, ""))

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
        return raw.filter(pa.array(~after)), [str(period) for period in np.unique(periods[after])]

    def _cut(self, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        if self._contract.time is None:
            yield WHOLE, self._sorted(table)
            return
        periods = self._periods(table[self._contract.time])
        for period in np.unique(periods):
            yield str(period), self._sorted(table.filter(pa.array(periods == period)))

    def _periods(self, times: pa.ChunkedArray) -> np.ndarray:
        return times.to_numpy().astype(f"datetime64[{self._params.unit}]")

    def _sorted(self, table: pa.Table) -> pa.Table:
        keys = list(self._contract.named("time") | self._contract.named("id"))
        if not keys:
            return table
        # by position, because Arrow looks a name up as a path
        numbered = table.select(keys).rename_columns([str(place) for place in range(len(keys))])
        return table.take(pc.sort_indices(numbered, [(name, "ascending") for name in numbered.column_names]))
