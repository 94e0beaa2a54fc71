"""The records behind features with history, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ....errors import ContractError, counted
from ....runtime.column import Column
from ....runtime.contract import Contract
from ....runtime.history import HistoryFeature
from ..conform import conform
from ..refusal import BrokenRule
from ..sources.files import FileSource

LARGEST = 2.0**54  # of the sum of all magnitudes, which is exact to 2^-40
EXACTLY = ("sum", "mean")


@dataclass(frozen=True)
class Records:
    """The n records of one feature, each array of length n.

    keys: the columns of the entity. event, known: microseconds since 1970, in the zone of the rows. apart: what tells
    events of one entity and time apart. value: None where records are counted, a dictionary where different ones are.
    """

    keys: list[pa.ChunkedArray]
    event: NDArray[np.int64]
    known: NDArray[np.int64]
    apart: NDArray[np.int64]
    value: pa.ChunkedArray | None

    @cached_property
    def values(self) -> pa.Array:
        """The values as one array."""
        return (self.value if self.value is not None else pa.chunked_array([pa.nulls(0)])).combine_chunks()

    @cached_property
    def has_value(self) -> NDArray[np.bool_]:
        """Whether each record has a value."""
        return self.values.is_valid().to_numpy(zero_copy_only=False)

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The values as numbers, NaN where there is none."""
        return self.values.cast(pa.float64()).to_numpy(zero_copy_only=False)

    @cached_property
    def numbered(self) -> NDArray[np.int32]:
        """A number for each value of a dictionary, the same for the same ones, -1 where there is none."""
        return self.values.indices.fill_null(-1).to_numpy()


class RecordSource:
    """One source of records, which several features may have; it is read once, when first needed."""

    def __init__(self, path: str, contract: Contract) -> None:
        self._path, self._contract = path, contract
        self._features = {name: one for name, one in contract.features.items() if one.source == path}
        self._unread = set(self._features)
        self._where = f"features.{next(iter(self._features))}: source {path}"

    @cached_property
    def marks(self) -> list[tuple[str, str]]:
        """Name and fingerprint of each file; the name without its folder, which differs from machine to machine."""
        try:
            return sorted((Path(name).name, mark) for name, mark in self._files.objects().items())
        except ContractError as error:
            raise self._told(error) from None

    def read(self, name: str) -> Records:
        """The records of one feature. Raises ContractError that names what is missing, or of another type."""
        feature, table = self._features[name], self._table
        where = f"features.{name}: source {self._path}"
        needed = [*feature.entity, feature.event_time, str(feature.known_at), *feature.record]
        needed += [feature.value] if feature.value else []
        if absent := [one for one in dict.fromkeys(needed) if one not in table.column_names]:
            raise ContractError(
                f"{where} has no column {', '.join(map(repr, absent))}; it has {', '.join(table.column_names)}"
            )
        typed = _columns(feature, self._contract)
        self._unread.discard(name)
        if not self._unread:
            del self._table  # it may be large
        return Records(
            [_conformed(table, key, typed[key], where) for key in feature.entity],
            self._times(table, feature.event_time, typed, where),
            self._times(table, str(feature.known_at), typed, where),
            _apart([table[one] for one in feature.record], table.num_rows),
            _value(table, feature, where) if feature.value else None,
        )

    @property
    def _files(self) -> FileSource:
        merged: dict[str, Column] = {}
        for feature in self._features.values():
            merged = {**_columns(feature, self._contract), **merged}
        return FileSource(self._path, merged)

    @cached_property
    def _table(self) -> pa.Table:
        needed = {name for feature in self._features.values() for name in _names(feature)}
        try:
            files = self._files
            tables = [files.read(name) for name in files.objects()]
            return pa.concat_tables(
                [table.select([name for name in table.column_names if name in needed]) for table in tables],
                promote_options="permissive",
            )
        except (ContractError, pa.ArrowException) as error:
            raise self._told(error) from None

    def _told(self, error: Exception) -> ContractError:
        said = str(error)
        source = f"source {self._path} "  # which an error of the files may begin with
        is_said = said.startswith(source)
        return ContractError(f"{self._where} {said.removeprefix(source)}" if is_said else f"{self._where}: {said}")

    def _times(self, table: pa.Table, name: str, typed: dict[str, Column], where: str) -> NDArray[np.int64]:
        times = _conformed(table, name, typed[name], where)
        if times.null_count:
            raise ContractError(f"{where}: {name} is missing in {counted(times.null_count, 'record')}; leave them out")
        return times.combine_chunks().cast(pa.int64()).to_numpy()


def sources(contract: Contract) -> dict[str, RecordSource]:
    """The sources of a contract's features, by path."""
    paths = dict.fromkeys(feature.source for feature in contract.features.values())
    return {path: RecordSource(path, contract) for path in paths}


def _names(feature: HistoryFeature) -> list[str]:
    return [*feature.entity, feature.event_time, str(feature.known_at), *feature.record, str(feature.value)]


def _columns(feature: HistoryFeature, contract: Contract) -> dict[str, Column]:
    """The columns of a feature's records, by which they are read."""
    time = contract.columns[str(contract.time)]
    moment = Column("timestamp", "unused", "", timezone=time.timezone)
    found = {key: replace(contract.columns[key], values=None, role="unused", other=False) for key in feature.entity}
    if feature.value and feature.aggregate not in ("count", "distinct"):
        found[feature.value] = feature.column
    return found | {feature.event_time: moment, str(feature.known_at): moment}


def _conformed(table: pa.Table, name: str, column: Column, where: str) -> pa.ChunkedArray:
    values = conform(table[name], column, name)
    if isinstance(values, BrokenRule):
        raise ContractError(f"{where}: {values}")
    return values


def _value(table: pa.Table, feature: HistoryFeature, where: str) -> pa.ChunkedArray:
    if feature.aggregate == "distinct":
        return pc.dictionary_encode(table[feature.value]).unify_dictionaries()
    if feature.aggregate == "count":
        return table[feature.value]
    values = _conformed(table, str(feature.value), feature.column, where)
    if feature.aggregate in EXACTLY and not (pc.sum(pc.abs(values)).as_py() or 0) <= LARGEST:
        raise ContractError(
            f"{where}: the magnitudes of {feature.value} add up to more than {LARGEST:.1e}, or one is infinite; sums "
            "have no room for that: give the values in a larger unit"
        )
    return values


def _apart(columns: list[pa.ChunkedArray], rows: int) -> NDArray[np.int64]:
    """A number for each combination of values, the same for the same ones."""
    if not columns:
        return np.zeros(rows, dtype=np.int64)
    first, *others = columns
    is_number = pa.types.is_signed_integer(first.type) and not first.null_count  # then it need not be numbered
    numbers = first.cast(pa.int64()).to_numpy() if is_number and not others else _numbered(first)
    for column in others:
        each = _numbered(column)
        numbers = np.unique(numbers * (each.max(initial=0) + 1) + each, return_inverse=True)[1]
    return numbers


def _numbered(values: pa.ChunkedArray) -> NDArray[np.int64]:
    encoded = pc.dictionary_encode(values, null_encoding="encode").unify_dictionaries()
    numbers = [chunk.indices.to_numpy() for chunk in encoded.chunks]  # the values themselves are not copied
    return np.concatenate([np.empty(0, np.int64), *numbers]).astype(np.int64)
