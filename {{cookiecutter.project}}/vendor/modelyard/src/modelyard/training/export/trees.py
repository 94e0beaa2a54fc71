"""Converts trees to the operator ai.onnx.ml TreeEnsemble (version 5), in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from sklearn.base import is_regressor

from .exporter import Exporter
from .graph import ML, Graph

LESS_OR_EQUAL, MEMBER = 0, 6  # TreeEnsemble's codes for a node's comparison
SUM = 1
LOG_LINKS = ("poisson", "gamma")


@dataclass
class Tree:
    """One tree, node by node. At an inner node a row goes left if its feature is at most `split`, or in `members`."""

    leaf: NDArray[np.bool_]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    split: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]
    target: int
    members: dict[int, list[float]]


def add_boosting(exporter: Exporter, model: Any, table: str) -> str:
    """Histogram gradient boosting: the sum of its trees, then the inverse of its link."""
    graph = exporter.graph
    return add_link(graph, model, add_trees(graph, boosted_trees(model), model.n_trees_per_iteration_, table))


def add_boosting_scores(exporter: Exporter, model: Any, table: str) -> str:
    """The sum of its trees and the baseline."""
    sums = add_trees(exporter.graph, boosted_trees(model), model.n_trees_per_iteration_, table)
    return exporter.graph.add("Add", sums, exporter.graph.constant(model._baseline_prediction))


def add_link(graph: Graph, model: Any, sums: str) -> str:
    """The prediction of boosting from the sums of its trees."""
    total = graph.add("Add", sums, graph.constant(model._baseline_prediction))
    if is_regressor(model):
        return graph.add("Exp", total) if model.loss in LOG_LINKS else total
    return graph.add("Sigmoid", total) if model.n_trees_per_iteration_ == 1 else graph.softmax(total)


def add_forest(exporter: Exporter, model: Any, table: str) -> str:
    """A tree or forest of scikit-learn: the mean of the trees' answers."""
    return _add_mean(exporter.graph, model, table, [1] if _is_binary(model) else _places(model))


def add_forest_label(exporter: Exporter, model: Any, table: str) -> str:
    """The class of the highest mean, each class's own, because two that are nearly equal need not add up to 1."""
    graph = exporter.graph
    return graph.double(graph.add("ArgMax", _add_mean(graph, model, table, _places(model)), axis=1))


def single_precision(graph: Graph, table: str) -> str:
    """The table rounded as trees of scikit-learn and XGBoost round it before they compare."""
    return graph.double(graph.add("Cast", table, to=TensorProto.FLOAT))


def _add_mean(graph: Graph, model: Any, table: str, places: list[int]) -> str:
    rounded = single_precision(graph, table)
    members = list(getattr(model, "estimators_", [model]))
    trees = [plain_tree(member.tree_, position, target) for member in members for target, position in enumerate(places)]
    total = add_trees(graph, trees, len(places), rounded)
    return graph.add("Div", total, graph.constant(float(len(members))))


def _places(model: Any) -> list[int]:
    return [0] if is_regressor(model) else list(range(len(model.classes_)))


def _is_binary(model: Any) -> bool:
    return not is_regressor(model) and len(model.classes_) == 2


def boosted_trees(model: Any) -> list[Tree]:
    """The trees, with features numbered as in the input table; internally, scikit-learn puts categories first."""
    return list(_boosted_trees(model))


def _boosted_trees(model: Any) -> Iterator[Tree]:
    categories = _known_categories(model)
    inside = np.arange(model.n_features_in_)
    if categories:
        is_category = np.asarray(model.is_categorical_)
        inside = np.concatenate([np.flatnonzero(is_category), np.flatnonzero(~is_category)])
    for iteration in model._predictors:
        for target, predictor in enumerate(iteration):
            nodes = predictor.nodes
            by_category = (nodes["is_categorical"] == 1) & (nodes["is_leaf"] == 0)
            missing_left = nodes["missing_go_to_left"].astype(bool)
            swapped = by_category & missing_left
            yield Tree(
                leaf=nodes["is_leaf"].astype(bool),
                left=np.where(swapped, nodes["right"], nodes["left"]).astype(np.int64),
                right=np.where(swapped, nodes["left"], nodes["right"]).astype(np.int64),
                feature=inside[nodes["feature_idx"]],
                split=nodes["num_threshold"].astype(np.float64),
                missing_left=missing_left & ~by_category,
                value=nodes["value"],
                target=target,
                members={
                    int(place): _members(nodes[place], predictor, categories) for place in np.flatnonzero(by_category)
                },
            )


