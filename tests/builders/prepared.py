"""The preparation before an estimator that takes neither missing values nor categories, and in parts of it others."""

from __future__ import annotations

from typing import Any

from modelyard.training.estimators import Inputs
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def fill() -> SimpleImputer:
    return SimpleImputer(strategy="median")


def prepare(inputs: Inputs, *quantities: Any, categories: Any = None) -> Any:
    """Missing values filled and scaled, or what is asked for instead; categories one by one, or as asked for."""
    one_by_one = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer(
        (make_pipeline(fill(), *(quantities or [StandardScaler()])), inputs.quantities),
        (categories or one_by_one, inputs.categories),
    )


def prepared(inputs: Inputs, estimator: Any, *quantities: Any, categories: Any = None) -> Pipeline:
    """The estimator after the preparation."""
    return make_pipeline(prepare(inputs, *quantities, categories=categories), estimator)


def bounded(inputs: Inputs, estimator: Any) -> Pipeline:
    """The estimator after a preparation to values from 0 to 1."""
    return prepared(inputs, estimator, MinMaxScaler(clip=True))


def linear(inputs: Inputs) -> Any:
    """A linear model that learns anything."""
    return Ridge(random_state=inputs.seed) if inputs.regression else LogisticRegression(random_state=inputs.seed)


def after(inputs: Inputs, *quantities: Any, categories: Any = None) -> Pipeline:
    """A linear model after this preparation."""
    return prepared(inputs, linear(inputs), *quantities, categories=categories)


def tree(inputs: Inputs, depth: int = 4) -> Any:
    """A small tree."""
    kind = DecisionTreeRegressor if inputs.regression else DecisionTreeClassifier
    return kind(max_depth=depth, random_state=inputs.seed)
