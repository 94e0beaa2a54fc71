"""Boosted trees that answer many rows at once, several times as fast as walking from node to node.

The leaves of each tree are numbered from left to right. Each feature has a table: for each interval of its values (or
each category), a bit mask of the leaves that every tree can still reach. The masks of all features are combined with a
bitwise and; a row ends in the lowest leaf that is left.

Lucchese et al., QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees, SIGIR
2015.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

PREFIX = "quickscorer."  # of its entries in a model's metadata
BLOCK = 8192  # rows that are looked up in the tables' edges at once
SAMPLES = 256
PART = 32768  # leaves at a time, so that the arrays stay in the processor's nearest caches


@dataclass(frozen=True)
class QuickScorer:
    """The tables of t trees over f of a model's features, with l leaves in a tree at most, l being at most 64.

    masks: of shape (rows of all tables, t), uint32 or uint64: the reachable leaves, leaf 0 being the lowest bit.
        The table of a quantity has a row for each interval between its edges, the upper edge included, and one for a
        missing value; that of a category has one for each of its values, and one for every other and a missing value.
    edges: those of all features, one after the other, each feature's in ascending order.
    counts: of shape (f,): the number of edges of each feature.
    features: of shape (f,): the position of each feature in the model's table.
    categories: of shape (f,): whether the feature is a category.
    leaves: of shape (t, l), float64: the values of the leaves, which are added up.
    targets: of shape (): the number of sums; the trees belong to them in turn.
    link: an ONNX model in bytes that computes `prediction` from `sums`, float64 of shape (n, targets).
    """

    masks: NDArray[np.uint32] | NDArray[np.uint64]
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    features: NDArray[np.int64]
    categories: NDArray[np.bool_]
    leaves: NDArray[np.float64]
    targets: NDArray[np.int64]
    link: NDArray[np.uint8]

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> QuickScorer | None:
        """The tables that `metadata` wrote, or None if there are none."""
        names = [field.name for field in fields(cls)]
        if any(PREFIX + name not in metadata for name in names):
            return None
        return cls(*(_array(metadata[PREFIX + name]) for name in names))

    def metadata(self) -> dict[str, str]:
        """The tables as texts: each array in NumPy's own format, in base64."""
        return {PREFIX + field.name: _text(getattr(self, field.name)) for field in fields(self)}

    def sums(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sums for n rows of the model's features, of shape (n, targets).

        They are added in the order of the trees, so they equal those of ONNX's TreeEnsemble to the last bit.
        """
        parts = [self._block(table[start : start + BLOCK]) for start in range(0, len(table), BLOCK)]
        return np.concatenate(parts, axis=1).T

    def samples(self, width: int) -> NDArray[np.float64]:
        """Rows of a model's features, of shape (SAMPLES, width), that reach leaves all over the trees.

        The values of each feature are its edges and a missing value, evenly and in an order of its own.
        """
        table, row = np.zeros((SAMPLES, width)), np.arange(SAMPLES)
        starts = np.cumsum(self.counts) - self.counts
        for number, (feature, start, count) in enumerate(zip(self.features, starts, self.counts, strict=True)):
            values = np.append(self.edges[start : start + count], np.nan)
            spread = row * np.sqrt(number + 2.5) % 1  # as the multiples of an irrational number are
            table[:, feature] = values[(spread * len(values)).astype(np.intp)]
        return table

    def _block(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = np.ascontiguousarray(table.T)
        places = np.empty((len(self.features), len(table)), dtype=np.intp)
        edge = row = 0
        for number, (feature, count, is_category) in enumerate(
            zip(self.features, self.counts, self.categories, strict=True)
        ):
            edges, values = self.edges[edge : edge + count], columns[feature]
            positions = np.searchsorted(edges, values)  # NaN sorts last
            if not is_category:
                positions += np.isnan(values)
            elif count:
                positions[edges.take(positions, mode="clip") != values] = count
            places[number] = positions + row
            edge += count
            row += count + (1 if is_category else 2)
        step = max(1, PART // len(self.leaves))
        return np.concatenate(
            [self._part(places[:, start : start + step]) for start in range(0, len(table), step)], axis=1
        )

    def _part(self, places: NDArray[np.intp]) -> NDArray[np.float64]:
        left = self.masks.take(places[0], axis=0)
        for rows in places[1:]:
            left &= self.masks.take(rows, axis=0)
        left &= -left  # the lowest bit alone, whose number is its exponent as a float
        if left.itemsize == 4:
            leaf: NDArray = (left.astype(np.float32).view(np.int32) >> 23) - 127
        else:
            leaf = (left.astype(np.float64).view(np.int64) >> 52) - 1023
        trees, leaves = self.leaves.shape
        leaf += np.arange(0, trees * leaves, leaves, dtype=leaf.dtype)
        values = self.leaves.take(leaf).T.copy()
        return np.add.reduce(values.reshape(-1, int(self.targets), values.shape[1]), axis=0)


def _text(array: NDArray) -> str:
    written = io.BytesIO()
    np.save(written, array, allow_pickle=False)
    return base64.b64encode(written.getvalue()).decode()


def _array(text: str) -> NDArray:
    return np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)
