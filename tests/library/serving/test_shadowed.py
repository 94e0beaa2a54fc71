from __future__ import annotations

import threading

import numpy as np
import pytest
from modelyard.serving.answers import shadow as module
from modelyard.serving.answers.shadow import Shadow
from modelyard.serving.answers.shadowed import Shadowed, distances
from modelyard.serving.config import Config, ModelConfig
from modelyard.serving.log.log_lines import LoggedModel
from modelyard.serving.log.metrics import Metrics
from modelyard.serving.log.shared import Shared

from flight_delays import project

LABELS = 'model="flights",variant="stable",bundle="abc"'


@pytest.fixture
def metrics():
    return Metrics(Shared(1), 0)


@pytest.fixture
def shadowed(made, metrics):
    """A shadow that is told of, and the shadow itself."""
    shadow = Shadow(project.predictor(made.root / "bundle"), "abc")
    yield Shadowed(shadow, LoggedModel("flights", "c", "stable"), metrics, None, (0.5,)), shadow
    shadow.close()


def told(metrics, name):
    """The lines of a metric, its labels cut out."""
    lines = metrics.text().decode().splitlines()
    return [line.replace(LABELS, "").replace("{,", "{") for line in lines if line.startswith(name)]


def features(shadow, rows):
    return np.ones((rows, len(shadow.predictor.manifest["training"]["features"])))


def test_rows_are_counted_by_what_came_of_them_and_from_the_start(shadowed, metrics):
    one, shadow = shadowed
    assert told(metrics, "modelyard_shadow_predictions_total") == [
        'modelyard_shadow_predictions_total{outcome="answered"} 0',
        'modelyard_shadow_predictions_total{outcome="dropped"} 0',
        'modelyard_shadow_predictions_total{outcome="failed"} 0',
    ]
    busy, go_on = threading.Event(), threading.Event()
    shadow.offer(features(shadow, 1), lambda *_: [busy.set(), go_on.wait(20)])
    assert busy.wait(20)
    for _ in range(module.WAITING - 1):
        one.ask(features(shadow, 2), np.zeros(2), [], "r")
    one.ask(features(shadow, 3)[:, :2], np.zeros(3), [], "r")
    one.ask(features(shadow, 5), np.zeros(5), [], "r")
    go_on.set()
    shadow.close()
    assert told(metrics, "modelyard_shadow_predictions_total") == [
        f'modelyard_shadow_predictions_total{{outcome="answered"}} {2 * (module.WAITING - 1)}',
        'modelyard_shadow_predictions_total{outcome="dropped"} 5',
        'modelyard_shadow_predictions_total{outcome="failed"} 3',
    ]


def test_how_far_its_scores_are_from_those_given_is_a_histogram(shadowed, metrics):
    one, shadow = shadowed
    table = features(shadow, 4)
    ours = shadow.predictor.model.answer(table)
    one.ask(table, ours + np.array([0.0, 0.015, -0.03, np.nan]), [], "r")
    shadow.close()
    lines = told(metrics, "modelyard_shadow_distance")
    by_bound = {line.partition('le="')[2].partition('"')[0]: int(line.split()[-1]) for line in lines if "le=" in line}
    assert (by_bound["0"], by_bound["0.01"], by_bound["0.02"], by_bound["0.05"], by_bound["+Inf"]) == (1, 1, 2, 3, 3)
    (total,) = (float(line.split()[-1]) for line in lines if line.startswith("modelyard_shadow_distance_sum"))
    assert total == pytest.approx(0.045)


def test_numbers_have_the_bounds_of_the_scores_from_0_up(made_regression, metrics):
    shadow = Shadow(project.predictor(made_regression.root / "bundle"), "abc")
    Shadowed(shadow, LoggedModel("flights", "c", "stable"), metrics, None, (-10.0, 0.0, 10.0, 20.0))
    shadow.close()
    assert [
        line.partition('le="')[2].partition('"')[0] for line in told(metrics, "modelyard_shadow_distance_bucket")
    ] == [
        *("0", "10", "20", "+Inf"),
    ]


def test_of_several_probabilities_the_farthest_counts():
    ours, given = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([[0.25, 0.75], [np.nan, np.nan]])
    assert distances(ours, given).tolist() == pytest.approx([0.05])
    assert distances(np.empty((0, 2)), np.empty((0, 2))).tolist() == []
    assert distances(np.array([1.0, 2.0]), np.array([3.0, np.nan])).tolist() == [2.0]


def test_the_service_tells_of_its_shadow(called, made, copied, short, probe):
    other = copied(made, "shadow")
    app = called(Config({"flights": ModelConfig(str(made.root / "bundle"), shadow=str(other))}))
    app.post("/predict", {"rows": probe["rows"][:4]})
    app.post("/predict", probe["rows"][4])
    app.models.close()
    lines = app.get("/metrics").body.decode().splitlines()
    labels = f'model="flights",variant="stable",bundle="{short(other)}"'
    assert f'modelyard_shadow_predictions_total{{{labels},outcome="answered"}} 5' in lines
    assert f'modelyard_shadow_distance_bucket{{{labels},le="0"}} 5' in lines  # it has the same model


def test_what_the_baseline_answered_is_not_compared(called, made, failing, copied, probe):
    config = Config({"flights": ModelConfig(str(failing(made)), shadow=str(copied(made, "shadow")))})
    app = called(config)
    far = {**probe["rows"][0], "distance": made.contract.columns["distance"].maximum}
    assert far["distance"] is not None
    answered = app.post("/predict", far).json()
    app.models.close()
    text = app.get("/metrics").body.decode()
    count = [line for line in text.splitlines() if line.startswith("modelyard_shadow_distance_count")]
    assert answered["fallback"] == "baseline"
    assert [line.split()[-1] for line in count] == ["0"]
    assert 'outcome="answered"} 1' in text
