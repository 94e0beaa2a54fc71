"""What is around an estimator: pipelines, searches, thresholds, calibration, a transformed target."""

from __future__ import annotations

from typing import Any

import numpy as np

from .exporter import Exporter
from .inverse import add_inverse, refuse_inverse


def through_pipeline(exporter: Exporter, model: Any, table: str) -> tuple[Any, str]:
    """The last step, and the table that the steps before it give."""
    for _, step in model.steps[:-1]:
        table = exporter.transform("passthrough" if step is None else step, table)
    return model.steps[-1][1], table


def through_search(_: Exporter, model: Any, table: str) -> tuple[Any, str]:
    """What a search found best, fitted on all rows."""
    return model.best_estimator_, table


def through_fitted(_: Exporter, model: Any, table: str) -> tuple[Any, str]:
    """The estimator inside; a threshold is chosen by `evaluate`, whatever this one has."""
    return model.estimator_, table


def through_frozen(_: Exporter, model: Any, table: str) -> tuple[Any, str]:
    """The estimator that is not fitted again."""
    return model.estimator, table


def refuse_search(model: Any) -> str | None:
    """Without a last fit a search has no model."""
    return None if model.refit else f"{type(model).__name__} can be exported with refit=True only"


def refuse_target(model: Any) -> str | None:
    """Whether its target can be transformed back in a graph."""
    if model.transformer is not None:
        return refuse_inverse(model.transformer)
    return refuse_inverse(model.inverse_func) if model.inverse_func is not None else None


def add_transformed_target(exporter: Exporter, model: Any, table: str) -> str:
    """The regressor's answer, transformed back."""
    return add_inverse(exporter.graph, model.transformer_, exporter.predict(model.regressor_, table))


def add_calibrated(exporter: Exporter, model: Any, table: str) -> str:
    """The mean of its calibrated members."""
    parts = [_add_calibrated(exporter, member, table) for member in model.calibrated_classifiers_]
    return parts[0] if len(parts) == 1 else exporter.mean(parts)


def _add_calibrated(exporter: Exporter, member: Any, table: str) -> str:
    graph, inner, count = exporter.graph, member.estimator, len(member.classes)
    has_scores = hasattr(inner, "decision_function")
    scores = exporter.scores(inner, table) if has_scores else exporter.predict(inner, table)
    if member.method == "temperature":
        beta = member.calibrators[0].beta_
        if has_scores:
            return (
                graph.add("Sigmoid", graph.add("Mul", scores, graph.constant(2 * beta)))
                if count == 2
                else graph.softmax(graph.add("Mul", scores, graph.constant(beta)))
            )
        both = exporter.both(scores) if count == 2 else scores
        logits = graph.add("Log", graph.add("Add", both, graph.constant(1e-12)))
        shares = graph.softmax(graph.add("Mul", logits, graph.constant(beta)))
        return graph.columns(shares, [1]) if count == 2 else shares
    if count == 2:
        return _calibrate(exporter, member.calibrators[0], scores)
    parts = [
        _calibrate(exporter, calibrator, graph.columns(scores, [place]))
        for place, calibrator in enumerate(member.calibrators)
    ]
    places = np.searchsorted(member.classes, inner.classes_)
    return graph.shares(exporter.spread(graph.add("Concat", *parts, axis=1), places, count))


def _calibrate(exporter: Exporter, calibrator: Any, score: str) -> str:
    graph = exporter.graph
    if hasattr(calibrator, "a_"):
        moved = graph.add("Add", graph.add("Mul", score, graph.constant(calibrator.a_)), graph.constant(calibrator.b_))
        return graph.add("Sigmoid", graph.add("Neg", moved))
    return graph.interpolate(score, calibrator.X_thresholds_, calibrator.y_thresholds_)


def add_isotonic(exporter: Exporter, model: Any, table: str) -> str:
    """Isotonic regression of one feature."""
    return exporter.graph.interpolate(table, model.X_thresholds_, model.y_thresholds_)


def refuse_isotonic(model: Any) -> str | None:
    """What it says of values beyond those of training."""
    return None if model.out_of_bounds == "clip" else "IsotonicRegression can be exported with out_of_bounds='clip'"


def add_constant(exporter: Exporter, model: Any, table: str) -> str:
    """DummyRegressor and DummyClassifier: the same answer to each row."""
    zeros = np.zeros((1, model.n_features_in_ if hasattr(model, "n_features_in_") else 1))
    answer = model.predict_proba(zeros) if hasattr(model, "classes_") else model.predict(zeros)[:, None]
    if hasattr(model, "classes_") and len(model.classes_) == 2:
        answer = answer[:, 1:]
    graph = exporter.graph
    none = graph.row_sum(graph.columns(table, []))  # as many zeros as there are rows
    return graph.add("Add", none, graph.constant(answer))


def refuse_dummy(model: Any) -> str | None:
    """Answers that are drawn."""
    if model.strategy in ("stratified", "uniform"):
        return f"DummyClassifier can be exported without strategy={model.strategy!r} only"
    return None
