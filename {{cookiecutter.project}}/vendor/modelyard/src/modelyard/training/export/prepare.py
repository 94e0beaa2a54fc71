"""What puts transformers side by side or one after the other, and what fills in missing values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .exporter import Exporter
from .functions import FUNCTIONS


def add_as_it_is(_: Exporter, __: Any, table: str) -> str:
    """A step that is "passthrough"."""
    return table


def add_steps(exporter: Exporter, pipeline: Any, table: str) -> str:
    """A pipeline of transformers."""
    for _, step in pipeline.steps:
        table = exporter.transform("passthrough" if step is None else step, table)
    return table


def add_columns(exporter: Exporter, transformer: Any, table: str) -> str:
    """A ColumnTransformer."""
    graph, parts = exporter.graph, []
    for name, step, columns in transformer.transformers_:
        positions = np.arange(transformer.n_features_in_)[columns]
        if len(positions) and not (isinstance(step, str) and step == "drop"):
            parts.append(exporter.transform(transformer.named_transformers_[name], graph.columns(table, positions)))
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def add_union(exporter: Exporter, union: Any, table: str) -> str:
    """A FeatureUnion."""
    graph, parts = exporter.graph, []
    for name, step in union.transformer_list:
        if step == "drop":
            continue
        part = exporter.transform(step, table)
        weight = (union.transformer_weights or {}).get(name)
        parts.append(part if weight is None else graph.add("Mul", part, graph.constant(float(weight))))
    return graph.add("Concat", *parts, axis=1)


def add_function(exporter: Exporter, transformer: Any, table: str) -> str:
    """A FunctionTransformer: that of "passthrough", or a function of numpy."""
    return table if transformer.func is None else FUNCTIONS[transformer.func](exporter.graph, table)


def refuse_function(transformer: Any) -> str | None:
    """Functions of one's own belong into features.py, which runs as it is."""
    if transformer.func is None or (transformer.func in FUNCTIONS and not transformer.kw_args):
        return None
    functions = ", ".join(f"numpy.{function.__name__}" for function in FUNCTIONS)
    return f"FunctionTransformer can be exported without a function or with {functions} only; see features.py"


def add_imputer(exporter: Exporter, imputer: Any, table: str) -> str:
    """A SimpleImputer: a value for what is missing, and columns that say so if it adds an indicator."""
    graph = exporter.graph
    fills = np.asarray(imputer.statistics_, dtype=np.float64)
    kept = np.flatnonzero(~np.isnan(fills))  # without keep_empty_features, empty ones are left out
    columns = table if len(kept) == len(fills) else graph.columns(table, kept)
    filled = graph.add("Where", graph.add("IsNaN", columns), graph.constant(fills[None, kept]), columns)
    if not imputer.add_indicator or not len(imputer.indicator_.features_):
        return filled
    return graph.add("Concat", filled, add_indicator(exporter, imputer.indicator_, table), axis=1)


def add_indicator(exporter: Exporter, indicator: Any, table: str) -> str:
    """A MissingIndicator: 1 where a value is missing."""
    graph = exporter.graph
    return graph.double(graph.add("IsNaN", graph.columns(table, indicator.features_)))


def refuse_other_missing(imputer: Any) -> str | None:
    """Missing is NaN, see `matrix`."""
    if imputer.missing_values is None or imputer.missing_values != imputer.missing_values:
        return None
    return f"{type(imputer).__name__} can be exported with missing_values=numpy.nan only"
