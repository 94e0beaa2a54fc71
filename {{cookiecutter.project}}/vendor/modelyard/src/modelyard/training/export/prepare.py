"""What puts transformers side by side or one after the other, and what fills in missing values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .exporter import Exporter


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


def add_function(_: Exporter, __: Any, table: str) -> str:
    """A FunctionTransformer: that of "passthrough"."""
    return table


def refuse_function(transformer: Any) -> str | None:
    """Functions of one's own belong into features.py, which runs as it is."""
    if transformer.func is None:
        return None
    return "FunctionTransformer can be exported without a function only; see features.py"


def add_imputer(exporter: Exporter, imputer: Any, table: str) -> str:
    """A SimpleImputer: a value for what is missing, and columns that say so if it adds an indicator."""
    graph = exporter.graph
    fills = np.asarray(imputer.statistics_, dtype=np.float64)
    kept = np.flatnonzero(~np.isnan(fills))  # without keep_empty_features, empty ones are left out
    columns = table if len(kept) == len(fills) else graph.columns(table, kept)
    filled = graph.add("Where", graph.add("IsNaN", columns), graph.constant(fills[None, kept]), columns)
    if not imputer.add_indicator or not len(imputer.indicator_.features_):
        return filled
    missing = graph.double(graph.add("IsNaN", graph.columns(table, imputer.indicator_.features_)))
    return graph.add("Concat", filled, missing, axis=1)


def refuse_other_missing(imputer: Any) -> str | None:
    """Missing is NaN, see `matrix`."""
    if imputer.missing_values is None or imputer.missing_values != imputer.missing_values:
        return None
    return f"{type(imputer).__name__} can be exported with missing_values=numpy.nan only"
