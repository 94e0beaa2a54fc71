"""A transformed target, transformed back."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from ...errors import ContractError
from .functions import FUNCTIONS, add_expm1, add_log1p
from .graph import Graph

SCALERS = (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler)


def refuse_inverse(inverse: Any) -> str | None:
    """Why a transformer, or the function that transforms back, cannot be exported."""
    if isinstance(inverse, FunctionTransformer):
        return refuse_inverse(inverse.inverse_func) if inverse.inverse_func is not None else None
    if isinstance(inverse, SCALERS) or type(inverse).__name__ == "PowerTransformer" or inverse in FUNCTIONS:
        return None
    names = ", ".join([*(kind.__name__ for kind in SCALERS), "PowerTransformer"])
    functions = ", ".join(f"numpy.{function.__name__}" for function in FUNCTIONS)
    return f"a target can be transformed back by {names}, or by the functions {functions} only, not {inverse!r}"


def add_inverse(graph: Graph, transformer: Any, values: str) -> str:
    """The values (n, 1) transformed back. Raises ContractError if `refuse_inverse` says why not."""
    if message := refuse_inverse(transformer):
        raise ContractError(f"model.py: {message}")
    if isinstance(transformer, FunctionTransformer):
        function = transformer.inverse_func
        return values if function is None else FUNCTIONS[function](graph, values)
    if isinstance(transformer, MinMaxScaler):
        moved = graph.add("Sub", values, graph.constant(transformer.min_[None, :]))
        return graph.add("Div", moved, graph.constant(transformer.scale_[None, :]))
    if isinstance(transformer, SCALERS):
        if getattr(transformer, "scale_", None) is not None:
            values = graph.add("Mul", values, graph.constant(transformer.scale_[None, :]))
        if not getattr(transformer, "with_mean", getattr(transformer, "with_centering", False)):
            return values
        centre = transformer.mean_ if isinstance(transformer, StandardScaler) else transformer.center_
        return graph.add("Add", values, graph.constant(centre[None, :]))
    if transformer.standardize:
        values = add_inverse(graph, transformer._scaler, values)
    power = float(transformer.lambdas_[0])
    return _yeo_johnson(graph, power, values) if transformer.method == "yeo-johnson" else _box_cox(graph, power, values)


def _box_cox(graph: Graph, power: float, values: str) -> str:
    if power == 0:
        return graph.add("Exp", values)
    logs = add_log1p(graph, graph.add("Mul", values, graph.constant(power)))
    return graph.add("Exp", graph.add("Div", logs, graph.constant(power)))


def _yeo_johnson(graph: Graph, power: float, values: str) -> str:
    above = _one_side(graph, power, values)
    below = graph.add("Neg", _one_side(graph, 2 - power, graph.add("Neg", values)))
    return graph.add("Where", graph.add("GreaterOrEqual", values, graph.constant(0.0)), above, below)


def _one_side(graph: Graph, power: float, values: str) -> str:
    if abs(power) < np.spacing(1.0):
        return add_expm1(graph, values)
    logs = add_log1p(graph, graph.add("Mul", values, graph.constant(power)))
    return add_expm1(graph, graph.add("Div", logs, graph.constant(power)))
