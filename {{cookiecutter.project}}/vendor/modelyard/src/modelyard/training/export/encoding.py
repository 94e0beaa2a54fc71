"""Encoders of categories, and of numbers as categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from .exporter import Exporter
from .graph import Graph


def add_one_hot(exporter: Exporter, encoder: Any, table: str) -> str:
    """A OneHotEncoder."""
    graph = exporter.graph
    if encoder.drop is not None or encoder.min_frequency is not None or encoder.max_categories is not None:
        return _add_grouped_one_hot(graph, encoder, table)
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


def _add_grouped_one_hot(graph: Graph, encoder: Any, table: str) -> str:
    """One without a column for each category: which columns a category has is asked of the encoder itself."""
    parts, ends = [], np.cumsum(encoder._n_features_outs)
    for position, categories in enumerate(encoder.categories_):
        own = slice(ends[position] - encoder._n_features_outs[position], ends[position])
        asked = _asked(encoder, position, encoder.handle_unknown != "error")
        made = encoder.transform(asked)
        made = np.asarray(made.todense() if hasattr(made, "todense") else made, dtype=np.float64)[:, own]
        known = graph.one_hot(graph.columns(table, [position]), categories)
        columns = graph.add("MatMul", known, graph.constant(made[: len(categories)]))
        if len(made) > len(categories):
            is_known = graph.add("Greater", graph.row_sum(known), graph.constant(0.0))
            columns = graph.add("Where", is_known, columns, graph.constant(made[len(categories) :]))
        parts.append(columns)
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def _asked(encoder: Any, position: int, with_unknown: bool) -> Any:
    """A row for each category of one feature, and one for a value that is none."""
    values = np.asarray(encoder.categories_[position], dtype=np.float64)
    if with_unknown:
        values = np.append(values, np.nanmax(np.append(values, 0.0)) + 1)
    first = [np.asarray(categories, dtype=np.float64)[0] for categories in encoder.categories_]
    rows = np.tile(first, (len(values), 1))
    rows[:, position] = values
    return rows
