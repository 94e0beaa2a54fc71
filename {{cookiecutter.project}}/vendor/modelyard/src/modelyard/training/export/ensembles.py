"""Bagging, voting, stacking and one-against-the-rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_regressor

from .exporter import Exporter
from .trees import add_forest


def add_bagging(exporter: Exporter, model: Any, table: str) -> str:
    """The mean of the members' answers, each of its own features."""
    graph, width = exporter.graph, model.n_features_in_
    every = all(np.array_equal(features, np.arange(width)) for features in model.estimators_features_)
    if every and all(hasattr(member, "tree_") and _knows_all(model, member) for member in model.estimators_):
        return add_forest(exporter, model, table)
    parts = []
    for member, features in zip(model.estimators_, model.estimators_features_, strict=True):
        columns = table if np.array_equal(features, np.arange(width)) else graph.columns(table, features)
        if is_regressor(model):
            parts.append(exporter.predict(member, columns))
        elif hasattr(member, "predict_proba"):
            own = exporter.probabilities(member, columns)
            parts.append(exporter.spread(own, np.asarray(member.classes_, dtype=int), len(model.classes_)))
        else:  # a vote
            parts.append(graph.one_hot(exporter.labels(member, columns), np.arange(len(model.classes_))))
    return _second(exporter, model, exporter.mean(parts))


def add_voting(exporter: Exporter, model: Any, table: str) -> str:
    """The weighted mean of the members' answers."""
    answers = [exporter.answer(member, table) for member in model.estimators_]
    return _second(exporter, model, exporter.mean(answers, model._weights_not_none))


def through_stacking(exporter: Exporter, model: Any, table: str) -> tuple[Any, str]:
    """The final estimator, and the members' answers as its table."""
    parts = []
    for member, method in zip(model.estimators_, model.stack_method_, strict=True):
        if method == "decision_function":
            parts.append(exporter.scores(member, table))
        elif method == "predict_proba" or is_regressor(model):
            parts.append(exporter.predict(member, table))
        else:
            parts.append(exporter.labels(member, table))
    if model.passthrough:
        parts.append(table)
    joined = exporter.graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    return model.final_estimator_, joined


def add_one_against_rest(exporter: Exporter, model: Any, table: str) -> str:
    """The probability of each class against all others, in shares of their sum."""
    graph = exporter.graph
    single = [exporter.predict(member, table) for member in model.estimators_]
    return single[0] if len(single) == 1 else graph.shares(graph.add("Concat", *single, axis=1))


def refuse_hard(model: Any) -> str | None:
    """Votes are no probabilities."""
    return None if model.voting == "soft" else "VotingClassifier can be exported with voting='soft' only"


def _knows_all(model: Any, member: Any) -> bool:
    return is_regressor(model) or len(member.classes_) == len(model.classes_)


def _second(exporter: Exporter, model: Any, answer: str) -> str:
    """Of two classes, the probability of the second."""
    if is_regressor(model) or len(model.classes_) != 2:
        return answer
    return exporter.graph.columns(answer, [1])
