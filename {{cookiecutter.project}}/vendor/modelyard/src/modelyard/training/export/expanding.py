"""Transformers that make more columns of numbers: polynomials, splines, random features."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.interpolate import BSpline, PPoly

from .exporter import Exporter
from .graph import Graph


def add_polynomial(exporter: Exporter, expander: Any, table: str) -> str:
    """PolynomialFeatures: products of columns."""
    graph, width = exporter.graph, expander.n_features_in_
    one = graph.add("Add", graph.add("Mul", graph.columns(table, [0]), graph.constant(0.0)), graph.constant(1.0))
    with_one = graph.add("Concat", table, one, axis=1)
    factors = [np.repeat(np.arange(width), powers).tolist() for powers in expander.powers_]
    degree = max(len(one) for one in factors)
    table = ""
    for place in range(max(degree, 1)):
        columns = graph.columns(with_one, [(one[place : place + 1] or [width])[0] for one in factors])
        table = graph.add("Mul", table, columns) if table else columns
    return table


def refuse_spline(expander: Any) -> str | None:
    """Extrapolation that is none, or that folds."""
    if expander.extrapolation in ("constant", "linear", "continue") and expander.handle_missing == "error":
        return None
    return (
        "SplineTransformer can be exported with extrapolation='constant', 'linear' or 'continue', "
        "and handle_missing='error' only"
    )


def add_spline(exporter: Exporter, expander: Any, table: str) -> str:
    """A SplineTransformer: a polynomial between each two knots."""
    graph = exporter.graph
    parts = [
        _add_splines(graph, spline, expander, graph.columns(table, [place]))
        for place, spline in enumerate(expander.bsplines_)
    ]
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def _add_splines(graph: Graph, spline: Any, expander: Any, column: str) -> str:
    degree = spline.k
    first, last = float(spline.t[degree]), float(spline.t[-degree - 1])
    kept = spline.c.shape[1] - (0 if expander.include_bias else 1)
    low, high = graph.constant(first), graph.constant(last)
    inside = column if expander.extrapolation == "continue" else graph.add("Clip", column, low, high)
    knots = spline.t[degree : len(spline.t) - degree]
    intervals = len(knots) - 1
    # (degree + 1, intervals, splines): the coefficients from each interval's own knot on
    pieces = np.stack(
        [
            PPoly.from_spline(BSpline(spline.t, spline.c[:, place], degree)).c[:, degree : degree + intervals]
            for place in range(kept)
        ],
        axis=2,
    )
    count = graph.count_at_most(inside, knots[1:-1]) if intervals > 1 else None
    place = graph.add("Mul", graph.double(graph.add("IsNaN", column)), graph.constant(0.0)) if count is None else count
    step = graph.add("Sub", inside, graph.lookup(place, knots[:-1]))
    places = graph.add("Squeeze", place, graph.constant([1], np.int64))
    total = ""
    for coefficients in pieces:
        own = graph.lookup(places, coefficients)
        total = graph.add("Add", graph.add("Mul", total, step), own) if total else own
    if expander.extrapolation != "linear":
        return total
    slopes = spline.derivative() if degree > 0 else None
    for edge, is_beyond in ((first, "Less"), (last, "Greater")):
        slope = np.zeros(kept) if slopes is None else slopes(edge)[:kept]
        beyond = graph.add(
            "Add",
            graph.constant(spline(edge)[None, :kept]),
            graph.add("Mul", graph.add("Sub", column, graph.constant(edge)), graph.constant(slope[None, :])),
        )
        total = graph.add("Where", graph.add(is_beyond, column, graph.constant(edge)), beyond, total)
    return total


def add_rbf_sampler(exporter: Exporter, sampler: Any, table: str) -> str:
    """An RBFSampler: cosines of random projections."""
    graph = exporter.graph
    projected = graph.add("MatMul", table, graph.constant(sampler.random_weights_))
    moved = graph.add("Add", projected, graph.constant(sampler.random_offset_[None, :]))
    return graph.add("Mul", graph.add("Cos", moved), graph.constant((2.0 / sampler.n_components) ** 0.5))
