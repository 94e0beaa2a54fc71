"""Transformers of single columns to another scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from ...errors import ContractError
from .exporter import Exporter
from .functions import add_expm1, add_log1p, add_normal_quantile
from .graph import Graph

LEAST_SPREAD = 1e-6  # of the values that a PowerTransformer makes, in relation to them
BOUND = 1e-7  # scikit-learn's BOUNDS_THRESHOLD


def add_standard(exporter: Exporter, scaler: Any, table: str) -> str:
    """A StandardScaler."""
    graph = exporter.graph
    if scaler.with_mean:
        table = graph.add("Sub", table, graph.constant(scaler.mean_[None, :]))
    return graph.add("Div", table, graph.constant(scaler.scale_[None, :])) if scaler.with_std else table


def add_robust(exporter: Exporter, scaler: Any, table: str) -> str:
    """A RobustScaler."""
    graph = exporter.graph
    if scaler.with_centering:
        table = graph.add("Sub", table, graph.constant(scaler.center_[None, :]))
    return graph.add("Div", table, graph.constant(scaler.scale_[None, :])) if scaler.with_scaling else table


def add_min_max(exporter: Exporter, scaler: Any, table: str) -> str:
    """A MinMaxScaler."""
    graph = exporter.graph
    scaled = graph.add("Mul", table, graph.constant(scaler.scale_[None, :]))
    moved = graph.add("Add", scaled, graph.constant(scaler.min_[None, :]))
    return _between(graph, moved, *scaler.feature_range) if scaler.clip else moved


def add_max_abs(exporter: Exporter, scaler: Any, table: str) -> str:
    """A MaxAbsScaler."""
    graph = exporter.graph
    scaled = graph.add("Div", table, graph.constant(scaler.scale_[None, :]))
    return _between(graph, scaled, -1.0, 1.0) if getattr(scaler, "clip", False) else scaled


def add_binarizer(exporter: Exporter, binarizer: Any, table: str) -> str:
    """A Binarizer."""
    graph = exporter.graph
    return graph.double(graph.add("Greater", table, graph.constant(float(binarizer.threshold))))


def add_normalizer(exporter: Exporter, normalizer: Any, table: str) -> str:
    """A Normalizer of rows."""
    graph = exporter.graph
    if normalizer.norm == "l2":
        norm = graph.add("Sqrt", graph.row_sum(graph.add("Mul", table, table)))
    elif normalizer.norm == "l1":
        norm = graph.row_sum(graph.add("Abs", table))
    else:
        norm = graph.add("ReduceMax", graph.add("Abs", table), graph.constant([1], np.int64))
    is_small = graph.add("Less", norm, graph.constant(10 * np.finfo(np.float64).eps))
    return graph.add("Div", table, graph.add("Where", is_small, graph.constant(1.0), norm))


def add_power(exporter: Exporter, transformer: Any, table: str) -> str:
    """A PowerTransformer: Yeo-Johnson or Box-Cox, then a standard scaler."""
    graph, parts = exporter.graph, []
    for place, power in enumerate(transformer.lambdas_):
        column = graph.columns(table, [place])
        power = float(power)
        if np.isnan(power):
            parts.append(column)
        elif transformer.method == "box-cox":
            parts.append(_power_of_log(graph, power, graph.add("Log", column)))
        else:
            above = _power_of_log(graph, power, add_log1p(graph, column))
            mirrored = _power_of_log(graph, 2 - power, add_log1p(graph, graph.add("Neg", column)))
            is_above = graph.add("GreaterOrEqual", column, graph.constant(0.0))
            parts.append(graph.add("Where", is_above, above, graph.add("Neg", mirrored)))
    made = graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    if not transformer.standardize:
        return made
    scaler = transformer._scaler
    squeezed = np.flatnonzero(scaler.scale_ < LEAST_SPREAD * np.abs(scaler.mean_))
    if len(squeezed):
        raise ContractError(
            f"model.py: PowerTransformer squeezes its column {squeezed[0]} to nearly one value "
            f"({scaler.mean_[squeezed[0]]:g}, give or take {scaler.scale_[squeezed[0]]:g}), of which the last digits "
            "are chance; put a scaler before it"
        )
    return add_standard(exporter, scaler, made)


def _power_of_log(graph: Graph, power: float, logs: str) -> str:
    if abs(power) < np.spacing(1.0):
        return logs
    return graph.add("Div", add_expm1(graph, graph.add("Mul", logs, graph.constant(power))), graph.constant(power))


def add_quantile(exporter: Exporter, transformer: Any, table: str) -> str:
    """A QuantileTransformer: the share of training below a value, or the quantile of a normal distribution there."""
    graph, parts = exporter.graph, []
    shares = transformer.references_
    is_normal = transformer.output_distribution == "normal"
    for place, quantiles in enumerate(transformer.quantiles_.T):
        column = graph.columns(table, [place])
        rising = graph.interpolate(column, quantiles, shares)
        falling = graph.interpolate(graph.add("Neg", column), -quantiles[::-1], -shares[::-1])
        share = graph.add("Mul", graph.add("Sub", rising, falling), graph.constant(0.5))
        first, last = (graph.constant(float(quantiles[end])) for end in (0, -1))
        if is_normal:
            bound = graph.constant(BOUND)
            is_last = graph.add("Greater", graph.add("Add", column, bound), last)
            is_first = graph.add("Less", graph.add("Sub", column, bound), first)
        else:
            is_last, is_first = graph.add("Equal", column, last), graph.add("Equal", column, first)
        share = graph.add("Where", is_last, graph.constant(1.0), share)
        share = graph.add("Where", is_first, graph.constant(0.0), share)
        parts.append(_normal(graph, share) if is_normal else share)
    return graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def _normal(graph: Graph, share: str) -> str:
    """As scikit-learn, which keeps the quantiles off infinity."""
    low, high = (stats.norm.ppf(edge) for edge in (BOUND - np.spacing(1), 1 - (BOUND - np.spacing(1))))
    inner = _between(graph, share, BOUND / 2, 1 - BOUND / 2)  # farther out the answer is the bound
    return _between(graph, add_normal_quantile(graph, inner), low, high)


def _between(graph: Graph, values: str, low: float, high: float) -> str:
    """The values, none below or above; NaN stays NaN."""
    above = graph.add("Where", graph.add("Less", values, graph.constant(low)), graph.constant(low), values)
    return graph.add("Where", graph.add("Greater", above, graph.constant(high)), graph.constant(high), above)
