"""Encoders of categories, and of numbers as categories."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

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


def add_ordinal(exporter: Exporter, encoder: Any, table: str) -> str:
    """An OrdinalEncoder; the code of each category is asked of the encoder itself."""
    parts = []
    for position, categories in enumerate(encoder.categories_):
        codes = encoder.transform(_asked(encoder, position, encoder.handle_unknown != "error"))[:, position]
        unknown = float(codes[-1]) if len(codes) > len(categories) else np.nan
        parts.append(_add_codes(exporter.graph, table, position, categories, codes[: len(categories)], unknown))
    return parts[0] if len(parts) == 1 else exporter.graph.add("Concat", *parts, axis=1)


def add_target(exporter: Exporter, encoder: Any, table: str) -> str:
    """A TargetEncoder: the mean of the target of each category, or of each category and class."""
    parts, means = [], np.atleast_1d(encoder.target_mean_)
    for position, categories in enumerate(encoder.categories_):
        for place, mean in enumerate(means):
            codes = encoder.encodings_[position * len(means) + place]
            parts.append(_add_codes(exporter.graph, table, position, categories, codes, float(mean)))
    return parts[0] if len(parts) == 1 else exporter.graph.add("Concat", *parts, axis=1)


def add_bins(exporter: Exporter, encoder: Any, table: str) -> str:
    """A KBinsDiscretizer."""
    graph, parts = exporter.graph, []
    for position, edges in enumerate(encoder.bin_edges_):
        column = graph.columns(table, [position])
        inner = np.asarray(edges, dtype=np.float64)[1:-1]
        if not len(inner):
            place = graph.add("Mul", graph.double(graph.add("IsNaN", column)), graph.constant(0.0))
        else:
            place = graph.count_at_most(column, inner)
        is_one_hot = encoder.encode.startswith("onehot")
        parts.append(graph.one_hot(place, np.arange(encoder.n_bins_[position])) if is_one_hot else place)
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


def _add_codes(graph: Graph, table: str, position: int, categories: ArrayLike, codes: ArrayLike, unknown: float) -> str:
    known = graph.one_hot(graph.columns(table, [position]), categories)
    count = np.arange(np.asarray(categories).size, dtype=np.float64)
    value = graph.lookup(graph.add("MatMul", known, graph.constant(count[:, None])), codes)
    is_known = graph.add("Greater", graph.row_sum(known), graph.constant(0.0))
    return graph.add("Where", is_known, value, graph.constant(unknown))
