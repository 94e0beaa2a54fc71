"""The multi-layer perceptron."""

from __future__ import annotations

from typing import Any

from .exporter import Exporter
from .linear import product

ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "exp": "Exp"}


def add_perceptron(exporter: Exporter, model: Any, table: str) -> str:
    """One matrix product a layer."""
    graph = exporter.graph
    layers = list(zip(model.coefs_, model.intercepts_, strict=True))
    for place, (weights, offset) in enumerate(layers):
        table = product(graph, table, weights.T, offset)
        activation = model.activation if place < len(layers) - 1 else model.out_activation_
        if activation == "softmax":
            table = graph.softmax(table)
        elif activation != "identity":
            table = graph.add(ACTIVATIONS[activation], table)
    return table
