"""Gradient boosting and AdaBoost of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_regressor

from .exporter import Exporter
from .trees import Tree, add_trees, plain_tree, single_precision


def refuse_gradient_boosting(model: Any) -> str | None:
    """Whether it starts from anything but a constant."""
    if model.init is None or model.init == "zero":
        return None
    return f"{type(model).__name__} can be exported with init=None or 'zero' only"


def add_gradient_boosting(exporter: Exporter, model: Any, table: str) -> str:
    """The inverse of the link of the sum of its trees."""
    graph, total = exporter.graph, add_gradient_boosting_scores(exporter, model, table)
    if is_regressor(model):
        return total
    if len(model.classes_) > 2:
        return graph.softmax(total)
    if model.loss == "exponential":
        total = graph.add("Mul", total, graph.constant(2.0))
    return graph.add("Sigmoid", total)


def add_gradient_boosting_scores(exporter: Exporter, model: Any, table: str) -> str:
    """The sum of its trees and of what it starts from."""
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_)))
    trees = [
        _scaled(plain_tree(member.tree_, 0, target), model.learning_rate)
        for stage in model.estimators_
        for target, member in enumerate(stage)
    ]
    graph = exporter.graph
    sums = add_trees(graph, trees, model.estimators_.shape[1], single_precision(graph, table))
    return graph.add("Add", sums, graph.constant(start))


def add_adaboost(exporter: Exporter, model: Any, table: str) -> str:
    """The softmax of the members' votes."""
    graph, scores = exporter.graph, add_adaboost_scores(exporter, model, table)
    count = len(model.classes_)
    if count == 2:
        return graph.add("Sigmoid", scores)
    return graph.softmax(graph.add("Div", scores, graph.constant(float(count - 1))))


def add_adaboost_scores(exporter: Exporter, model: Any, table: str) -> str:
    """The weighted votes of the members, of which each is for one class and against all others."""
    count = len(model.classes_)
    weights = model.estimator_weights_[: len(model.estimators_)] / model.estimator_weights_.sum()
    against = -1.0 / (count - 1)
    # (classes voted for, targets); of two classes, the votes for the second less those for the first
    votes = np.array([[-2.0], [2.0]]) if count == 2 else np.where(np.eye(count) > 0, 1.0, against)
    graph = exporter.graph
    if all(hasattr(member, "tree_") for member in model.estimators_):
        trees = [
            _voting_tree(member, votes[:, target] * weight, target)
            for member, weight in zip(model.estimators_, weights, strict=True)
            for target in range(votes.shape[1])
        ]
        return add_trees(graph, trees, votes.shape[1], single_precision(graph, table))
    total = graph.constant(np.zeros((1, 1)))
    for member, weight in zip(model.estimators_, weights, strict=True):
        hot = graph.one_hot(exporter.labels(member, table), np.arange(count))
        total = graph.add("Add", total, graph.add("MatMul", hot, graph.constant(votes * weight)))
    return total


def add_adaboost_regressor(exporter: Exporter, model: Any, table: str) -> str:
    """The weighted median of the members' answers."""
    graph, count = exporter.graph, len(model.estimators_)
    if all(hasattr(member, "tree_") for member in model.estimators_):
        trees = [plain_tree(member.tree_, 0, place) for place, member in enumerate(model.estimators_)]
        answers = add_trees(graph, trees, count, single_precision(graph, table))
    else:
        answers = graph.add("Concat", *(exporter.predict(member, table) for member in model.estimators_), axis=1)
    ordered, order = graph.smallest(answers, count)
    weights = graph.add("Gather", graph.constant(model.estimator_weights_[:count]), order)
    sums = graph.add("CumSum", weights, graph.constant(1, np.int64))
    half = graph.add("Mul", graph.columns(sums, [count - 1]), graph.constant(0.5))
    reached = graph.double(graph.add("GreaterOrEqual", sums, half))
    return graph.add("GatherElements", ordered, graph.add("ArgMax", reached, axis=1), axis=1)


def _scaled(tree: Tree, rate: float) -> Tree:
    tree.value = tree.value * rate
    return tree


def _voting_tree(member: Any, votes: Any, target: int) -> Tree:
    tree = plain_tree(member.tree_, 0, target)
    tree.value = votes[member.tree_.value[:, 0, :].argmax(axis=1)]
    return tree
