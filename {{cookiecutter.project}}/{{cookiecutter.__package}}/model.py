"""The models to choose from in `params.yaml`. Yours is one more function in ESTIMATORS.

A builder takes what the features are and the settings under its name in `params.yaml`, and returns an estimator for
a table of shape (rows, features): categories are whole numbers, missing is NaN. What it returns must be exportable:
trees and linear models, with the usual preparation before them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from modelyard import Inputs
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def gradient_boosting(inputs: Inputs, **settings: Any) -> BaseEstimator:
    """Histogram gradient boosting, with categories as they are (Ke et al., LightGBM, 2017)."""
    kind = HistGradientBoostingRegressor if inputs.regression else HistGradientBoostingClassifier
    # early stopping would hold out random rows, and the validation periods are there for that
    fixed = {"early_stopping": False, "random_state": inputs.seed, "categorical_features": inputs.categories or None}
    return kind(**fixed, **settings)


def random_forest(inputs: Inputs, **settings: Any) -> BaseEstimator:
    """A random forest (Breiman, 2001); a category is the number of its place in the contract."""
    kind = RandomForestRegressor if inputs.regression else RandomForestClassifier
    return kind(random_state=inputs.seed, n_jobs=inputs.threads, **settings)


def linear(inputs: Inputs, alpha: float = 1.0, max_iter: int = 1000) -> BaseEstimator:
    """Ridge or logistic regression with an L2 penalty of `alpha`; categories one by one, quantities scaled."""
    prepare = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()),
            inputs.quantities,
        ),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), inputs.categories),
    )
    inverse = 1 / alpha if alpha else math.inf
    kind, strength = (Ridge, {"alpha": alpha}) if inputs.regression else (LogisticRegression, {"C": inverse})
    return make_pipeline(prepare, kind(max_iter=max_iter, random_state=inputs.seed, **strength))


ESTIMATORS: dict[str, Callable[..., BaseEstimator]] = {
    "gradient_boosting": gradient_boosting,
    "random_forest": random_forest,
    "linear": linear,
}
