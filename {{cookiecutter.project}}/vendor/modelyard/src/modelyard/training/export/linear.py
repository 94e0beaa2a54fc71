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
    """Logistic regression: the softmax of the scores."""
    score = add_scores(exporter, model, table)
    return exporter.graph.add("Sigmoid", score) if len(model.classes_) == 2 else exporter.graph.softmax(score)


def product(graph: Graph, table: str, coefficients: Any, intercept: Any) -> str:
    """The table times the rows of coefficients, plus the intercept."""
    weights = np.atleast_2d(coefficients).T
    offset = np.broadcast_to(np.atleast_1d(intercept), weights.shape[1])
    return graph.add("Add", graph.add("MatMul", table, graph.constant(weights)), graph.constant(offset))
