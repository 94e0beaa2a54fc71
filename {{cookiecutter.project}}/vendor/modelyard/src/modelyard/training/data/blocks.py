"""The rows of one part of the split, a block at a time: memory holds no more of them, however many there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...runtime.contract import Contract
from ..layout import PERIODS
from ..settings import Params
from . import periods
from .dataset import Rows, encode_target, labelled, no_rows, part_of, with_split, within
from .parts import Part

BLOCK = 262_144  # rows


def read_blocks(
    root: Path, contract: Contract, params: Params, part: Part, names: Sequence[str] | None = None
) -> Iterator[Rows]:
    """One part, in blocks of one period each; those without a row that has a target are left out.

    names: the columns to read, as `read_rows` has them.
    """
    stretch = part_of(root, contract, params, part)
    inputs = None if names is None else [name for name in names if name in contract.inputs]
    for table in _tables(root, contract, params, part, names):
        if table[contract.target].null_count < table.num_rows:
            yield labelled(table, contract, part, stretch, inputs)


@dataclass(frozen=True)
class Blocks:
    """The rows of one part of the split as `read_blocks` gives them, as often as they are asked for.

    chosen: shape (n,), which of the rows; None for all.
    """

    root: Path
    contract: Contract
    params: Params
    part: Part
    chosen: NDArray[np.bool_] | None = None

    def __iter__(self) -> Iterator[Rows]:
        before = 0
        for rows in read_blocks(self.root, self.contract, self.params, self.part):
            count = len(rows.target)
            if self.chosen is None:
                yield rows
            elif (places := np.flatnonzero(self.chosen[before : before + count])).size:
                yield rows.take(places)
            before += count


def read_target(root: Path, contract: Contract, params: Params, part: Part) -> tuple[NDArray, int]:
    """The targets of a part, shape (n,), and the number of further rows, without one.

    Raises ContractError if no row has a target.
    """
    targets, unlabelled = [], 0
    for table in _tables(root, contract, params, part, []):
        column = table[contract.target]
        unlabelled += column.null_count
        targets.append(encode_target(table.select([contract.target]).filter(column.is_valid()), contract))
    target = np.concatenate(targets) if targets else np.empty(0)
    if not len(target):
        raise no_rows(contract, part, part_of(root, contract, params, part))
    return target, unlabelled


def _tables(
    root: Path, contract: Contract, params: Params, part: Part, names: Sequence[str] | None
) -> Iterator[pa.Table]:
    """The rows of a part, with and without a target, in blocks of one period each."""
    stretch = part_of(root, contract, params, part)
    read = list(contract.columns) if names is None else with_split(names, contract)
    for period in stretch.periods:
        before = 0
        for table in periods.read_blocks(root / PERIODS, period, read, BLOCK):
            yield within(table, contract, params, part, stretch, before)
            before += table.num_rows


def rows_at(root: Path, contract: Contract, params: Params, part: Part, places: NDArray[np.int64]) -> Rows:
    """The rows at these places among those of a part that have a target, in that order."""
    order = np.argsort(places, kind="stable")
    ascending, before = places[order], 0
    taken = []
    for rows in read_blocks(root, contract, params, part):
        first, last = np.searchsorted(ascending, [before, before + len(rows.target)])
        if first < last:
            taken.append(rows.take(ascending[first:last] - before))
        before += len(rows.target)
    back = np.empty(len(places), dtype=np.int64)
    back[order] = np.arange(len(places))
    return _joined(taken).take(back)


def _joined(parts: list[Rows]) -> Rows:
    columns = {name: np.concatenate([rows.columns[name] for rows in parts]) for name in parts[0].columns}
    return dataclasses.replace(
        parts[0],
        table=pa.concat_tables([rows.table for rows in parts], promote_options="default"),
        columns=columns,
        target=np.concatenate([rows.target for rows in parts]),
    )


class StoredColumns(Mapping[str, NDArray]):
    """The inputs of one part of the split, each read when it is asked for."""

    def __init__(self, root: Path, contract: Contract, params: Params, part: Part) -> None:
        self._where = root, contract, params, part
        self._names = list(contract.inputs)

    def __getitem__(self, name: str) -> NDArray:
        return np.concatenate([rows.columns[name] for rows in read_blocks(*self._where, [name])])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
