"""The rows that a model is fitted on, as one matrix that is filled a period at a time.

Beside the matrix, memory holds the columns of one period.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...errors import ContractError
from ...runtime.contract import Contract
from ...runtime.matrix import Columns, categorical, matrix
from ..layout import PERIODS
from ..settings import Params
from .dataset import Rows, no_rows, part_of, read_parts, told_days
from .parts import Part
from .periods import count_rows


@dataclass(frozen=True)
class Matrix:
    """The features of n rows with a target.

    table: shape (n, features), as `runtime.matrix` makes it. features: their names. categories: the positions of those
    that are categories. target: shape (n,), as `Rows` has it, with `unlabelled`, `periods` and `days` as there.
    """

    table: NDArray[np.float64]
    features: list[str]
    categories: list[int]
    target: NDArray
    unlabelled: int
    periods: list[str]
    days: tuple[str, str] | None = None

    @property
    def columns(self) -> dict[str, NDArray[np.float64]]:
        """The features by their names, each of shape (n,)."""
        return {name: self.table[:, place] for place, name in enumerate(self.features)}


def read_matrix(
    root: Path, contract: Contract, params: Params, part: Part, features: Callable[[Columns], Mapping[str, NDArray]]
) -> Matrix:
    """The features of one part of the split.

    Raises ContractError if no row has a target, or a period has other features than the one before it.
    """
    stretch = part_of(root, contract, params, part)
    table, filled, unlabelled = np.empty((0, 0)), 0, 0
    names: list[str] = []
    categories: list[int] = []
    targets: list[NDArray] = []
    for rows in read_parts(root, contract, params, part):
        found = features(rows.columns)
        if not targets:
            names, categories = list(found), categorical(found)
            table = np.empty(
                (count_rows(root / PERIODS, stretch.periods), len(names))
            )  # pages that are not filled cost none
        elif (list(found), categorical(found)) != (names, categories):
            raise ContractError("features.py gives other features, or other kinds of them, for other rows")
        table[filled : filled + len(rows.target)] = matrix(found)
        filled += len(rows.target)
        unlabelled += rows.unlabelled
        targets.append(rows.target)
    if not targets:
        raise no_rows(contract, part, stretch)
    pa.default_memory_pool().release_unused()  # a fit needs as much again
    days = told_days(stretch)
    return Matrix(table[:filled], names, categories, np.concatenate(targets), unlabelled, stretch.periods, days)


def matrix_of(rows: Rows, features: Mapping[str, NDArray]) -> Matrix:
    """The features of rows that are in memory."""
    kinds = categorical(features)
    return Matrix(matrix(features), list(features), kinds, rows.target, rows.unlabelled, rows.periods, rows.days)


class StoredColumns(Mapping[str, NDArray]):
    """The inputs of one part of the split, each read when it is asked for."""

    def __init__(self, root: Path, contract: Contract, params: Params, part: Part) -> None:
        self._where = root, contract, params, part
        self._names = list(contract.inputs)

    def __getitem__(self, name: str) -> NDArray:
        root, contract, params, part = self._where
        return np.concatenate([rows.columns[name] for rows in read_parts(root, contract, params, part, [name])])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
