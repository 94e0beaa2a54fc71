"""The k nearest neighbours: the training rows travel in the model."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_regressor

from ..neighbours import power
from .exporter import Exporter
from .kernels import squared_distances


def refuse(model: Any) -> str | None:
    """Metrics and weights of one's own."""
    name = type(model).__name__
    if power(model) is None or model.metric_params:
        return f"{name} can be exported with the Euclidean or Manhattan metric only"
    if model.weights not in (None, "uniform", "distance"):
        return f"{name} can be exported with weights='uniform' or 'distance' only"
    return None


def refuse_unordered(model: Any) -> str | None:
    """scikit-learn's own classes."""
    name = type(model).__name__
    return (
        f"of rows that are equally near, {name} of scikit-learn takes any; "
        f"import it with `from modelyard import {name}`: the same class, but it takes the first, and can be exported"
    )


def add_neighbours(exporter: Exporter, model: Any, table: str) -> str:
    """The mean of the nearest rows' targets, or the shares of their classes."""
    graph = exporter.graph
    nearest, places = graph.smallest(
        squared_distances(graph, table, model._fit_X, absolute=power(model) == 1), model.n_neighbors
    )
    targets = graph.add("Gather", graph.constant(np.asarray(model._y, dtype=np.float64).ravel()), places)
    if model.weights == "distance":
        inverse = graph.add("Reciprocal", nearest if power(model) == 1 else graph.add("Sqrt", nearest))
        is_equal = graph.double(graph.add("IsInf", inverse))
        any_equal = graph.add("Greater", graph.row_sum(is_equal), graph.constant(0.0))
        weights = graph.add("Where", any_equal, is_equal, inverse)
        total = graph.row_sum(weights)
    else:
        weights = graph.constant(np.ones((1, model.n_neighbors)))
        total = graph.constant(float(model.n_neighbors))
    if is_regressor(model):
        return graph.add("Div", graph.row_sum(graph.add("Mul", targets, weights)), total)
    parts = []
    for place in range(len(model.classes_)):
        chosen = graph.double(graph.add("Equal", targets, graph.constant(float(place))))
        parts.append(graph.row_sum(graph.add("Mul", chosen, weights)))
    shares = graph.shares(graph.add("Concat", *parts, axis=1))
    return graph.columns(shares, [1]) if len(parts) == 2 else shares
