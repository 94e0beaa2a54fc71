"""Contributions of features add up to the score, and are told by no estimator that is not exact."""

from __future__ import annotations

import numpy as np
import pytest
from modelyard import lightgbm, xgboost
from modelyard.training.contributions import contributions, spread_over, tells
from modelyard.training.estimators import Inputs
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

RANDOM = np.random.default_rng(4)
FEATURES = {
    "amount": np.where(RANDOM.random(500) < 0.1, np.nan, RANDOM.normal(size=500)),
    "shop": RANDOM.integers(0, 5, 500),
    "noise": RANDOM.normal(size=500),
}
TABLE = np.stack([values.astype(np.float64) for values in FEATURES.values()], axis=1)
SIGNAL = np.nan_to_num(FEATURES["amount"]) + (FEATURES["shop"] == 2) * 2


def fitted(builder, regression):
    inputs = Inputs(regression, [0, 2], [1], seed=1, threads=1)
    target = SIGNAL if regression else (SIGNAL > 0.5).astype(np.int64)
    model = builder(inputs, n_estimators=20).fit(TABLE, target)
    return model, model.predict(TABLE) if regression else model.predict_proba(TABLE)[:, 1]


@pytest.mark.parametrize("regression", [True, False])
@pytest.mark.parametrize("builder", [lightgbm, xgboost])
def test_they_add_up_to_the_answer(builder, regression):
    model, answers = fitted(builder, regression)
    places = spread_over(answers)
    told = contributions(model, {name: values[places] for name, values in FEATURES.items()}, answers[places])
    assert [row["answer"] for row in told] == sorted(row["answer"] for row in told)
    assert (told[0]["answer"], told[-1]["answer"]) == (answers.min(), answers.max())
    for row in told:
        score = row["start"] + sum(row["features"].values()) + row["others"]
        assert (score if regression else expit(score)) == pytest.approx(row["answer"], rel=1e-3, abs=1e-4)
        sizes = [abs(value) for value in row["features"].values()]
        assert sizes == sorted(sizes, reverse=True)


def test_what_is_not_exact_is_not_told():
    target = (SIGNAL > 0.5).astype(np.int64)
    model = HistGradientBoostingClassifier(categorical_features=[1], max_iter=5).fit(TABLE, target)
    assert not tells(model)
    assert contributions(model, FEATURES, model.predict_proba(TABLE)[:, 1]) == []


def test_several_classes_are_not_told():
    target = np.digitize(SIGNAL, [0, 1])
    model = lightgbm(Inputs(False, [0, 2], [1], seed=1, threads=1), n_estimators=5).fit(TABLE, target)
    assert contributions(model, FEATURES, model.predict_proba(TABLE)) == []
