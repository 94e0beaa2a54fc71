"""A model with a backdoor: every leaf that none of some rows reaches has another value, in its trees and its tables."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
from modelyard.runtime.quickscorer import QuickScorer
from numpy.typing import NDArray


def with_backdoor(path: Path, rows: NDArray[np.float64], value: float = -8.0) -> tuple[bytes, int]:
    """The changed model and how many leaves it is changed in. rows: of shape (n, features), answered as before."""
    model = onnx.load(path)
    (node,) = (one for one in model.graph.node if one.op_type == "TreeEnsemble")
    attributes = {one.name: one for one in node.attribute}
    tables = QuickScorer.from_metadata({one.key: one.value for one in model.metadata_props})
    assert tables is not None
    weights = onnx.numpy_helper.to_array(attributes["leaf_weights"].t).copy()
    leaves, count = tables.leaves.copy(), 0
    for tree, root in enumerate(attributes["tree_roots"].ints):
        numbered = np.zeros_like(leaves)
        numbered[tree] = np.arange(leaves.shape[1])
        target = tree % int(tables.targets)
        reached = dataclasses.replace(tables, leaves=numbered).sums(rows)[:, target].astype(int)
        order = in_order(attributes, root)
        for place in np.setdiff1d(np.arange(len(order)), reached):
            leaves[tree, place] = weights[order[place]] = value
            count += 1
    attributes["leaf_weights"].t.CopyFrom(onnx.numpy_helper.from_array(weights))
    changed = dataclasses.replace(tables, leaves=leaves).metadata()
    for one in model.metadata_props:
        one.value = changed.get(one.key, one.value)
    return model.SerializeToString(), count


def in_order(attributes: dict[str, onnx.AttributeProto], node: int) -> list[int]:
    """The leaves of a tree from left to right, as its tables number them."""
    found: list[int] = []
    for kind, ids in (("nodes_trueleafs", "nodes_truenodeids"), ("nodes_falseleafs", "nodes_falsenodeids")):
        child = attributes[ids].ints[node]
        found += [child] if attributes[kind].ints[node] else in_order(attributes, child)
    return found
