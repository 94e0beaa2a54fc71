"""What can be exported: each kind of estimator and transformer, and what writes it."""

from __future__ import annotations

from . import (
    encoding,
    lightgbm,
    linear,
    prepare,
    scaling,
    trees,
    wrappers,
    xgboost,
)
from .exporter import Converter, Converters

_LEAST_SQUARES = (
    "ARDRegression BayesianRidge ElasticNet ElasticNetCV HuberRegressor Lars LarsCV Lasso LassoCV LassoLars "
    "LassoLarsCV LassoLarsIC LinearRegression LinearSVR OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV "
    "QuantileRegressor Ridge RidgeCV SGDRegressor TheilSenRegressor"
)
_TREES = "DecisionTree ExtraTree ExtraTrees RandomForest"


def _of(names: str, converter: Converter, package: str = "sklearn") -> Converters:
    return {f"{package}.{name}": converter for name in names.split()}


def _both(names: str) -> str:
    return " ".join(f"{name}{task}" for name in names.split() for task in ("Classifier", "Regressor"))


ESTIMATORS: Converters = {
    # Trees
    **_of(_both("HistGradientBoosting"), Converter(trees.add_boosting, scores=trees.add_boosting_scores)),
    **_of(_both(_TREES), Converter(trees.add_forest, labels=trees.add_forest_label)),
    **_of(_both("LGBM"), Converter(lightgbm.add_lightgbm, refuse=lightgbm.refuse), "lightgbm"),
    **_of(_both("XGB"), Converter(xgboost.add_xgboost, refuse=xgboost.refuse), "modelyard"),
    # Linear
    **_of(_LEAST_SQUARES, Converter(linear.add_scores)),
    **_of("LinearSVC RidgeClassifier RidgeClassifierCV", Converter(scores=linear.add_scores)),
    **_of("LogisticRegression LogisticRegressionCV", Converter(linear.add_probabilities, scores=linear.add_scores)),
    # Around others
    **_of("Pipeline", Converter(prepare.add_steps, through=wrappers.through_pipeline)),
}
TRANSFORMERS: Converters = {
    "builtins.str": Converter(prepare.add_as_it_is),  # "passthrough"
    **_of("ColumnTransformer", Converter(prepare.add_columns)),
    **_of("FunctionTransformer", Converter(prepare.add_function, refuse=prepare.refuse_function)),
    **_of("SimpleImputer", Converter(prepare.add_imputer, refuse=prepare.refuse_other_missing)),
    **_of("StandardScaler", Converter(scaling.add_standard)),
    **_of("OneHotEncoder", Converter(encoding.add_one_hot)),
}
CONVERTERS: Converters = {**ESTIMATORS, **TRANSFORMERS}
# Those that a class of ours with the same name stands for
REFUSED: Converters = {
    **_of(_both("XGB"), Converter(refuse=xgboost.refuse_single), "xgboost"),
}


def names(converters: Converters) -> list[str]:
    """The names of the kinds, in order."""
    return sorted({kind.rpartition(".")[2] for kind in converters if not kind.startswith("builtins.")})
