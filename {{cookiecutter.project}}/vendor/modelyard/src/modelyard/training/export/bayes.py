"""Naive Bayes: the log-likelihood of each class, and their softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from .exporter import Exporter
from .linear import product


def add_gaussian(exporter: Exporter, model: Any, table: str) -> str:
    """A normal distribution of each feature in each class."""
    graph, parts = exporter.graph, []
    for mean, variance, prior in zip(model.theta_, model.var_, model.class_prior_, strict=True):
        away = graph.add("Sub", table, graph.constant(mean[None, :]))
        ratio = graph.add("Div", graph.add("Mul", away, away), graph.constant(variance[None, :]))
        half = graph.add("Mul", graph.row_sum(ratio), graph.constant(-0.5))
        constant = np.log(prior) - 0.5 * np.log(2 * np.pi * variance).sum()
        parts.append(graph.add("Add", half, graph.constant(constant)))
    return _shares(exporter, model, graph.add("Concat", *parts, axis=1))


def add_multinomial(exporter: Exporter, model: Any, table: str) -> str:
    """Counts."""
    scores = product(exporter.graph, table, model.feature_log_prob_, model.class_log_prior_)
    return _shares(exporter, model, scores)


def add_complement(exporter: Exporter, model: Any, table: str) -> str:
    """Counts, by what the other classes have."""
    scores = product(exporter.graph, table, model.feature_log_prob_, np.zeros(len(model.classes_)))
    return _shares(exporter, model, scores)


def add_bernoulli(exporter: Exporter, model: Any, table: str) -> str:
    """Features that are there or not."""
    graph = exporter.graph
    if model.binarize is not None:
        table = graph.double(graph.add("Greater", table, graph.constant(float(model.binarize))))
    absent = np.log(1 - np.exp(model.feature_log_prob_))
    scores = product(graph, table, model.feature_log_prob_ - absent, model.class_log_prior_ + absent.sum(axis=1))
    return _shares(exporter, model, scores)


def add_categorical(exporter: Exporter, model: Any, table: str) -> str:
    """Categories; scikit-learn stops at one above those that it saw, so `min_categories` must reach as far."""
    graph = exporter.graph
    total = graph.constant(model.class_log_prior_[None, :])
    for place, logs in enumerate(model.feature_log_prob_):
        hot = graph.one_hot(graph.columns(table, [place]), np.arange(logs.shape[1]))
        total = graph.add("Add", total, graph.add("MatMul", hot, graph.constant(logs.T)))
    return _shares(exporter, model, total)


def _shares(exporter: Exporter, model: Any, scores: str) -> str:
    shares = exporter.graph.softmax(scores)
    return exporter.graph.columns(shares, [1]) if len(model.classes_) == 2 else shares
