"""Transformers that keep some columns, or fewer combinations of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .exporter import Exporter


def add_selector(exporter: Exporter, selector: Any, table: str) -> str:
    """Any selector of columns: SelectKBest, VarianceThreshold, SelectFromModel."""
    return exporter.graph.columns(table, selector.get_support(indices=True))


def add_pca(exporter: Exporter, model: Any, table: str) -> str:
    """Principal components, whitened or not."""
    graph = exporter.graph
    made = graph.add("MatMul", table, graph.constant(model.components_.T))
    made = graph.add("Sub", made, graph.constant(model.mean_.reshape(1, -1) @ model.components_.T))
    if not model.whiten:
        return made
    scale = np.maximum(np.sqrt(model.explained_variance_), np.finfo(np.float64).eps)
    return graph.add("Div", made, graph.constant(scale[None, :]))


def add_svd(exporter: Exporter, model: Any, table: str) -> str:
    """A truncated singular value decomposition."""
    return exporter.graph.add("MatMul", table, exporter.graph.constant(model.components_.T))
