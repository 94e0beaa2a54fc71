"""The rows of training, validation and holdout, encoded for the model."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import ContractError
from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.matrix import Columns
from ..layout import LEDGER, PERIODS
from ..settings import Params, Split
from .ledger import read_ledger
from .parts import Part, Stretch, split_time
from .periods import WHOLE, read_periods

BUCKETS = 10_000


@dataclass(frozen=True)
class Rows:
    """The labelled rows of one part of the split.

    table: all columns of the contract, n rows.
    columns: the inputs in the encoding that `features` expects.
    target: shape (n,): the number, or the position in `contract.classes`.
    unlabelled: the number of further rows, without a target.
    periods: the periods of the rows.
    days: the first and the last day of the part, if it does not have all rows of its periods.
    """

    table: pa.Table
    columns: Columns
    target: NDArray
    unlabelled: int
    periods: list[str]
    days: tuple[str, str] | None = None

    def take(self, places: NDArray[np.int64]) -> Rows:
        """The rows at these places, in that order."""
        columns = {name: values[places] for name, values in self.columns.items()}
        return dataclasses.replace(self, table=self.table.take(places), columns=columns, target=self.target[places])


def read_rows(root: Path, contract: Contract, params: Params, part: Part, names: Sequence[str] | None = None) -> Rows:
    """One part of the split.

    names: the columns of its table, with the target among them; else all. Of the inputs, those among them are encoded.

    Raises ContractError that names the periods if no row has a target.
    """
    stretch = part_of(root, contract, params, part)
    read = list(contract.columns) if names is None else with_split(names, contract)
    table = read_periods(root / PERIODS, stretch.periods, read)
    inputs = None if names is None else [name for name in names if name in contract.inputs]
    return labelled(within(table, contract, params, part, stretch), contract, part, stretch, inputs)


def part_of(root: Path, contract: Contract, params: Params, part: Part) -> Stretch:
    """Which periods and days a part has; the one period of data without a time. Raises ContractError without data."""
    taken = list(read_ledger(root / LEDGER))
    if not taken:
        raise ContractError("no data was taken yet; take it with `make pipeline`")
    return _split_time(root, taken, contract.time, params)[part] if contract.time else Stretch([WHOLE])


def told_days(stretch: Stretch) -> tuple[str, str] | None:
    """The first and the last day of a part, if it does not have all rows of its periods."""
    return stretch.days and (str(stretch.days[0]), str(stretch.days[1]))


def no_rows(contract: Contract, part: Part, stretch: Stretch) -> ContractError:
    """The error where no row of a part has a target."""
    days = told_days(stretch)
    where = " to ".join(days) if days else ", ".join(stretch.periods)
    return ContractError(f"the {part} rows ({where}) have no {contract.target} to learn or judge by")


def with_split(names: Sequence[str], contract: Contract) -> list[str]:
    """These columns, the target and those that say to which part a row belongs."""
    deciding = [contract.time] if contract.time else list(contract.named("group") or contract.named("id"))
    return list(dict.fromkeys([*names, contract.target, *deciding]))


def within(
    table: pa.Table, contract: Contract, params: Params, part: Part, stretch: Stretch, before: int = 0
) -> pa.Table:
    """The rows of a table that belong to a part. before: how many rows of the data are before the table's."""
    if contract.time:
        return _within_days(table, contract.time, stretch)
    fits = ["train", "validation"] if params.split.refit else ["train"]
    parts = fits if part == "shipped" else [part]
    return table.filter(pa.array(np.isin(split_rows(table, contract, params.split, before), parts)))


def labelled(
    table: pa.Table, contract: Contract, part: Part, stretch: Stretch, inputs: Sequence[str] | None = None
) -> Rows:
    """The rows of a table that have a target, encoded. Raises ContractError if there is none.

    inputs: those that are encoded; else all.
    """
    chosen = table.filter(table[contract.target].is_valid())
    if not chosen.num_rows:
        raise no_rows(contract, part, stretch)
    return Rows(
        table=chosen,
        columns=encode_table(chosen, contract, inputs),
        target=encode_target(chosen, contract),
        unlabelled=table.num_rows - chosen.num_rows,
        periods=stretch.periods,
        days=told_days(stretch),
    )