def _known_categories(model: Any) -> list[NDArray[np.float64]]:
    """For each categorical feature, the values that were seen in training, in scikit-learn's order."""
    if model._preprocessor is None:
        return []
    return [values[~np.isnan(values)] for values in model._preprocessor.named_transformers_["encoder"].categories_]


def _members(node: Any, predictor: Any, categories: list[NDArray[np.float64]]) -> list[float]:
    """The categories that go left; missing values and categories unknown to training go right."""
    values = categories[node["feature_idx"]]
    bits = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
    left = np.array([bits[place // 32] >> (place % 32) & 1 for place in range(len(values))], dtype=bool)
    return values[left != bool(node["missing_go_to_left"])].tolist()


def plain_tree(tree: Any, position: int, target: int) -> Tree:
    """A tree of sklearn.tree, with the value at this position of each leaf."""
    nodes = tree.__getstate__()["nodes"]
    leaf = nodes["left_child"] == -1
    return Tree(
        leaf=leaf,
        left=nodes["left_child"].astype(np.int64),
        right=nodes["right_child"].astype(np.int64),
        feature=nodes["feature"].astype(np.int64),
        split=nodes["threshold"].astype(np.float64),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        value=tree.value[:, 0, position],
        target=target,
        members={},
    )


def add_trees(graph: Graph, trees: list[Tree], targets: int, table: str) -> str:
    """One node for all trees: inner nodes and leaves are numbered separately, as the operator requires."""
    trees = [_with_a_split(tree) for tree in trees]
    inner_counts = [int(np.count_nonzero(~tree.leaf)) for tree in trees]
    inner_starts = np.concatenate([[0], np.cumsum(inner_counts)])
    leaf_starts = np.concatenate([[0], np.cumsum([int(np.count_nonzero(tree.leaf)) for tree in trees])])
    parts: dict[str, list[NDArray]] = {}
    members: list[float] = []
    for tree, inner_start, leaf_start in zip(trees, inner_starts, leaf_starts, strict=False):
        inner = ~tree.leaf
        number = np.where(inner, np.cumsum(inner) - 1 + inner_start, np.cumsum(tree.leaf) - 1 + leaf_start)
        left, right = tree.left[inner], tree.right[inner]
        modes = np.full(len(tree.leaf), LESS_OR_EQUAL, dtype=np.uint8)
        modes[list(tree.members)] = MEMBER
        for name, values in {
            "nodes_featureids": tree.feature[inner],
            "nodes_splits": tree.split[inner],
            "nodes_modes": modes[inner],
            "nodes_missing_value_tracks_true": tree.missing_left[inner].astype(np.int64),
            "nodes_trueleafs": tree.leaf[left].astype(np.int64),
            "nodes_falseleafs": tree.leaf[right].astype(np.int64),
            "nodes_truenodeids": number[left],
            "nodes_falsenodeids": number[right],
            "leaf_weights": tree.value[tree.leaf],
            "leaf_targetids": np.full(int(np.count_nonzero(tree.leaf)), tree.target),
        }.items():
            parts.setdefault(name, []).append(values)
        for place in sorted(tree.members):
            members += [*tree.members[place], np.nan]  # NaN ends the list of a node
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    tensors = {
        name: numpy_helper.from_array(joined.pop(name)) for name in ("nodes_splits", "nodes_modes", "leaf_weights")
    }
    if members:
        tensors["membership_values"] = numpy_helper.from_array(np.array(members))
    lists = {name: values.tolist() for name, values in joined.items()}
    roots = inner_starts[:-1].tolist()
    return graph.add("TreeEnsemble", table, domain=ML, n_targets=targets, aggregate_function=SUM, tree_roots=roots,
                     post_transform=0, **tensors, **lists)  # fmt: skip


def _with_a_split(tree: Tree) -> Tree:
    """The tree; one of a single leaf, which the operator does not allow, becomes a split with equal leaves."""
    if len(tree.leaf) > 1:
        return tree
    return Tree(
        leaf=np.array([False, True, True]),
        left=np.array([1, 0, 0]),
        right=np.array([2, 0, 0]),
        feature=np.zeros(3, dtype=np.int64),
        split=np.zeros(3),
        missing_left=np.zeros(3, dtype=bool),
        value=np.repeat(tree.value, 3),
        target=tree.target,
        members={},
    )
