"""XGBoost for a project's `model.py`, with answers in float64, and a builder that pins what must be.

It needs the package `xgboost` or `xgboost-cpu`, which only a project that uses it installs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator

from ..errors import ContractError
from .estimators import Inputs
from .export.xgboost import EXP, SIGMOID, SOFTMAX, read_model

try:
    import xgboost as package
except ImportError:
    raise ContractError(
        "model.py imports XGBoost, which is not installed; add it with `uv add --optional train 'xgboost-cpu>=3.2,<4'` "
        "(on macOS 'xgboost>=3.2,<4')"
    ) from None


def xgboost(inputs: Inputs, **settings: Any) -> BaseEstimator:
    """Gradient boosting by XGBoost (Chen and Guestrin, 2016), with categories as they are.

    settings: of `xgboost.XGBClassifier` and `xgboost.XGBRegressor`.
    """
    kind = XGBRegressor if inputs.regression else XGBClassifier
    count = len(inputs.quantities) + len(inputs.categories)
    fixed: dict[str, Any] = {
        "random_state": inputs.seed,
        "n_jobs": inputs.threads,
        "enable_categorical": True,
        "feature_types": ["c" if place in inputs.categories else "q" for place in range(count)],
    }
    if unknown := settings.keys() - kind().get_params().keys():  # XGBoost only warns
        raise TypeError(f"XGBoost has no setting {min(unknown)!r}")
    return kind(**fixed, **settings)


class _Double:
    """Answers with the float64 sum of the leaves that XGBoost's own float32 comparisons reach."""

    def _link(self: Any, table: NDArray[np.float64]) -> NDArray[np.float64]:
        read = read_model(self)
        sums = read.sums(self.apply(table).astype(np.int64).reshape(len(table), -1))
        if read.objective in SIGMOID:
            return expit(sums)
        if read.objective in EXP:
            return np.exp(sums)
        return softmax(sums, axis=1) if read.objective in SOFTMAX else sums


class XGBClassifier(_Double, package.XGBClassifier):
    """`xgboost.XGBClassifier` that adds up its leaves in float64."""

    def predict_proba(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities of all classes, (n, classes)."""
        answer = self._link(table)
        return np.concatenate((1 - answer, answer), axis=1) if answer.shape[1] == 1 else answer

    def predict(self, table: NDArray[np.float64]) -> NDArray[Any]:
        """The class of the highest probability."""
        return self.classes_[self.predict_proba(table).argmax(axis=1)]

    def single_precision(self, table: NDArray[np.float64]) -> NDArray[np.float32]:
        """The probabilities as XGBoost itself gives them; of two classes, the second's."""
        answer = super().predict_proba(table)
        return answer[:, 1] if answer.shape[1] == 2 else answer


class XGBRegressor(_Double, package.XGBRegressor):
    """`xgboost.XGBRegressor` that adds up its leaves in float64."""

    def predict(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The numbers, (n,)."""
        return self._link(table)[:, 0]

    def single_precision(self, table: NDArray[np.float64]) -> NDArray[np.float32]:
        """The numbers as XGBoost itself gives them."""
        return super().predict(table)
