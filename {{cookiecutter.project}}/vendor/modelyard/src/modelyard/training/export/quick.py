"""Builds the tables of a QuickScorer from trees."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...runtime.quickscorer import QuickScorer
from .graph import Graph
from .trees import Tree

MOST_LEAVES = 64  # one bit for each
MOST_BYTES = 8_000_000  # of masks; larger ones do not fit into the caches and are no faster


def quickscorer(trees: list[Tree], targets: int, add_link: Callable[[Graph, str], str]) -> QuickScorer | None:
    """The tables for boosted trees, or None if trees or tables are too large, or nothing is asked.

    targets: the number of sums. add_link: adds to a graph what the prediction is, given the sums.
    """
    most = max(int(np.count_nonzero(tree.leaf)) for tree in trees)
    tables = _tables(trees)
    if not tables:  # every tree is one leaf
        return None
    bits = 32 if most <= 32 else 64
    word, every = np.dtype(f"uint{bits}"), (1 << bits) - 1
    size = sum(table.rows for table in tables) * len(trees) * word.itemsize
    if most > MOST_LEAVES or size > MOST_BYTES:
        return None
    link = Graph(targets, "sums")
    link_model = link.model(add_link(link, link.input))
    leaves = np.zeros((len(trees), most))
    masks = {table.feature: np.full((table.rows, len(trees)), every, dtype=word) for table in tables}
    by_feature = {table.feature: table for table in tables}
    for number, tree in enumerate(trees):
        for node, first, count in _fill(tree, leaves[number]):
            feature = int(tree.feature[node])
            passes = by_feature[feature].passes(tree, node)
            lost = ((1 << count) - 1) << first  # a row that goes right cannot reach the leaves on the left
            masks[feature][~passes, number] &= word.type(every ^ lost)
    return QuickScorer(
        masks=np.concatenate([masks[table.feature] for table in tables]),
        edges=np.concatenate([table.edges for table in tables]),
        counts=np.array([len(table.edges) for table in tables]),
        features=np.array([table.feature for table in tables]),
        categories=np.array([table.is_category for table in tables]),
        leaves=leaves,
        targets=np.array(targets),
        link=np.frombuffer(link_model.SerializeToString(), dtype=np.uint8),
    )


class _Table:
    """The rows of one feature's table: which values share one."""

    def __init__(self, feature: int, edges: NDArray[np.float64], is_category: bool) -> None:
        self.feature, self.edges, self.is_category = feature, edges, is_category
        self.rows = len(edges) + (1 if is_category else 2)

    def passes(self, tree: Tree, node: int) -> NDArray[np.bool_]:
        """Whether the values of each row go left at a node."""
        if self.is_category:
            return np.append(np.isin(self.edges, tree.members[node]), False)
        upper = np.append(self.edges, math.inf)
        return np.append(upper <= tree.split[node], tree.missing_left[node])


def _tables(trees: list[Tree]) -> list[_Table]:
    edges: dict[int, set[float]] = {}
    categories: set[int] = set()
    for tree in trees:
        for node in np.flatnonzero(~tree.leaf).tolist():
            feature_edges = edges.setdefault(int(tree.feature[node]), set())
            if node in tree.members:
                categories.add(int(tree.feature[node]))
                feature_edges.update(tree.members[node])
            else:
                feature_edges.add(float(tree.split[node]))
    return [_Table(feature, np.array(sorted(edges[feature])), feature in categories) for feature in sorted(edges)]


def _fill(tree: Tree, leaves: NDArray[np.float64]) -> list[tuple[int, int, int]]:
    """Fill in the leaves from left to right; return each inner node, its first leaf on the left, and their number."""
    subtrees: list[tuple[int, int, int]] = []

    def number(node: int, first: int) -> int:
        if tree.leaf[node]:
            leaves[first] = tree.value[node]
            return 1
        left = number(int(tree.left[node]), first)
        subtrees.append((node, first, left))
        return left + number(int(tree.right[node]), first + left)

    number(0, 0)
    return subtrees
