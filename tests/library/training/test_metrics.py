from __future__ import annotations

import math

import numpy as np
import pytest
from modelyard.training import weighted
from modelyard.training.metrics import HIGHER_IS_BETTER, PRIMARY, Decision, by_score, measure, measures, primary_losses
from modelyard.training.weighted import calibration_bins
from sklearn import metrics as sklearn

SEEDS = range(20)


def weightings(random, rows):
    """Weights of one, and how often a bootstrap drew each row."""
    drawn = [np.bincount(random.integers(rows, size=rows), minlength=rows) for _ in range(4)]
    return np.array([np.ones(rows), *drawn], dtype=float)


def binary(seed):
    """Rows whose scores are tied often."""
    random = np.random.default_rng(seed)
    target = np.append(random.integers(2, size=60), [0, 1])
    scores = random.integers(0, 8, size=62) / 7 if seed % 2 else random.random(62)
    return target, scores, weightings(random, 62)


def assert_equal(found, expected, weights):
    for number, one in enumerate(weights):
        for name, metric in expected.items():
            assert found[name][number] == pytest.approx(metric(one), rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("seed", SEEDS)
def test_binary_metrics_are_those_of_scikit_learn(seed):
    target, scores, weights = binary(seed)
    expected = {
        "roc_auc": lambda one: sklearn.roc_auc_score(target, scores, sample_weight=one),
        "average_precision": lambda one: sklearn.average_precision_score(target, scores, sample_weight=one),
        "log_loss": lambda one: sklearn.log_loss(target, scores, sample_weight=one),
        "brier": lambda one: sklearn.brier_score_loss(target, scores, sample_weight=one),
    }
    assert_equal(measure("binary", target, scores, weights), expected, weights)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_decision_is_measured_as_scikit_learn_does(seed):
    target, scores, weights = binary(seed)
    called = scores >= 0.5
    expected = {
        "precision": lambda one: sklearn.precision_score(target, called, sample_weight=one),
        "recall": lambda one: sklearn.recall_score(target, called, sample_weight=one),
        "cost": lambda one: np.average(
            np.where(called & (target == 0), 2, np.where(~called & (target == 1), 7, 0)), weights=one
        ),
    }
    found = measure("binary", target, scores, weights, Decision(0.5, false_positive=2, false_negative=7))
    assert_equal(found, expected, weights)


@pytest.mark.parametrize("seed", SEEDS)
def test_multiclass_metrics_are_those_of_scikit_learn(seed):
    random = np.random.default_rng(seed)
    target = np.append(random.integers(3, size=90), [0, 1, 2])
    raw = random.integers(1, 5, size=(93, 3)) if seed % 2 else random.random((93, 3))
    scores = raw / raw.sum(axis=1, keepdims=True)
    called = scores.argmax(axis=1)
    weights = weightings(random, 93)
    expected = {
        "roc_auc": lambda one: sklearn.roc_auc_score(target, scores, sample_weight=one, multi_class="ovr"),
        "log_loss": lambda one: sklearn.log_loss(target, scores, sample_weight=one),
        "accuracy": lambda one: sklearn.accuracy_score(target, called, sample_weight=one),
        "balanced_accuracy": lambda one: sklearn.balanced_accuracy_score(target, called, sample_weight=one),
    }
    assert_equal(measure("multiclass", target, scores, weights), expected, weights)


@pytest.mark.parametrize("offset", [0, 1e6])
@pytest.mark.parametrize("seed", SEEDS)
def test_regression_metrics_are_those_of_scikit_learn(seed, offset):
    random = np.random.default_rng(seed)
    target = offset + random.normal(size=80)
    prediction = target + random.normal(size=80)
    weights = weightings(random, 80)
    expected = {
        "rmse": lambda one: sklearn.root_mean_squared_error(target, prediction, sample_weight=one),
        "mae": lambda one: sklearn.mean_absolute_error(target, prediction, sample_weight=one),
        "r2": lambda one: sklearn.r2_score(target, prediction, sample_weight=one),
    }
    assert_equal(measure("regression", target, prediction, weights), expected, weights)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_weight_counts_how_often_a_row_was_drawn(seed):
    target, scores, weights = binary(seed)
    drawn = np.repeat(np.arange(len(target)), weights[1].astype(int))
    found = measure("binary", target, scores, weights[1:2])
    expected = measure("binary", target[drawn], scores[drawn], np.ones((1, len(drawn))))
    for name in ("roc_auc", "average_precision", "log_loss", "brier"):
        assert found[name][0] == pytest.approx(expected[name][0])


def test_a_sure_and_wrong_score_has_a_finite_loss():
    found = measure("binary", np.array([1, 0]), np.array([0.0, 1.0]), np.ones((1, 2)))
    assert 30 < found["log_loss"][0] < 40


@pytest.mark.parametrize("positive", [0, 1])
def test_ranking_is_undefined_where_there_is_one_class(positive):
    found = measure("binary", np.full(3, positive), np.array([0.1, 0.2, 0.3]), np.ones((1, 3)))
    assert math.isnan(found["roc_auc"][0])


def test_metrics_of_classes_are_undefined_where_one_has_no_row():
    scores = np.full((4, 3), 1 / 3)
    found = measure("multiclass", np.array([0, 0, 1, 1]), scores, np.ones((1, 4)))
    assert math.isnan(found["roc_auc"][0])
    assert math.isnan(found["balanced_accuracy"][0])


def test_r2_is_undefined_where_the_target_does_not_vary():
    found = measure("regression", np.ones(3), np.array([1.0, 2.0, 3.0]), np.ones((1, 3)))
    assert math.isnan(found["r2"][0])


def test_precision_is_undefined_where_nothing_is_called_positive():
    found = measure("binary", np.array([0, 1]), np.array([0.1, 0.2]), np.ones((1, 2)), Decision(0.5, 1, 1))
    assert math.isnan(found["precision"][0])
    assert found["recall"][0] == 0


def test_a_score_at_the_threshold_is_called_positive():
    found = measure("binary", np.array([1, 1]), np.array([0.4, 0.5]), np.ones((1, 2)), Decision(0.5, 1, 1))
    assert found["recall"][0] == 0.5


def test_the_calibration_error_is_how_far_bins_are_off_on_average():
    prediction = np.repeat(np.arange(10) / 10, 5)
    off = np.where(prediction < 0.5, 0.3, -0.1)
    found = measure("regression", prediction + off, prediction, np.ones((1, 50)))
    assert found["calibration_error"][0] == pytest.approx(0.2)


def test_errors_within_a_bin_that_cancel_are_no_calibration_error():
    target, prediction = np.tile([0.0, 1.0], 50), np.full(100, 0.5)
    assert measure("binary", target, prediction, np.ones((1, 100)))["calibration_error"][0] == 0


def test_a_perfect_multiclass_answer_has_no_calibration_error():
    target = np.arange(30) % 3
    found = measure("multiclass", target, np.eye(3)[target], np.ones((1, 30)))
    assert found["calibration_error"][0] == 0


def test_bins_have_as_many_rows_each():
    random = np.random.default_rng(0)
    assert np.bincount(calibration_bins(random.random(1000))).tolist() == [100] * 10


def test_equal_predictions_share_a_bin():
    prediction = np.random.default_rng(0).integers(4, size=200) / 4
    bins = calibration_bins(prediction)
    assert all(len(np.unique(bins[prediction == one])) == 1 for one in np.unique(prediction))


def cost(target, called, false_positive, false_negative):
    return false_positive * np.sum(called & (target == 0)) + false_negative * np.sum(~called & (target == 1))


@pytest.mark.parametrize("seed", range(60))
def test_the_cheapest_decision_is_the_highest_of_the_cheapest_thresholds(seed):
    random = np.random.default_rng(seed)
    rows = int(random.integers(2, 30))
    target = random.integers(2, size=rows)
    scores = random.integers(0, 6, size=rows) / 5 if seed % 2 else random.random(rows)
    costs = [(1, 1), (1, 3), (5, 1), (0.5, 40), (40, 0.5)][seed % 5]
    tried = [*np.unique(scores), np.nextafter(scores.max(), np.inf)]
    spent = [cost(target, scores >= threshold, *costs) for threshold in tried]
    cheapest = max(threshold for threshold, one in zip(tried, spent, strict=True) if one == min(spent))
    assert Decision.cheapest(target, scores, *costs).threshold == cheapest


def test_the_primary_metric_of_each_kind_is_one_that_is_measured():
    random = np.random.default_rng(0)
    weights = np.ones((1, 9))
    measured = {
        "regression": measure("regression", random.random(9), random.random(9), weights),
        "binary": measure("binary", np.arange(9) % 2, random.random(9), weights, Decision(0.5, 1, 1)),
        "multiclass": measure("multiclass", np.arange(9) % 3, random.random((9, 3)), weights),
    }
    assert all(PRIMARY[kind] in found for kind, found in measured.items())
    assert {name for found in measured.values() for name in found} == HIGHER_IS_BETTER.keys()


KINDS = ("regression", "binary", "multiclass")


def answered(kind, seed):
    """Rows, answers that are tied at times, and weightings."""
    random = np.random.default_rng(seed)
    if kind == "multiclass":
        raw = random.integers(1, 5, size=(200, 3)) / 1.0
        return random.integers(3, size=200), raw / raw.sum(axis=1, keepdims=True), weightings(random, 200)
    scores = random.integers(1, 30, size=200) / 30
    target = random.normal(size=200) if kind == "regression" else random.integers(2, size=200)
    return target, scores, weightings(random, 200)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cached", [1, 7, 64, 450])
def test_metrics_do_not_depend_on_how_many_weights_are_read_at_a_time(monkeypatch, kind, cached):
    target, scores, weights = answered(kind, 3)
    decision = Decision(0.5, 1, 3) if kind == "binary" else None
    whole = measure(kind, target, scores, weights, decision)
    monkeypatch.setattr(weighted, "CACHED", cached)
    for name, values in measure(kind, target, scores, weights, decision).items():
        assert values == pytest.approx(whole[name], rel=1e-12, abs=1e-14), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cached", [7, 100_000])
def test_metrics_do_not_depend_on_the_order_of_the_rows(monkeypatch, kind, cached):
    monkeypatch.setattr(weighted, "CACHED", cached)
    target, scores, weights = answered(kind, 4)
    order = by_score(scores)
    sorted_rows = measures(kind, target[order], scores[order])(weights[:, order])
    for name, values in measures(kind, target, scores)(weights).items():
        assert values == pytest.approx(sorted_rows[name], rel=1e-12, abs=1e-14), name
    losses = (primary_losses(kind, target, scores)(weights), sorted_rows[PRIMARY[kind]])
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
