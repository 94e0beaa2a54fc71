"""Linear models: a matrix product and the inverse of the link."""

from __future__ import annotations

from typing import Any

import numpy as np

from .exporter import Exporter
from .graph import Graph


def add_scores(exporter: Exporter, model: Any, table: str) -> str:
    """The number of a regression, or the scores of a classifier: `coef_` and `intercept_`."""
    return product(exporter.graph, table, model.coef_, model.intercept_)


def add_probabilities(exporter: Exporter, model: Any, table: str) -> str:
    """Logistic regression, linear discriminant analysis: the softmax of the scores."""
    score = add_scores(exporter, model, table)
    return exporter.graph.add("Sigmoid", score) if len(model.classes_) == 2 else exporter.graph.softmax(score)


def add_exp(exporter: Exporter, model: Any, table: str) -> str:
    """Generalized linear models with a log link; TweedieRegressor may have the identity."""
    score = add_scores(exporter, model, table)
    has_log = type(model._base_loss.link).__name__ == "LogLink"
    return exporter.graph.add("Exp", score) if has_log else score


def add_one_against_rest(exporter: Exporter, model: Any, table: str) -> str:
    """SGDClassifier: a logistic regression of each class against the others, in shares of their sum."""
    graph = exporter.graph
    single = graph.add("Sigmoid", add_scores(exporter, model, table))
    return single if len(model.classes_) == 2 else graph.shares(single)


def add_quadratic(exporter: Exporter, model: Any, table: str) -> str:
    """Quadratic discriminant analysis: a normal distribution of each class."""
    graph, scores = exporter.graph, []
    for mean, rotation, scaling, prior in zip(
        model.means_, model.rotations_, model.scalings_, model.priors_, strict=True
    ):
        centred = graph.add("Sub", table, graph.constant(mean[None, :]))
        scaled = graph.add("MatMul", centred, graph.constant(rotation * scaling**-0.5))
        norm = graph.row_sum(graph.add("Mul", scaled, scaled))
        half = graph.add("Mul", norm, graph.constant(-0.5))
        scores.append(graph.add("Add", half, graph.constant(np.log(prior) - np.log(scaling).sum() / 2)))
    shares = graph.softmax(graph.add("Concat", *scores, axis=1))
    return graph.columns(shares, [1]) if len(model.classes_) == 2 else shares


def refuse_sgd(model: Any) -> str | None:
    """SGDClassifier has probabilities for two of its losses, and one of them is a plain logistic regression."""
    return None if model.loss == "log_loss" else "SGDClassifier can be exported with loss='log_loss' only"


def product(graph: Graph, table: str, coefficients: Any, intercept: Any) -> str:
    """The table times the rows of coefficients, plus the intercept."""
    weights = np.atleast_2d(coefficients).T
    offset = np.broadcast_to(np.atleast_1d(intercept), weights.shape[1])
    return graph.add("Add", graph.add("MatMul", table, graph.constant(weights)), graph.constant(offset))
