"""LightGBM and XGBoost on hostile rows, and the settings of their builders."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders.answers import answers, session_of
from builders.data import flights
from modelyard import XGBClassifier, XGBRegressor, lightgbm, xgboost
from modelyard.errors import ContractError
from modelyard.runtime.quickscorer import QuickScorer
from modelyard.training.estimators import Inputs, build
from modelyard.training.export import to_onnx
from modelyard.training.export.xgboost import read_model

INPUTS = Inputs(regression=False, quantities=[0, 2, 3], categories=[1], seed=7, threads=1)
FEW = {"n_estimators": 25, "min_child_samples": 3}
ZERO = float(np.float32(1e-35))
NEAR_ZERO = [0.0, -0.0, 5e-324, -5e-324, 1e-36, ZERO, -ZERO, np.nextafter(ZERO, 1), np.nextafter(-ZERO, -1), 1e-30]


def made(missing=0.1, rows=900):
    """Quantities around zero, of which many are equal, and a category in the second column."""
    random = np.random.default_rng(0)
    features = random.normal(size=(rows, 4))
    features[:, 1] = random.integers(0, 30, rows)
    features[:, 2] = np.round(features[:, 2])
    features[:, 3] = random.choice([*NEAR_ZERO, 1.0, -1.0], rows)
    target = np.sin(3 * features[:, 0]) + features[:, 1] % 4 - features[:, 2] + np.sign(features[:, 3])
    features[random.random(features.shape) < missing] = np.nan
    return features, np.digitize(target, [0.5, 2.5])


def hostile(features):
    random = np.random.default_rng(1)
    asked = features[:300].copy()
    asked[:, 1] = random.choice([*range(40), 31, 32, 63, 64, 5000, np.nan], 300)
    asked[:, 0] = random.choice([*NEAR_ZERO, np.nan, 1e30, -1e30, 1e300, np.finfo(np.float32).max], 300)
    return asked


def assert_same(estimator, asked):
    model = to_onnx(estimator, asked.shape[1])
    found = session_of(model.SerializeToString()).run(["prediction"], {"features": asked})[0]
    np.testing.assert_allclose(found, answers(estimator, asked), rtol=1e-13, atol=1e-13)
    return model, found


def edges_of(model, asked):
    """Rows at the edges of the trees and beside them."""
    node = next(one for one in model.graph.node if one.op_type == "TreeEnsemble")
    attributes = {one.name: one for one in node.attribute}
    splits = np.frombuffer(attributes["nodes_splits"].t.raw_data)
    features = np.array(attributes["nodes_featureids"].ints)
    rows = np.resize(asked, (3 * len(splits), asked.shape[1]))
    for place, (feature, split) in enumerate(zip(features, splits, strict=True)):
        if feature not in INPUTS.categories:
            rows[3 * place : 3 * place + 3, feature] = [
                np.nextafter(split, -np.inf),
                split,
                np.nextafter(split, np.inf),
            ]
    return rows


@pytest.mark.parametrize("missing", [0, 0.1])
@pytest.mark.parametrize("settings", [{}, {"use_missing": False}, {"max_cat_to_onehot": 50}, {"extra_trees": True}])
def test_lightgbm_is_the_same_on_hostile_rows(settings, missing):
    features, target = made(missing)
    model = lightgbm(INPUTS, **FEW, **settings).fit(features, target)
    exported, _ = assert_same(model, hostile(features))
    assert_same(model, edges_of(exported, hostile(features)))


def test_lightgbm_has_the_tables_of_a_quickscorer_which_answer_the_same_to_the_last_bit():
    features, target = made()
    exported, found = assert_same(lightgbm(INPUTS, **FEW).fit(features, target), hostile(features))
    quick = QuickScorer.from_metadata({one.key: one.value for one in exported.metadata_props})
    sums = quick.sums(hostile(features))
    linked = session_of(quick.link.tobytes()).run(["prediction"], {"sums": sums})[0]
    np.testing.assert_array_equal(linked, found)


def test_lightgbm_of_a_single_leaf_is_the_same():
    features, target = made()
    assert_same(lightgbm(INPUTS, min_child_samples=10_000).fit(features, target), hostile(features))


@pytest.mark.parametrize("missing", [0, 0.1])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_cat_to_onehot": 100},
        {"grow_policy": "lossguide", "max_leaves": 9},
        {"base_score": 0.3},
        {"gamma": 1e9},
    ],
)
def test_xgboost_is_the_same_on_hostile_rows(settings, missing):
    features, target = made(missing)
    model = xgboost(INPUTS, n_estimators=20, **settings).fit(features, target > 0)
    asked = hostile(features)
    asked[asked == 1e300] = 1e38  # XGBoost takes no infinity
    exported, _ = assert_same(model, asked)
    assert_same(model, np.clip(edges_of(exported, asked), -3e38, 3e38))


def test_the_sum_of_xgboosts_leaves_is_what_it_answers_but_for_single_precision():
    data = flights("regression")
    model = xgboost(data.inputs, n_estimators=50).fit(data.table, data.target)
    single = model.single_precision(data.asked)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, model.predict(data.asked), rtol=1e-5)
    assert (single != model.predict(data.asked)).any()
    assert len(read_model(model).trees) == 50


@pytest.mark.parametrize("builder", [lightgbm, xgboost])
def test_a_builder_fitted_twice_gives_the_same_bytes(builder):
    data = flights("binary")
    inputs = dataclasses.replace(data.inputs, threads=2)
    first, second = (
        to_onnx(builder(inputs, n_estimators=15, subsample=0.7).fit(data.table, data.target), data.table.shape[1])
        for _ in range(2)
    )
    assert first.SerializeToString() == second.SerializeToString()


@pytest.mark.parametrize("builder", [lightgbm, xgboost])
def test_a_setting_that_there_is_not_is_refused_with_those_that_there_are(builder):
    with pytest.raises(ContractError, match=r"has no setting 'trees'; its settings are: .*learning_rate, .*subsample"):
        build({"boosting": builder}, "boosting", INPUTS, {"trees": 3})


def test_lightgbms_own_names_are_settings_too():
    assert build({"boosting": lightgbm}, "boosting", INPUTS, {"lambda_l2": 3, "feature_fraction": 0.5})


@pytest.mark.parametrize(("regression", "kind"), [(True, XGBRegressor), (False, XGBClassifier)])
def test_xgboost_knows_which_features_are_categories(regression, kind):
    model = build(
        {"boosting": xgboost}, "boosting", dataclasses.replace(INPUTS, regression=regression), {"max_depth": 3}
    )
    assert type(model) is kind
    assert (model.feature_types, model.n_jobs, model.random_state) == (["q", "c", "q", "q"], 1, 7)
