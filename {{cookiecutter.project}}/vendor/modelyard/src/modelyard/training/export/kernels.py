"""Support vector machines and kernel ridge regression: sums of a kernel over rows of training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ContractError
from .exporter import Exporter
from .graph import Graph

MOST_POINTS = 20_000
KERNELS = ("linear", "poly", "rbf", "sigmoid")


def squared_distances(graph: Graph, table: str, points: NDArray[np.float64], absolute: bool = False) -> str:
    """The squared (or absolute) distances of each row from each point, added up feature by feature, (n, points).

    No matrix product: that rounds the distance of rows that are near each other away.
    """
    if len(points) > MOST_POINTS:
        raise ContractError(
            f"model.py: the model keeps {len(points):,} rows of training and compares each row with all of them; at "
            f"most {MOST_POINTS:,} can be exported: train on fewer (split.window), or choose another estimator"
        )
    total = ""
    for place, values in enumerate(np.asarray(points, dtype=np.float64).T):
        away = graph.add("Sub", graph.columns(table, [place]), graph.constant(values[None, :]))
        part = graph.add("Abs", away) if absolute else graph.add("Mul", away, away)
        total = graph.add("Add", total, part) if total else part
    return total


def refuse_svc(model: Any) -> str | None:
    """SVC has probabilities of its own only by an iteration that stops early."""
    if getattr(model, "probability", False) is True:
        name = type(model).__name__
        return (
            f"{name}(probability=True) cannot be exported: libsvm's probabilities come from an iteration that it "
            f"stops early; CalibratedClassifierCV({name}(), ensemble=False) gives the same kind and can be"
        )
    return refuse_kernel(model)


def refuse_kernel(model: Any) -> str | None:
    """Kernels that are functions of one's own."""
    if model.kernel in KERNELS:
        return None
    return f"{type(model).__name__} can be exported with the kernels {', '.join(KERNELS)} only, not {model.kernel!r}"


def add_svr(exporter: Exporter, model: Any, table: str) -> str:
    """Support vector regression."""
    graph = exporter.graph
    product = graph.add("MatMul", _svm_kernel(graph, model, table), graph.constant(model.dual_coef_.T))
    return graph.add("Add", product, graph.constant(model.intercept_))


def add_svc_scores(exporter: Exporter, model: Any, table: str) -> str:
    """The score of two classes; of more, the votes of all pairs and their confidence, as scikit-learn adds them up."""
    graph, count = exporter.graph, len(model.classes_)
    kernel = _svm_kernel(graph, model, table)
    if count == 2:
        product = graph.add("MatMul", kernel, graph.constant(model.dual_coef_.T))
        return graph.add("Add", product, graph.constant(model.intercept_))
    pairs = [(first, second) for first in range(count) for second in range(first + 1, count)]
    product = graph.add("MatMul", kernel, graph.constant(_pair_weights(model, pairs)))
    confidence = graph.add("Add", product, graph.constant(model.intercept_))  # for the first of a pair
    towards = np.zeros((len(pairs), count))
    for place, (first, second) in enumerate(pairs):
        towards[place, first], towards[place, second] = 1, -1
    total = graph.add("MatMul", confidence, graph.constant(towards))
    lost = graph.double(graph.add("Less", confidence, graph.constant(0.0)))
    won = graph.add("Sub", graph.constant(1.0), lost)
    votes = graph.add(
        "Add",
        graph.add("MatMul", won, graph.constant(np.maximum(towards, 0))),
        graph.add("MatMul", lost, graph.constant(np.maximum(-towards, 0))),
    )
    size = graph.add("Add", graph.add("Abs", total), graph.constant(1.0))
    return graph.add("Add", votes, graph.add("Div", total, graph.add("Mul", size, graph.constant(3.0))))


def add_kernel_ridge(exporter: Exporter, model: Any, table: str) -> str:
    """Kernel ridge regression."""
    graph, points = exporter.graph, np.asarray(model.X_fit_)
    gamma = 1.0 / points.shape[1] if model.gamma is None else model.gamma
    kernel = _kernel(graph, model.kernel, table, points, gamma, model.coef0, model.degree)
    return graph.add("MatMul", kernel, graph.constant(np.asarray(model.dual_coef_).reshape(len(points), 1)))


def _svm_kernel(graph: Graph, model: Any, table: str) -> str:
    return _kernel(graph, model.kernel, table, model.support_vectors_, model._gamma, model.coef0, model.degree)


def _kernel(graph: Graph, name: str, table: str, points: Any, gamma: float, offset: float, degree: float) -> str:
    if name == "rbf":
        return graph.add("Exp", graph.add("Mul", squared_distances(graph, table, points), graph.constant(-gamma)))
    product = graph.add("MatMul", table, graph.constant(np.asarray(points).T))
    if name == "linear":
        return product
    moved = graph.add("Add", graph.add("Mul", product, graph.constant(float(gamma))), graph.constant(float(offset)))
    if name == "sigmoid":
        return graph.add("Tanh", moved)
    return graph.add("Pow", moved, graph.constant(float(degree)))


def _pair_weights(model: Any, pairs: list[tuple[int, int]]) -> NDArray[np.float64]:
    """The weight of each support vector in each pair of classes, out of libsvm's packed table."""
    ends = np.cumsum(model.n_support_)
    weights = np.zeros((ends[-1], len(pairs)))
    for place, (first, second) in enumerate(pairs):
        for own, other in ((first, second), (second, first)):
            rows = slice(ends[own] - model.n_support_[own], ends[own])
            weights[rows, place] = model.dual_coef_[other - (other > own), rows]
    return weights
