"""A source of rows with the columns that features with history become, each value as it was known at the row's time."""

from __future__ import annotations

import hashlib
import json
import time
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ....errors import ContractError
from ....runtime.contract import Contract
from ....runtime.history import HistoryFeature
from ..conform import ARROW, conform
from ..refusal import BrokenRule
from ..sources import Source
from .records import sources
from .steps import Steps, steps_of


class History:
    """The features with history of a contract. Their records are read when the first value is asked for.

    By feature: `seconds` is what reading its records, making its steps and looking values up has taken, `records` is
    how many there are, and `newest` the time at which the last of them became known.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._sources = sources(contract)
        self._steps: dict[str, Steps] = {}
        self.seconds = dict.fromkeys(contract.features, 0.0)
        self.records: dict[str, int] = {}
        self.newest: dict[str, str | None] = {}

    @cached_property
    def mark(self) -> str:
        """A hash of all files with records. Raises ContractError if there are none."""
        found = {path: source.marks for path, source in self._sources.items()}
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()

    def steps(self, name: str) -> Steps:
        """The steps of one feature. Raises ContractError if its records cannot be read."""
        if name not in self._steps:
            feature, started = self._contract.features[name], time.perf_counter()
            records = self._sources[feature.source].read(name)
            self._steps[name] = steps_of(feature, records)
            self.records[name] = len(records.known)
            newest = records.known.max(initial=np.iinfo(np.int64).min).astype("datetime64[us]")
            self.newest[name] = str(newest.astype("datetime64[s]")) if len(records.known) else None
            self.seconds[name] += time.perf_counter() - started
        return self._steps[name]

    def filled(self, table: pa.Table, where: str) -> pa.Table:
        """Rows with a column for each feature, missing where the columns to look it up by are not what they should be.

        Raises ContractError if the rows have a column of such a name already.
        """
        if there := [name for name in self._contract.features if name in table.column_names]:
            raise ContractError(
                f"{where} has the column {there[0]}, which contract.yaml defines under features too: take it out of one"
            )
        moments = self._moments(table)
        for name, feature in self._contract.features.items():
            keys = None if moments is None else self._keys(table, feature)
            if keys is None or moments is None:
                values = pa.nulls(table.num_rows, ARROW[feature.column.type])
            else:
                steps, started = self.steps(name), time.perf_counter()
                values = steps.at(keys, moments)
                self.seconds[name] += time.perf_counter() - started
            table = table.append_column(name, values)
        return table

    def _moments(self, table: pa.Table) -> NDArray[np.int64] | None:
        times = _typed(table, str(self._contract.time), self._contract)
        if times is None or times.null_count:
            return None
        return times.combine_chunks().cast(pa.int64()).to_numpy()

    def _keys(self, table: pa.Table, feature: HistoryFeature) -> list[pa.ChunkedArray] | None:
        keys = [_typed(table, key, self._contract) for key in feature.entity]
        return None if any(key is None for key in keys) else [key for key in keys if key is not None]


class WithHistory:
    """A source whose rows get the features with history. An object is another one when the records change."""

    def __init__(self, source: Source, contract: Contract) -> None:
        self._source, self._history = source, History(contract)

    def objects(self) -> dict[str, str]:
        """The fingerprint of each object of the rows, with those of all records."""
        return {
            name: hashlib.sha256(f"{mark} {self._history.mark}".encode()).hexdigest()
            for name, mark in self._source.objects().items()
        }

    def read(self, name: str) -> pa.Table:
        """The rows of one object, in the source's order. Raises ContractError if it, or the records, cannot be read."""
        return self._history.filled(self._source.read(name), name)


def _typed(table: pa.Table, name: str, contract: Contract) -> pa.ChunkedArray | None:
    """A column in the contract's type; None if there is none, or another, which the check of the rows reports."""
    if table.column_names.count(name) != 1:
        return None
    values = conform(table[name], contract.columns[name], name)
    return None if isinstance(values, BrokenRule) else values
