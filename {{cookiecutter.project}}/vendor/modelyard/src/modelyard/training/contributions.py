"""How much each feature moved the answers to a few rows, where the estimator's library tells it exactly.

LightGBM and XGBoost compute the Shapley values of their own trees (TreeSHAP, Lundberg et al., 2020), which add up to
the score. Of others nothing is told: what the package shap says of native categories of scikit-learn is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ..runtime.matrix import matrix

Floats = NDArray[np.float64]
Teller = Callable[[Any, Floats], tuple[Floats, Floats]]

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the rows, by their answers, at which one is told
LISTED = 8
CLOSE = 1e-4  # by which contributions add up to the score; XGBoost adds in float32


def tells(estimator: BaseEstimator) -> bool:
    """Whether the estimator's library tells how much each feature moved an answer."""
    return _teller(estimator) is not None


def spread_over(answers: NDArray[np.float64]) -> NDArray[np.int64]:
    """The places of some rows, from the lowest answer to the highest, of answers of shape (n,)."""
    ordered = np.argsort(answers, kind="stable")
    return ordered[[round(share * (len(answers) - 1)) for share in SHARES]]


def contributions(
    estimator: BaseEstimator, features: Mapping[str, NDArray], answers: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """For each of these rows: the answer, the score that all start from, and what the features added to it, the largest
    first; empty if the library cannot tell, or there are several classes.
    """
    told_by = _teller(estimator)
    if told_by is None or answers.ndim > 1:
        return []
    parts, scores = told_by(estimator, matrix(features))
    if not np.allclose(parts.sum(axis=1), scores, rtol=CLOSE, atol=CLOSE):
        return []
    rows = []
    for answer, part in zip(answers, parts, strict=True):
        largest = np.argsort(-np.abs(part[:-1]), kind="stable")[:LISTED]
        names = list(features)
        moved = {names[feature]: float(part[feature]) for feature in largest if part[feature]}
        others = float(np.delete(part[:-1], largest).sum())
        rows.append({"answer": float(answer), "start": float(part[-1]), "features": moved, "others": others})
    return rows


def _teller(estimator: BaseEstimator) -> Teller | None:
    names = {kind.__name__ for kind in type(estimator).__mro__}
    return next((by for name, by in KINDS.items() if name in names), None)


def _by_lightgbm(model: Any, table: Floats) -> tuple[Floats, Floats]:
    return model.predict(table, pred_contrib=True), model.predict(table, raw_score=True)


def _by_xgboost(model: Any, table: Floats) -> tuple[Floats, Floats]:
    from xgboost import DMatrix

    rows = DMatrix(table, feature_types=model.feature_types, enable_categorical=True, nthread=1)
    booster = model.get_booster()
    parts = booster.predict(rows, pred_contribs=True).astype(np.float64)
    return parts, booster.predict(rows, output_margin=True).astype(np.float64)


KINDS: dict[str, Teller] = {"LGBMModel": _by_lightgbm, "XGBModel": _by_xgboost}
