from __future__ import annotations

import pytest
from modelyard.errors import ContractError
from modelyard.training.estimators import Inputs, build
from sklearn.base import is_classifier, is_regressor

from flight_delays.model import ESTIMATORS


def inputs(regression=False):
    return Inputs(regression, quantities=[0, 2], categories=[1], seed=7, threads=2)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_each_estimator_fits_the_task(estimator):
    assert is_regressor(build(ESTIMATORS, estimator, inputs(regression=True), {}))
    assert is_classifier(build(ESTIMATORS, estimator, inputs(regression=False), {}))


@pytest.mark.parametrize(
    ("estimator", "settings"),
    [
        ("gradient_boosting", {"max_iter": 3, "l2_regularization": 0.5}),
        ("random_forest", {"n_estimators": 3, "max_depth": 2}),
    ],
)
def test_settings_reach_the_estimator(estimator, settings):
    assert settings.items() <= build(ESTIMATORS, estimator, inputs(), settings).get_params().items()


def test_alpha_is_the_penalty_of_both_linear_models():
    ridge = build(ESTIMATORS, "linear", inputs(regression=True), {"alpha": 4.0})[-1]
    logistic = build(ESTIMATORS, "linear", inputs(regression=False), {"alpha": 4.0})[-1]
    assert (ridge.alpha, logistic.C) == (4, 0.25)


@pytest.mark.parametrize("regression", [True, False])
def test_no_penalty_can_be_asked_for(regression):
    model = build(ESTIMATORS, "linear", inputs(regression), {"alpha": 0})
    model.fit([[0.0, 1, 2], [1, 0, 2], [0, 1, 1], [1, 0, 0.5]], [0, 1, 1, 0])


@pytest.mark.parametrize("estimator", ["gradient_boosting", "random_forest"])
def test_the_seed_is_pinned(estimator):
    assert build(ESTIMATORS, estimator, inputs(), {}).random_state == 7


def test_the_threads_of_a_forest_are_pinned():
    assert build(ESTIMATORS, "random_forest", inputs(), {}).n_jobs == 2


def test_boosting_knows_which_features_are_categories():
    assert build(ESTIMATORS, "gradient_boosting", inputs(), {}).categorical_features == [1]


def test_an_unknown_estimator_is_refused_with_those_that_there_are():
    with pytest.raises(ContractError, match=r"model\.estimator is 'xgboost'; there are: gradient_boosting, random_fo"):
        build(ESTIMATORS, "xgboost", inputs(), {})


@pytest.mark.parametrize(
    ("estimator", "allowed"),
    [("gradient_boosting", "max_iter"), ("random_forest", "n_estimators"), ("linear", "alpha, max_iter")],
)
def test_an_unknown_setting_is_refused_with_those_that_there_are(estimator, allowed):
    with pytest.raises(ContractError, match=rf"model.{estimator}: .*'trees'; its settings are: .*{allowed}"):
        build(ESTIMATORS, estimator, inputs(), {"trees": 3})


def test_a_setting_that_is_pinned_is_refused():
    with pytest.raises(ContractError, match=r"model.random_forest: .*random_state"):
        build(ESTIMATORS, "random_forest", inputs(), {"random_state": 1})
