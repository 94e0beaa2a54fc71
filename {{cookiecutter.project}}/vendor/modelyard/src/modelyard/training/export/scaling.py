"""Transformers of single columns to another scale."""

from __future__ import annotations

from typing import Any

from .exporter import Exporter


def add_standard(exporter: Exporter, scaler: Any, table: str) -> str:
    """A StandardScaler."""
    graph = exporter.graph
    if scaler.with_mean:
        table = graph.add("Sub", table, graph.constant(scaler.mean_[None, :]))
    return graph.add("Div", table, graph.constant(scaler.scale_[None, :])) if scaler.with_std else table
