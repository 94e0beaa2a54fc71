"""Converts a fitted scikit-learn estimator to an ONNX graph in float64 that gives the same answers.

In: `features`, float64 of shape (n, features). Out: `prediction`, float64: the number (n, 1), the probability of the
second class (n, 1), or the probabilities of all classes (n, classes).

For boosted trees, the metadata also holds the tables of a QuickScorer.

The converters are our own, because skl2onnx writes trees in float32, which moves rows across thresholds.
"""

from __future__ import annotations

import onnx
from sklearn.base import BaseEstimator, is_regressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ...errors import ContractError
from .graph import Graph
from .linear import add_linear
from .prepare import add_transformer
from .quick import quickscorer
from .trees import add_boosting, add_forest

BOOSTING = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
TREES = (DecisionTreeClassifier, DecisionTreeRegressor)
FORESTS = (RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor)


def to_onnx(estimator: BaseEstimator, features: int) -> onnx.ModelProto:
    """The graph of a fitted estimator that takes this many features.

    Raises ContractError, which names the supported kinds, if a part of it has no converter.
    """
    graph = Graph(features)
    last = graph.input
    metadata: dict[str, str] = {}
    if isinstance(estimator, Pipeline):
        for _, step in estimator.steps[:-1]:
            last = add_transformer(graph, step, last)
        estimator = estimator.steps[-1][1]
    if isinstance(estimator, BOOSTING):
        quick = quickscorer(estimator) if last == graph.input else None
        metadata = quick.metadata() if quick is not None else {}
        last = add_boosting(graph, estimator, last)
    elif isinstance(estimator, FORESTS):
        last = add_forest(graph, estimator, list(estimator.estimators_), last)
    elif isinstance(estimator, TREES):
        last = add_forest(graph, estimator, [estimator], last)
    elif hasattr(estimator, "coef_") and (is_regressor(estimator) or hasattr(estimator, "predict_proba")):
        last = add_linear(graph, estimator, last)
    else:
        supported = ", ".join(kind.__name__ for kind in (*BOOSTING, *FORESTS, *TREES))
        raise ContractError(
            f"model.py: {type(estimator).__name__} cannot be exported; {supported} and linear models can. "
            "Write its converter in training/export beside theirs."
        )
    return graph.model(last, metadata)
