"""Functions of numpy and scipy as nodes, as exact as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Graph


def add_expm1(graph: Graph, values: str) -> str:
    """exp(x) - 1, exact for small x: (exp(x) + 1) tanh(x / 2)."""
    plus = graph.add("Add", graph.add("Exp", values), graph.constant(1.0))
    return graph.add("Mul", plus, graph.add("Tanh", graph.add("Mul", values, graph.constant(0.5))))


def add_log1p(graph: Graph, values: str) -> str:
    """log(1 + x), exact for small x: log(u) x / (u - 1), u being 1 + x as it is rounded."""
    one = graph.constant(1.0)
    rounded = graph.add("Add", values, one)
    step = graph.add("Sub", rounded, one)
    log = graph.add("Log", rounded)
    exact = graph.add("Div", graph.add("Mul", log, values), step)
    is_zero = graph.add("Equal", step, graph.constant(0.0))
    is_large = graph.add("Greater", graph.add("Abs", values), graph.constant(1e10))  # here x and u - 1 are alike
    return graph.add("Where", is_zero, values, graph.add("Where", is_large, log, exact))


def _node(operator: str) -> Callable[[Graph, str], str]:
    return lambda graph, values: graph.add(operator, values)


def _square(graph: Graph, values: str) -> str:
    return graph.add("Mul", values, values)


FUNCTIONS: dict[Any, Callable[[Graph, str], str]] = {
    np.exp: _node("Exp"),
    np.expm1: add_expm1,
    np.log: _node("Log"),
    np.log1p: add_log1p,
    np.sqrt: _node("Sqrt"),
    np.square: _square,
    np.abs: _node("Abs"),
    np.sign: _node("Sign"),
    np.negative: _node("Neg"),
    np.reciprocal: _node("Reciprocal"),
    np.floor: _node("Floor"),
    np.tanh: _node("Tanh"),
    np.sin: _node("Sin"),
    np.cos: _node("Cos"),
}

# Wichura, AS 241, Applied Statistics 1988: the coefficients of PPND16, the highest power first
MIDDLE = (
    [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
    [5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0],
)  # fmt: skip
NEAR = (
    [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
    [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0],
)  # fmt: skip
FAR = (
    [2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772],
    [2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0],
)  # fmt: skip


def add_normal_quantile(graph: Graph, shares: str) -> str:
    """The quantile of the normal distribution of shares strictly between 0 and 1, to 1e-15."""
    one = graph.constant(1.0)
    centred = graph.add("Sub", shares, graph.constant(0.5))
    squared = graph.add("Sub", graph.constant(0.180625), graph.add("Mul", centred, centred))
    middle = graph.add("Mul", centred, _ratio(graph, MIDDLE, squared))
    tail = graph.add("Min", shares, graph.add("Sub", one, shares))
    root = graph.add("Sqrt", graph.add("Neg", graph.add("Log", tail)))
    near = _ratio(graph, NEAR, graph.add("Sub", root, graph.constant(1.6)))
    far = _ratio(graph, FAR, graph.add("Sub", root, graph.constant(5.0)))
    outer = graph.add("Where", graph.add("LessOrEqual", root, graph.constant(5.0)), near, far)
    signed = graph.add("Mul", outer, graph.add("Sign", centred))
    is_middle = graph.add("LessOrEqual", graph.add("Abs", centred), graph.constant(0.425))
    return graph.add("Where", is_middle, middle, signed)


def _ratio(graph: Graph, coefficients: tuple[list[float], list[float]], values: str) -> str:
    return graph.add("Div", *(graph.polynomial(one, values) for one in coefficients))
