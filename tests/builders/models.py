"""Builders of each kind of model, with the preparation that it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from modelyard.training import neighbours
from modelyard.training.estimators import Inputs
from modelyard.training.lightgbm import lightgbm
from modelyard.training.xgboost import xgboost
from sklearn import (
    calibration,
    compose,
    discriminant_analysis,
    dummy,
    ensemble,
    kernel_ridge,
    linear_model,
    model_selection,
    multiclass,
    naive_bayes,
    neural_network,
    preprocessing,
    svm,
)
from sklearn.pipeline import make_pipeline

from .data import TASKS
from .kind import Kind
from .prepared import after, bounded, fill, linear, prepared, tree

CLASSES = TASKS[1:]


def _of(module: Any, name: str, inputs: Inputs) -> Any:
    return getattr(module, f"{name}{'Regressor' if inputs.regression else 'Classifier'}")


def _regression(build: Callable[[Inputs], Any]) -> Kind:
    return Kind(build, ("regression",))


def _classes(build: Callable[[Inputs], Any]) -> Kind:
    return Kind(build, CLASSES)


def _members(inputs: Inputs) -> list[tuple[str, Any]]:
    return [("linear", after(inputs)), ("tree", tree(inputs))]


def _calibrated(method: str, inner: Callable[[Inputs], Any], **settings: Any) -> Kind:
    return _classes(lambda inputs: calibration.CalibratedClassifierCV(inner(inputs), method=method, cv=3, **settings))


def _target(function: Any = None, inverse: Any = None, transformer: Any = None) -> Kind:
    return _regression(
        lambda inputs: compose.TransformedTargetRegressor(
            after(inputs), func=function, inverse_func=inverse, transformer=transformer, check_inverse=False
        )
    )


def _searched(inputs: Inputs) -> tuple[Any, dict[str, list[int]]]:
    return tree(inputs), {"max_depth": [2, 5]}


LIGHT, QUICK = {"n_estimators": 20, "num_leaves": 8}, {"n_estimators": 20, "max_depth": 4}

MODELS: dict[str, Kind] = {
    # Boosting and forests
    "HistGradientBoosting": Kind(
        lambda inputs: _of(ensemble, "HistGradientBoosting", inputs)(
            max_iter=20, categorical_features=inputs.categories or None, early_stopping=False
        )
    ),
    "LightGBM": Kind(lambda inputs: lightgbm(inputs, **LIGHT)),
    "LightGBM, dart": Kind(lambda inputs: lightgbm(inputs, boosting_type="dart", **LIGHT)),
    "LightGBM, forest": Kind(
        lambda inputs: lightgbm(inputs, boosting_type="rf", bagging_freq=1, bagging_fraction=0.5, **LIGHT)
    ),
    "LightGBM, one against the rest": Kind(
        lambda inputs: lightgbm(inputs, objective="multiclassova", **LIGHT), ("multiclass",)
    ),
    **{
        f"LightGBM, {objective}": _regression(
            lambda inputs, objective=objective: lightgbm(inputs, objective=objective, **LIGHT)
        )
        for objective in ("poisson", "gamma", "tweedie", "huber", "quantile", "l1", "mape")
    },
    "LightGBM, reg_sqrt": _regression(lambda inputs: lightgbm(inputs, reg_sqrt=True, **LIGHT)),
    "XGBoost": Kind(lambda inputs: xgboost(inputs, **QUICK)),
    **{
        f"XGBoost, {objective}": _regression(
            lambda inputs, objective=objective: xgboost(inputs, objective=objective, **QUICK)
        )
        for objective in ("count:poisson", "reg:gamma", "reg:tweedie", "reg:pseudohubererror", "reg:absoluteerror")
    },
    "GradientBoosting": Kind(
        lambda inputs: make_pipeline(fill(), _of(ensemble, "GradientBoosting", inputs)(n_estimators=20))
    ),
    "GradientBoosting, exponential": Kind(
        lambda _: make_pipeline(fill(), ensemble.GradientBoostingClassifier(loss="exponential", n_estimators=20)),
        ("binary",),
    ),
    "RandomForest": Kind(lambda inputs: _of(ensemble, "RandomForest", inputs)(20, max_depth=6, random_state=0)),
    "ExtraTrees": Kind(lambda inputs: _of(ensemble, "ExtraTrees", inputs)(20, max_depth=6, random_state=0)),
    "DecisionTree": Kind(tree),
    "AdaBoost": Kind(
        lambda inputs: make_pipeline(fill(), _of(ensemble, "AdaBoost", inputs)(tree(inputs, 2), n_estimators=20))
    ),
    "AdaBoost of linear models": Kind(
        lambda inputs: prepared(inputs, _of(ensemble, "AdaBoost", inputs)(linear(inputs), n_estimators=5))
    ),
    # Of several
    "Bagging": Kind(lambda inputs: _of(ensemble, "Bagging", inputs)(tree(inputs), random_state=0)),
    "Bagging of linear models": Kind(
        lambda inputs: prepared(
            inputs, _of(ensemble, "Bagging", inputs)(linear(inputs), 5, max_features=0.6, random_state=0)
        )
    ),
    "Voting": Kind(
        lambda inputs: (
            ensemble.VotingRegressor(_members(inputs), weights=[1, 3])
            if inputs.regression
            else ensemble.VotingClassifier(_members(inputs), voting="soft", weights=[1, 3])
        )
    ),
    "Stacking": Kind(lambda inputs: _of(ensemble, "Stacking", inputs)(_members(inputs), linear(inputs), cv=3)),
    "Stacking, passthrough": Kind(
        lambda inputs: make_pipeline(
            fill(), _of(ensemble, "Stacking", inputs)(_members(inputs), tree(inputs), cv=3, passthrough=True)
        )
    ),
    "Dummy": Kind(lambda inputs: _of(dummy, "Dummy", inputs)()),
    "OneVsRest": _classes(lambda inputs: multiclass.OneVsRestClassifier(tree(inputs))),
    # Around one
    "Calibrated, sigmoid": _calibrated("sigmoid", tree),
    "Calibrated, isotonic": _calibrated("isotonic", tree),
    "Calibrated, temperature": _calibrated("temperature", tree),
    "Calibrated gradient boosting": _calibrated(
        "isotonic", lambda _: ensemble.HistGradientBoostingClassifier(max_iter=10, early_stopping=False)
    ),
    "TransformedTarget, log1p": _target(np.log1p, np.expm1),
    "TransformedTarget, sqrt": _target(np.sqrt, np.square),
    "TransformedTarget, scaler": _target(transformer=preprocessing.StandardScaler()),
    "TransformedTarget, Yeo-Johnson": _target(transformer=preprocessing.PowerTransformer()),
    "TransformedTarget, Box-Cox": _target(transformer=preprocessing.PowerTransformer("box-cox")),
    "GridSearch": Kind(lambda inputs: model_selection.GridSearchCV(*_searched(inputs), cv=2)),
    "RandomizedSearch": Kind(
        lambda inputs: model_selection.RandomizedSearchCV(*_searched(inputs), n_iter=2, cv=2, random_state=0)
    ),
    "TunedThreshold": Kind(lambda inputs: model_selection.TunedThresholdClassifierCV(tree(inputs), cv=2), ("binary",)),
    "FixedThreshold": Kind(lambda inputs: model_selection.FixedThresholdClassifier(tree(inputs)), ("binary",)),
    # Naive Bayes
    "GaussianNB": _classes(lambda inputs: prepared(inputs, naive_bayes.GaussianNB(var_smoothing=1e-3))),
    "MultinomialNB": _classes(lambda inputs: bounded(inputs, naive_bayes.MultinomialNB())),
    "ComplementNB": _classes(lambda inputs: bounded(inputs, naive_bayes.ComplementNB())),
    "BernoulliNB": _classes(lambda inputs: prepared(inputs, naive_bayes.BernoulliNB())),
    "CategoricalNB": _classes(
        lambda inputs: prepared(
            inputs,
            naive_bayes.CategoricalNB(min_categories=6),
            preprocessing.KBinsDiscretizer(5, encode="ordinal", quantile_method="averaged_inverted_cdf"),
        )
    ),
    # Neighbours, kernels, layers
    "KNeighbors": Kind(lambda inputs: prepared(inputs, _of(neighbours, "KNeighbors", inputs)())),
    "KNeighbors, by distance": Kind(
        lambda inputs: prepared(inputs, _of(neighbours, "KNeighbors", inputs)(weights="distance", p=1))
    ),
    "SVR": _regression(lambda inputs: prepared(inputs, svm.SVR())),
    "NuSVR": _regression(lambda inputs: prepared(inputs, svm.NuSVR(kernel="poly", coef0=1.0))),
    "SVC, calibrated": _calibrated("sigmoid", lambda inputs: prepared(inputs, svm.SVC()), ensemble=False),
    "SVC, probability": _classes(lambda inputs: prepared(inputs, svm.SVC(probability=True))),
    "NuSVC, calibrated": _calibrated("isotonic", lambda inputs: prepared(inputs, svm.NuSVC(nu=0.05)), ensemble=False),
    "LinearSVR": _regression(lambda inputs: prepared(inputs, svm.LinearSVR(random_state=0))),
    "LinearSVC, calibrated": _calibrated("sigmoid", lambda inputs: prepared(inputs, svm.LinearSVC(random_state=0))),
    "KernelRidge": _regression(lambda inputs: prepared(inputs, kernel_ridge.KernelRidge(kernel="rbf"))),
    "MLP": Kind(
        lambda inputs: bounded(
            inputs, _of(neural_network, "MLP", inputs)(hidden_layer_sizes=(8,), max_iter=30, random_state=0)
        )
    ),
    "MLP, tanh": Kind(
        lambda inputs: bounded(
            inputs,
            _of(neural_network, "MLP", inputs)(
                hidden_layer_sizes=(5, 5), activation="tanh", max_iter=30, random_state=0
            ),
        )
    ),
    # Linear
    "Ridge, LogisticRegression": Kind(after),
    "ElasticNet": _regression(lambda inputs: prepared(inputs, linear_model.ElasticNet())),
    "HuberRegressor": _regression(lambda inputs: prepared(inputs, linear_model.HuberRegressor())),
    "QuantileRegressor": _regression(lambda inputs: prepared(inputs, linear_model.QuantileRegressor())),
    "PoissonRegressor": _regression(lambda inputs: bounded(inputs, linear_model.PoissonRegressor())),
    "GammaRegressor": _regression(lambda inputs: bounded(inputs, linear_model.GammaRegressor())),
    "TweedieRegressor": _regression(lambda inputs: bounded(inputs, linear_model.TweedieRegressor(power=1.5))),
    "SGD": Kind(
        lambda inputs: bounded(
            inputs,
            linear_model.SGDRegressor(random_state=0)
            if inputs.regression
            else linear_model.SGDClassifier("log_loss", random_state=0),
        )
    ),
    "LinearDiscriminantAnalysis": _classes(
        lambda inputs: prepared(inputs, discriminant_analysis.LinearDiscriminantAnalysis())
    ),
    "QuadraticDiscriminantAnalysis": _classes(
        lambda inputs: prepared(inputs, discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1))
    ),
}
