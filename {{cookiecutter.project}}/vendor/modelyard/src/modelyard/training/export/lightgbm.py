"""LightGBM out of its own dump of the trees (`dump_model`), in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .exporter import Exporter
from .graph import Graph
from .trees import Tree, add_trees

LOG_LINKS = ("poisson", "gamma", "tweedie")
# A regression's objectives whose answer is the sum of the trees
PLAIN = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
ALIASES = {
    **dict.fromkeys(("regression_l2", "l2", "mean_squared_error", "mse", "l2_root", "rmse"), "regression"),
    **dict.fromkeys(("l1", "mean_absolute_error", "mae"), "regression_l1"),
    "mean_absolute_percentage_error": "mape",
    "softmax": "multiclass",
    **dict.fromkeys(("multiclass_ova", "ova", "ovr"), "multiclassova"),
}
SUPPORTED = (*PLAIN, *LOG_LINKS, "binary", "multiclass", "multiclassova")
ZERO = float(np.float32(1e-35))  # LightGBM takes a feature that is no farther from zero for zero
INFINITE = 1e300  # a dump says it of an infinite threshold
TRUE = (True, 1, "true", "+", "1")


def refuse(model: Any) -> str | None:
    """Settings whose trees are not plain sums, or whose answers no ONNX operator gives."""
    settings = {name: value for name, value in model.get_params().items() if value is not None}
    objective = next((settings[name] for name in ("objective", "application", "app", "loss") if name in settings), None)
    if callable(objective) or (isinstance(objective, str) and ALIASES.get(objective, objective) not in SUPPORTED):
        return f"LightGBM can be exported with the objectives {', '.join(SUPPORTED)} only, not {objective!r}"
    for name in ("linear_tree", "linear_trees", "zero_as_missing", "pred_early_stop"):
        if settings.get(name) in TRUE:
            return f"LightGBM can be exported without {name} only"
    return None


def add_lightgbm(exporter: Exporter, model: Any, table: str) -> str:
    """The sums of the trees, then the inverse of the objective's link."""
    trees, targets = lightgbm_trees(model)
    return add_lightgbm_link(exporter.graph, model, add_trees(exporter.graph, trees, targets, table))


def add_lightgbm_link(graph: Graph, model: Any, sums: str) -> str:
    """The prediction from the sums of the trees."""
    name, *words = model.booster_.dump_model(num_iteration=1)["objective"].split()
    facts = dict(word.split(":") for word in words if ":" in word)
    if model.booster_.dump_model(num_iteration=1)["average_output"]:  # boosting_type="rf"
        sums = graph.add("Div", sums, graph.constant(float(model.booster_.current_iteration())))
    if name in LOG_LINKS:
        return graph.add("Exp", sums)
    if name in ("binary", "multiclassova"):
        return graph.add("Sigmoid", graph.add("Mul", sums, graph.constant(float(facts["sigmoid"]))))
    if name == "multiclass":
        return graph.softmax(sums)
    if "sqrt" in words:  # reg_sqrt
        return graph.add("Mul", graph.add("Sign", sums), graph.add("Mul", sums, sums))
    return sums


def lightgbm_trees(model: Any) -> tuple[list[Tree], int]:
    """The trees, and the number of their sums."""
    dump = model.booster_.dump_model()
    targets = dump["num_tree_per_iteration"]
    return [_tree(one["tree_structure"], number % targets) for number, one in enumerate(dump["tree_info"])], targets


def _tree(root: dict[str, Any], target: int) -> Tree:
    nodes: list[dict[str, Any]] = []
    children: list[tuple[int, int]] = []
    todo = [(root, -1, 0)]
    while todo:  # trees may be deeper than Python recurses
        node, parent, side = todo.pop()
        number = len(nodes)
        nodes.append(node)
        children.append((0, 0))
        if parent >= 0:
            left, right = children[parent]
            children[parent] = (left, number) if side else (number, right)
        if "split_feature" in node:
            todo += [(node["right_child"], number, 1), (node["left_child"], number, 0)]
    leaf = np.array(["split_feature" not in node for node in nodes])
    by_category = np.array([node.get("decision_type") == "==" for node in nodes])
    splits = [0.0 if is_leaf or of else _edge(node) for node, is_leaf, of in zip(nodes, leaf, by_category, strict=True)]
    return Tree(
        leaf=leaf,
        left=np.array([left for left, _ in children]),
        right=np.array([right for _, right in children]),
        feature=np.array([node.get("split_feature", 0) for node in nodes]),
        split=np.array(splits),
        missing_left=np.array(
            [not of and _missing_left(node, split) for node, of, split in zip(nodes, by_category, splits, strict=True)]
        ),
        value=np.array([node.get("leaf_value", 0.0) for node in nodes]),
        target=target,
        members={
            int(place): [float(value) for value in nodes[place]["threshold"].split("||")]
            for place in np.flatnonzero(by_category)
        },
    )


def _edge(node: dict[str, Any]) -> float:
    """The highest value that goes left. What LightGBM takes for zero is compared as zero."""
    threshold = float(node["threshold"])
    if threshold >= INFINITE:
        return math.inf
    if -ZERO <= threshold < 0:
        return math.nextafter(-ZERO, -math.inf)
    return max(threshold, ZERO) if 0 <= threshold <= ZERO else threshold


def _missing_left(node: dict[str, Any], split: float) -> bool:
    """A missing value has a side of its own only where training saw one; else it is zero."""
    if "split_feature" not in node:
        return False
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else split >= 0
