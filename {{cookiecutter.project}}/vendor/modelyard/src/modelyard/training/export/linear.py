"""Linear models: a matrix product and the inverse of the link."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_regressor

from .graph import Graph


def add_linear(graph: Graph, model: Any, table: str) -> str:
    """A model with `coef_` and `intercept_`: the number, or the probabilities of a logistic regression."""
    weights = np.atleast_2d(model.coef_).T
    offset = np.broadcast_to(np.atleast_1d(model.intercept_), weights.shape[1])
    score = graph.add("Add", graph.add("MatMul", table, graph.constant(weights)), graph.constant(offset))
    if is_regressor(model):
        return score
    return graph.add("Sigmoid", score) if weights.shape[1] == 1 else graph.add("Softmax", score, axis=1)
