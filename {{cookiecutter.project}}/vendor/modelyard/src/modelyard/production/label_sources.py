"""Where labels come from: the project's own source, or files that say what happened."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import ContractError
from ..runtime.contract import Contract
from ..training.data.conform import conform
from ..training.data.opening import open_source
from ..training.data.reader import Reader
from ..training.data.refusal import BrokenRule
from ..training.data.sources.files import FileSource
from ..training.settings import Params
from .layout import id_column, label_column

REQUEST = ["request", "row"]
KNOWN = "known"


@dataclass(frozen=True)
class Given:
    """Labels of one file or period: columns of the key, `label` as it is stored, and `known` if they say when.

    key: the columns by which they are joined.
    """

    table: pa.Table
    key: list[str]
    where: str


def can_have_labels(contract: Contract, place: str | None) -> bool:
    """Whether labels can be joined at all: the source's only by ids of the contract."""
    return place is not None or bool(contract.named("id"))


def from_files(place: str, contract: Contract) -> Iterator[Given]:
    """The labels in CSV or Parquet files, one by one, checked.

    A file has the contract's target and its id columns, or `request` and `row` of our log; and it may have `known`, the
    time (UTC) at which a label became known. Raises ContractError that says what is wrong with a file.
    """
    source = FileSource(place, contract.columns)
    for name in sorted(source.objects()):
        raw = source.read(name)
        ids = list(contract.named("id"))
        there = set(raw.column_names)
        key = ids if ids and there.issuperset(ids) else REQUEST
        if missing := {contract.target, *key} - there:
            wanted = f"{', '.join(ids)}, or request and row" if ids else "request and row"
            raise ContractError(
                f"labels {name}: no column {', '.join(sorted(missing))}; a file of labels has {contract.target} with "
                f"{wanted}, and this one has {', '.join(raw.column_names)}"
            )
        columns = {column if key is REQUEST else id_column(column): _key(raw, column, contract, name) for column in key}
        columns[label_column()] = _checked(raw, contract, name)
        if KNOWN in there and KNOWN not in contract.columns:
            columns[KNOWN] = _moment(raw[KNOWN], name)
        yield Given(_present(pa.table(columns)), list(columns)[: len(key)], name)


def from_source(contract: Contract, params: Params, until: datetime.datetime) -> Iterator[Given]:
    """The labels of the source's rows up to a time, period by period, read and checked as `ingest` does.

    Raises ContractError if rows break the contract.
    """
    if params.watermark is not None:
        params = dataclasses.replace(params, watermark=str(np.datetime64(until, params.unit)))
    reader = Reader(open_source(params, contract), contract, params)
    reader.read(reader.fingerprints)
    periods = sorted({period for seen in reader.seen.values() for period, digest in seen.periods.items() if digest})
    for period in periods:
        table = reader.period(period)
        if contract.time is not None:
            table = table.filter(pc.less_equal(table[contract.time], pa.scalar(until, pa.timestamp("us"))))
        columns = {id_column(name): table[name] for name in contract.named("id")}
        columns[label_column()] = _stored(table[contract.target], contract)
        yield Given(_present(pa.table(columns)), list(columns)[:-1], period)


def _key(raw: pa.Table, name: str, contract: Contract, where: str) -> pa.ChunkedArray:
    if name in contract.columns:
        return _conformed(raw, name, contract, where)
    try:
        return raw[name].cast(pa.string() if name == "request" else pa.int32())
    except pa.ArrowInvalid as error:
        raise ContractError(f"labels {where}: {name}: {error}") from None


def _checked(raw: pa.Table, contract: Contract, where: str) -> pa.ChunkedArray:
    column = contract.columns[contract.target]
    values = _conformed(raw, contract.target, contract, where)
    if contract.classes:
        allowed = pa.array(contract.classes, values.type)
        wrong = values.filter(pc.invert(pc.is_in(values, allowed))).drop_null()
        expected = f"one of {', '.join(map(str, contract.classes))}"
    else:
        low, high = column.bounds
        number = values.cast(pa.float64())
        wrong = values.filter(pc.or_(pc.less(number, low), pc.greater(number, high))).drop_null()
        expected = f"from {low:g} to {high:g}"
    if len(wrong):
        examples = ", ".join(str(value) for value in wrong.slice(0, 3).to_pylist())
        raise ContractError(
            f"labels {where}: {contract.target} has {len(wrong)} values that the contract does not allow, such as "
            f"{examples}; it must be {expected}"
        )
    return _stored(values, contract)


def _conformed(raw: pa.Table, name: str, contract: Contract, where: str) -> pa.ChunkedArray:
    found = conform(raw[name], contract.columns[name], name)
    if isinstance(found, BrokenRule):
        raise ContractError(f"labels {where}: {found}")
    return found


def _moment(values: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    try:
        moments = values.cast(pa.timestamp("us", "UTC") if pa.types.is_timestamp(values.type) else pa.timestamp("us"))
        return moments.cast(pa.timestamp("us"))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ContractError(
            f"labels {where}: {KNOWN} must be a time in UTC such as 2013-12-24T18:30:00: {error}"
        ) from None


def _stored(values: pa.ChunkedArray, contract: Contract) -> pa.ChunkedArray:
    return values.cast(pa.string() if contract.classes else pa.float64())


def _present(table: pa.Table) -> pa.Table:
    return table.filter(table[label_column()].is_valid())
