"""The parts of a source, as ingest takes them one by one: what fits all of them together must fit each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from ...errors import ContractError
from ...runtime.column import Column
from ...runtime.contract import Contract
from ..data.opening import open_source
from ..data.reader import Reader
from ..data.refusal import ADVICE
from ..data.validate import may_be_empty
from ..settings import UNITS, Params
from .personal import as_personal
from .types import typed, typed_as


def together(parts: Mapping[str, pa.Table], source: str) -> pa.Table:
    """The rows of all parts of a source. Raises ContractError that names columns whose types do not fit together."""
    try:
        return pa.concat_tables(parts.values(), promote_options="permissive")
    except pa.ArrowException:
        pass
    for name, part in parts.items():
        if twice := [column for column in part.column_names if part.column_names.count(column) > 1]:
            raise ContractError(f"{name} has the column {twice[0]!r} twice; give one of them another name")
    kinds: dict[str, dict[str, str]] = {}
    for name, part in parts.items():
        for cells in part.schema:
            if not pa.types.is_null(cells.type):
                kinds.setdefault(cells.name, {}).setdefault(str(cells.type), name)
    told = [
        f"{column} has {' and '.join(f'{kind} in {name}' for kind, name in found.items())}"
        for column, found in kinds.items()
        if len(found) > 1
    ]
    raise ContractError(f"the files of {source} do not fit together: {'; '.join(told)}")


def by_period(table: pa.Table, contract: Contract, period: str) -> list[pa.Table]:
    """The rows of each period, as a source that has no files is taken."""
    if contract.time is None:
        return [table]
    times = typed_as(contract, table.select([contract.time]))[contract.time].to_numpy()
    periods = times.astype(f"datetime64[{UNITS[period]}]")
    return [table.filter(pa.array(periods == one)) for one in np.unique(periods)]


def fit_each(contract: Contract, parts: Sequence[pa.Table]) -> Contract:
    """The contract with `empty` and `pii` for the columns that need it in one of the parts alone."""
    columns = {
        name: _fitted(column, [part[name] for part in parts if name in part.column_names])
        for name, column in contract.columns.items()
    }
    slices = [name for name in contract.slices if columns[name].role == "feature"]
    return dataclasses.replace(contract, columns=columns, slices=slices)


def _fitted(column: Column, parts: Sequence[pa.ChunkedArray]) -> Column:
    for values in parts:
        if column.missing and values.null_count == len(values) and not may_be_empty(column):
            column = dataclasses.replace(column, empty=True)
        if not column.pii:
            column = as_personal(column, values)
    return column


def column_at_fault(table: pa.Table) -> str:
    """The first column that has no type of a contract, for a message."""
    for name in table.column_names:
        try:
            typed(table.select([name]))
        except ContractError:  # times with an offset, which is another fault
            continue
        except pa.ArrowException:
            return f"the column {name!r} has values"
    return "the source has values"


def read_again(contract: Contract, params: Params) -> None:
    """Read the source by the contract as ingest will. Raises ContractError that says why it would be refused."""
    reader = Reader(open_source(params, contract), contract, params)
    try:
        reader.read(reader.fingerprints)
    except ContractError as error:
        told = "\n".join(line for line in str(error).split("\n") if not line.startswith(ADVICE))
        raise ContractError(f"nothing was written, as ingest would refuse this source; mend it first\n{told}") from None
