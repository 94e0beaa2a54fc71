"""The features of the rows that a model is fitted on: as one matrix, or a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...errors import ContractError
from ...runtime.contract import Contract
from ...runtime.matrix import Columns, categorical, matrix
from ..settings import Params
from .blocks import read_blocks
from .dataset import Rows, no_rows, part_of, told_days
from .parts import Part

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Matrix:
    """The features of n rows with a target.

    table: shape (n, features), as `runtime.matrix` makes it. features: their names. categories: the positions of those
    that are categories. target: shape (n,), as `Rows` has it, with `unlabelled`, `periods` and `days` as there.
    """

    table: Table
    features: list[str]
    categories: list[int]
    target: NDArray
    unlabelled: int
    periods: list[str]
    days: tuple[str, str] | None = None

    def __iter__(self) -> Iterator[tuple[Table, NDArray]]:
        """The table and the target."""
        yield self.table, self.target

    def take(self, places: NDArray[np.int64]) -> Matrix:
        """The rows at these places, in that order."""
        return replace(self, table=self.table[places], target=self.target[places])


def matrix_of(rows: Rows, features: Mapping[str, NDArray]) -> Matrix:
    """The features of rows that are in memory."""
    kinds = categorical(features)
    return Matrix(matrix(features), list(features), kinds, rows.target, rows.unlabelled, rows.periods, rows.days)


class FeatureBlocks:
    """The features of the n rows of a part that have a target, made anew from what is stored each time they are asked.

    What it has is named as in `Matrix`, but for the table: iterating gives a block's table and its target. root: the
    project's folder.

    Raises ContractError if no row has a target, or a block has other features than the first.
    """

    def __init__(
        self,
        root: Path,
        contract: Contract,
        params: Params,
        part: Part,
        features: Callable[[Columns], Mapping[str, NDArray]],
    ) -> None:
        self.root = root
        self._where = root, contract, params, part
        self._compute = features
        stretch = part_of(*self._where)
        self.periods, self.days = stretch.periods, told_days(stretch)
        first = next(read_blocks(*self._where), None)
        if first is None:
            raise no_rows(contract, part, stretch)
        found = features(first.columns)
        self.features, self.categories = list(found), categorical(found)
        targets = list(read_blocks(*self._where, []))
        self.target = np.concatenate([rows.target for rows in targets])
        self.unlabelled = sum(rows.unlabelled for rows in targets)

    def __iter__(self) -> Iterator[tuple[Table, NDArray]]:
        return self.between(0, len(self.target))

    def between(self, first: int, last: int) -> Iterator[tuple[Table, NDArray]]:
        """The rows from the place `first` to before `last`, a block's table and its target at a time."""
        before = 0
        for block in read_blocks(*self._where):
            start, end = max(first - before, 0), min(last - before, len(block.target))
            before += len(block.target)
            if start >= end:
                continue
            rows = block if end - start == len(block.target) else block.take(np.arange(start, end))
            found = self._compute(rows.columns)
            if (list(found), categorical(found)) != (self.features, self.categories):
                raise ContractError("features.py gives other features, or other kinds of them, for other rows")
            yield matrix(found), rows.target

    def in_memory(self) -> Matrix:
        """All of them as one matrix, which is filled block by block."""
        table = np.empty((len(self.target), len(self.features)))
        filled = 0
        for block, _target in self:
            table[filled : filled + len(block)] = block
            filled += len(block)
        pa.default_memory_pool().release_unused()  # a fit needs as much again
        return self._with(table, self.target)

    def take(self, places: NDArray[np.int64]) -> Matrix:
        """The rows at these places, which ascend, as one matrix."""
        taken, before = [], 0
        for block, _target in self:
            first, last = np.searchsorted(places, [before, before + len(block)])
            taken.append(block[places[first:last] - before])
            before += len(block)
        return self._with(np.concatenate(taken), self.target[places])

    def _with(self, table: Table, target: NDArray) -> Matrix:
        return Matrix(table, self.features, self.categories, target, self.unlabelled, self.periods, self.days)


class Partition:
    """Consecutive rows of `FeatureBlocks`: one of `count` partitions that are as large as each other, or by one larger.

    What it has is named as there, and is of all partitions but for the rows that iterating gives. place: from 0 on.
    """

    def __init__(self, blocks: FeatureBlocks, place: int, count: int) -> None:
        self.root, self.target = blocks.root, blocks.target
        self._blocks = blocks
        self._ends = [len(blocks.target) * one // count for one in (place, place + 1)]

    def __iter__(self) -> Iterator[tuple[Table, NDArray]]:
        return self._blocks.between(*self._ends)