def days_of_rows(table: pa.Table, time: str) -> NDArray[np.datetime64]:
    """The day of each row, shape (n,)."""
    return table[time].to_numpy().astype("datetime64[D]")


def _split_time(root: Path, taken: list[str], time: str, params: Params) -> dict[Part, Stretch]:
    def last_day(period: str, before: np.datetime64 | None) -> np.datetime64 | None:
        found = days_of_rows(read_periods(root / PERIODS, [period], [time]), time)
        found = found if before is None else found[found < before]
        return found.max() if len(found) else None

    return split_time(taken, params.split, params.unit, last_day)


def _within_days(table: pa.Table, time: str, stretch: Stretch) -> pa.Table:
    if stretch.days is None:
        return table
    found = days_of_rows(table, time)
    return table.filter(pa.array((found >= stretch.days[0]) & (found <= stretch.days[1])))


def split_rows(table: pa.Table, contract: Contract, split: Split, before: int = 0) -> NDArray[np.str_]:
    """The part of each row in data without time, by the hash of its group, else of its id, else of its position.

    A row keeps its part when others are added or removed. Raises ContractError if nothing is left to train on.

    before: how many rows of the data are before the table's.
    """
    holdout, validation = split.holdout, split.validation
    if isinstance(holdout, str) or isinstance(validation, str) or not holdout + validation < 1:
        raise ContractError("params.yaml: data without a time column is split by fractions; holdout and validation "
                            f"must add up to less than 1, found {holdout} + {validation}")  # fmt: skip
    named = contract.named("group") or contract.named("id")
    ids = [table[name].cast(pa.string()).to_pylist() for name in named]
    keys: Iterable = (
        zip(*ids, strict=True) if ids else ((str(place),) for place in range(before, before + table.num_rows))
    )
    spread = np.array([zlib.crc32("\x1f".join(key).encode()) % BUCKETS for key in keys]) / BUCKETS
    edges = [holdout, holdout + validation]
    return np.array(["holdout", "validation", "train"])[np.searchsorted(edges, spread, side="right")]


def encode_table(table: pa.Table, contract: Contract, inputs: Sequence[str] | None = None) -> dict[str, NDArray]:
    """The contract's inputs, or these of them, in the encoding that `features` expects, as `rows.encode` gives it."""
    chosen = contract.inputs if inputs is None else {name: contract.inputs[name] for name in inputs}
    return {name: _encode(table[name], column) for name, column in chosen.items()}


def slice_rows(values: pa.ChunkedArray, column: Column) -> Iterator[tuple[Any, NDArray[np.bool_]]]:
    """Each category of a column, OTHER included, and which of the rows have it, shape (n,)."""
    codes = _encode(values, column)
    yield from ((label, codes == place) for place, label in enumerate(column.labels))


def encode_target(table: pa.Table, contract: Contract) -> NDArray:
    """The target, shape (n,): the number, or the position of the class."""
    values = table[contract.target]
    if contract.kind == "regression":
        return values.cast(pa.float64()).to_numpy()
    return pc.index_in(values, pa.array(contract.classes, values.type)).to_numpy()


def _encode(values: pa.ChunkedArray, column: Column) -> NDArray:
    if column.values is not None:
        codes = pc.index_in(values, pa.array(column.values, values.type))
        if column.other:
            codes = pc.if_else(values.is_valid(), pc.fill_null(codes, len(column.values)), -1)
        return codes.fill_null(-1).to_numpy().astype(np.int64)
    if column.type == "timestamp":
        return values.to_numpy().astype("datetime64[us]")
    return values.cast(pa.float64()).to_numpy()
