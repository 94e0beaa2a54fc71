"""Metrics made of sums by day, and when they are surely worse than the release's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from modelyard.judging.monitoring import Monitor
from modelyard.production.known import known_bundles
from modelyard.production.outcomes import STEP, Outcomes
from modelyard.production.performance import judge, ranking
from modelyard.production.store import Store
from sklearn.metrics import average_precision_score, roc_auc_score

ROWS = 200


@pytest.fixture(scope="module")
def known(made, tmp_path_factory):
    """The bundle, which claims a log loss of 0.5 with an interval of a hundredth to each side, and slices alike."""
    store = Store(str(tmp_path_factory.mktemp("store")))
    (one,) = known_bundles(store, made.root).values()
    claim = {"log_loss": {"value": 0.5, "low": 0.49, "high": 0.51}}
    return dataclasses.replace(one, metrics=claim, slices={"carrier=UA": claim, "carrier=DL": claim}, baseline=[0.2])


def day(log_loss, slices=()):
    sums = {"rows": ROWS, "positives": 50, "log_loss": ROWS * log_loss, "brier": 30, "hits": 10, "false_alarms": 9}
    return Outcomes(
        overall=dict(sums), slices={name: sums | {"log_loss": ROWS * loss} for name, loss in dict(slices).items()}
    )


def days_around(log_loss, count=7, apart=0.01):
    return [day(log_loss + apart * (-1) ** number) for number in range(count)]


def test_a_loss_that_is_sure_and_matters_is_worse(known):
    found = judge(days_around(0.6), known, Monitor(), 1)
    assert found.state == "worse"
    assert found.p < 0.001


def test_a_loss_that_is_sure_and_small_does_not_matter(known):
    claim = {"log_loss": {"value": 0.5, "low": 0.4999, "high": 0.5001}}
    sure = dataclasses.replace(known, metrics=claim)
    found = judge(days_around(0.505, apart=0.0005), sure, Monitor(margin=0.01), 1)
    assert found.p < 0.001
    assert found.state == "none"


def test_a_loss_in_the_noise_is_not_worse(known):
    assert judge(days_around(0.55, apart=0.3), known, Monitor(), 1).state == "none"


def test_one_day_cannot_tell(known):
    found = judge([day(0.9)], known, Monitor(), 1)
    assert found.state == "cannot tell"
    assert found.performance["log_loss"] == {"value": pytest.approx(0.9), "low": None, "high": None}


def test_a_slice_that_got_worse_is_named_by_itself(known):
    held = [day(0.5, {"carrier=UA": 0.9, "carrier=DL": 0.5, "carrier=B6": 0.9}) for _ in range(7)]
    slices = judge(held, known, Monitor(), 1).slices
    assert {name: one["state"] for name, one in slices.items()} == {
        "carrier=UA": "worse",
        "carrier=DL": "none",
        "carrier=B6": "cannot tell",  # the release does not say how good it is there
    }


def test_a_model_that_is_worse_than_its_baseline_is_known_as_that(known):
    base = judge(days_around(0.4), known, Monitor(), 1)
    share = 50 / ROWS
    assert base.baseline["log_loss"] == pytest.approx(-share * np.log(0.2) - (1 - share) * np.log(0.8))
    assert not base.below_baseline
    assert judge(days_around(0.7), known, Monitor(), 1).below_baseline


def test_the_interval_has_the_width_of_the_days(known):
    """As that of a mean of days: 1.96 standard errors to each side."""
    random = np.random.default_rng(0)
    held = [day(loss) for loss in random.normal(0.5, 0.05, size=60)]
    figures = judge(held, known, Monitor(), 1).performance["log_loss"]
    assert figures["high"] - figures["low"] == pytest.approx(2 * 1.96 * 0.05 / np.sqrt(60), rel=0.2)


def test_metrics_of_ranking_are_scikit_learns():
    random = np.random.default_rng(0)
    scores = random.beta(2, 8, size=5000)
    target = random.random(5000) < scores
    bins = np.round(np.log(scores / (1 - scores)) / STEP).astype(int)
    held = {}
    for place, positive in zip(bins, target, strict=True):
        held.setdefault(str(place), [0, 0])[int(positive)] += 1
    found = ranking([held], np.ones((1, 1)))
    assert found["roc_auc"][0] == pytest.approx(roc_auc_score(target, scores), abs=1e-4)
    assert found["average_precision"][0] == pytest.approx(average_precision_score(target, scores), abs=1e-3)
