"""What is around an estimator: pipelines, searches, thresholds, calibration, a transformed target."""

from __future__ import annotations

from typing import Any

from .exporter import Exporter


def through_pipeline(exporter: Exporter, model: Any, table: str) -> tuple[Any, str]:
    """The last step, and the table that the steps before it give."""
    for _, step in model.steps[:-1]:
        table = exporter.transform("passthrough" if step is None else step, table)
    return model.steps[-1][1], table
