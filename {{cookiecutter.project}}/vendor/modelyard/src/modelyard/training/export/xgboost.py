"""XGBoost out of its own JSON: features in float32, as it compares them, and its leaves summed in float64.

XGBoost itself adds up in float32, in an order of its own: its answers are some 1e-7 from the sum of its leaves. So the
classes of `training.xgboost` answer with the sum in float64, and these are exported.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .exporter import Exporter
from .trees import Tree, add_trees, single_precision

SIGMOID = ("binary:logistic", "reg:logistic")
EXP = ("count:poisson", "reg:gamma", "reg:tweedie")
SOFTMAX = ("multi:softprob", "multi:softmax")
PLAIN = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "reg:squaredlogerror")
SUPPORTED = (*SIGMOID, *EXP, *SOFTMAX, *PLAIN)


def refuse(model: Any) -> str | None:
    """Settings whose answer is not the sum of trees under a link that is known."""
    settings = model.get_params()
    objective, booster = settings.get("objective"), settings.get("booster")
    if callable(objective) or (objective is not None and objective not in SUPPORTED):
        return f"XGBoost can be exported with the objectives {', '.join(SUPPORTED)} only, not {objective!r}"
    if booster not in (None, "gbtree"):
        return f"XGBoost can be exported with booster='gbtree' only, not {booster!r}"
    if settings.get("multi_strategy") == "multi_output_tree":
        return "XGBoost can be exported without multi_output_tree only"
    return None


def refuse_single(model: Any) -> str | None:
    """XGBoost's own classes, which answer in float32."""
    name = type(model).__name__
    return (
        f"{name} of xgboost adds up in float32, which nothing can repeat to the last digit; "
        f"import it with `from modelyard import {name}`: the same class, but it adds up in float64"
    )


def add_xgboost(exporter: Exporter, model: Any, table: str) -> str:
    """The sums of the trees and the base score, then the inverse of the objective's link."""
    graph, read = exporter.graph, read_model(model)
    sums = add_trees(graph, read.trees, read.targets, single_precision(graph, table))
    total = graph.add("Add", sums, graph.constant(read.base))
    if read.objective in SIGMOID:
        return graph.add("Sigmoid", total)
    if read.objective in EXP:
        return graph.add("Exp", total)
    return graph.softmax(total) if read.objective in SOFTMAX else total


class Read:
    """What the JSON of a model says: its trees, the number of their sums, the base of each sum and the objective."""

    def __init__(self, learner: dict[str, Any]) -> None:
        model, facts = learner["gradient_booster"]["model"], learner["learner_model_param"]
        self.objective: str = learner["objective"]["name"]
        self.targets = max(int(facts["num_class"]), 1)
        self.trees = [_tree(tree, target) for tree, target in zip(model["trees"], model["tree_info"], strict=True)]
        self.base = _margin(facts["base_score"], self.objective)

    def sums(self, leaves: NDArray[np.int64]) -> NDArray[np.float64]:
        """The sums for rows that end in these leaves, of shape (rows, trees); the answer has shape (rows, targets)."""
        total = np.zeros((len(leaves), self.targets))
        for tree, ends in zip(self.trees, leaves.T, strict=True):
            total[:, tree.target] += tree.value[ends]
        return total + self.base


def read_model(model: Any) -> Read:
    """Read a fitted estimator."""
    booster = model.get_booster()
    iterations = getattr(model, "best_iteration", None) if model.early_stopping_rounds else None
    if iterations is not None:
        booster = booster[: iterations + 1]
    return Read(json.loads(booster.save_raw("json"))["learner"])


def _margin(base_score: str, objective: str) -> NDArray[np.float64]:
    """The base score before the inverse of the link, in float32 as XGBoost has it."""
    base = np.atleast_1d(np.array(json.loads(base_score), dtype=np.float32)).astype(np.float64)
    if objective in SIGMOID:
        return np.log(base / (1 - base))
    return np.log(base) if objective in EXP else base


def _tree(tree: dict[str, Any], target: int) -> Tree:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    leaf = left == -1
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    by_category = np.array(tree["split_type"], dtype=bool) & ~leaf
    members = {
        node: [float(value) for value in tree["categories"][start : start + size]]
        for node, start, size in zip(
            tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
        )
    }
    return Tree(
        leaf=leaf,
        left=np.where(by_category, right, left),  # those of the set go right
        right=np.where(by_category, left, right),
        feature=np.array(tree["split_indices"]),
        # a row goes left if it is below the condition
        split=np.nextafter(conditions, np.float32(-math.inf)).astype(np.float64),
        missing_left=np.array(tree["default_left"], dtype=bool) ^ by_category,
        value=conditions.astype(np.float64),
        target=target,
        members=members,
    )
