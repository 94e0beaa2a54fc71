"""Converters of the transformers before an estimator in a scikit-learn pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from ...errors import ContractError
from .graph import Graph


def add_transformer(graph: Graph, transformer: Any, table: str) -> str:
    """A fitted transformer applied to a table. Raises ContractError if it has no converter."""
    if isinstance(transformer, Pipeline):
        for _, step in transformer.steps:
            table = add_transformer(graph, step, table)
        return table
    if isinstance(transformer, str) and transformer == "passthrough":
        return table
    for kind, add in CONVERTERS.items():
        if isinstance(transformer, kind):
            return add(graph, transformer, table)
    supported = ", ".join(kind.__name__ for kind in CONVERTERS)
    raise ContractError(f"model.py: {type(transformer).__name__} cannot be exported; {supported} can")


def _add_column_transformer(graph: Graph, transformer: Any, table: str) -> str:
    parts = []
    for name, step, columns in transformer.transformers_:
        positions = np.arange(transformer.n_features_in_)[columns]
        if len(positions) and not (isinstance(step, str) and step == "drop"):
            parts.append(add_transformer(graph, transformer.named_transformers_[name], graph.columns(table, positions)))
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def _add_function(_: Graph, transformer: Any, table: str) -> str:
    """The FunctionTransformer that a column transformer makes of "passthrough"."""
    if transformer.func is not None:
        raise ContractError("model.py: FunctionTransformer can be exported without a function only; see features.py")
    return table


def _add_imputer(graph: Graph, imputer: Any, table: str) -> str:
    fills = np.asarray(imputer.statistics_, dtype=np.float64)
    if imputer.add_indicator or np.isnan(fills).any():
        raise ContractError("model.py: SimpleImputer can be exported with keep_empty_features and no indicator only")
    return graph.add("Where", graph.add("IsNaN", table), graph.constant(fills[None, :]), table)


def _add_scaler(graph: Graph, scaler: Any, table: str) -> str:
    if scaler.with_mean:
        table = graph.add("Sub", table, graph.constant(scaler.mean_[None, :]))
    return graph.add("Div", table, graph.constant(scaler.scale_[None, :])) if scaler.with_std else table


def _add_one_hot(graph: Graph, encoder: Any, table: str) -> str:
    if encoder.drop is not None or encoder.min_frequency is not None or encoder.max_categories is not None:
        raise ContractError(
            "model.py: OneHotEncoder can be exported without drop, min_frequency and max_categories only"
        )
    parts = []
    for position, categories in enumerate(encoder.categories_):
        column = graph.columns(table, [position])
        categories = np.asarray(categories, dtype=np.float64)
        parts.append(
            graph.double(graph.add("Equal", column, graph.constant(categories[~np.isnan(categories)][None, :])))
        )
        if np.isnan(categories).any():  # scikit-learn puts it last
            parts.append(graph.double(graph.add("IsNaN", column)))
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


CONVERTERS = {
    ColumnTransformer: _add_column_transformer,
    FunctionTransformer: _add_function,
    SimpleImputer: _add_imputer,
    StandardScaler: _add_scaler,
    OneHotEncoder: _add_one_hot,
}
