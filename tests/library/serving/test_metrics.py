from __future__ import annotations

import numpy as np
from modelyard.serving.log.metrics import Metrics
from modelyard.serving.log.shared import Shared


def told(metrics):
    return metrics.text().decode().splitlines()


def test_counters_of_all_processes_are_summed():
    shared = Shared(2)
    one, other = Metrics(shared, 0), Metrics(shared, 1)
    one.counter("http_requests_total", path="/predict", code="200")(3)
    other.counter("http_requests_total", path="/predict", code="200")()
    other.counter("http_requests_total", path="/predict", code="422")()
    assert told(one) == [
        "# HELP http_requests_total Requests answered, by path and status",
        "# TYPE http_requests_total counter",
        'http_requests_total{path="/predict",code="200"} 4',
        'http_requests_total{path="/predict",code="422"} 1',
    ]
    assert told(one) == told(other)


def test_a_histogram_counts_up_to_each_bound():
    metrics = Metrics(Shared(1), 0)
    one = metrics.histogram("request_seconds", (0.1, 1.0), path="/predict")
    for seconds in (0.05, 0.1, 0.5, 3.0):
        one.add(seconds)
    assert told(metrics)[2:] == [
        'request_seconds_bucket{path="/predict",le="0.1"} 2',
        'request_seconds_bucket{path="/predict",le="1"} 3',
        'request_seconds_bucket{path="/predict",le="+Inf"} 4',
        'request_seconds_sum{path="/predict"} 3.65',
        'request_seconds_count{path="/predict"} 4',
    ]


def test_many_values_count_as_each_of_them():
    singly, at_once = Metrics(Shared(1), 0), Metrics(Shared(1), 0)
    values = np.array([0.0, 0.05, 0.1, 0.1000001, 0.99, 1.0, 7.0])
    bounds = (0.05, 0.1, 1.0)
    for value in values.tolist():
        singly.histogram("prediction_score", bounds).add(value)
    at_once.histogram("prediction_score", bounds).add_all(values)
    assert told(singly) == told(at_once)


def test_labels_are_escaped():
    metrics = Metrics(Shared(1), 0)
    metrics.counter("refused_total", reason='a "b" \\ \n c')()
    assert told(metrics)[-1] == 'refused_total{reason="a \\"b\\" \\\\ \\n c"} 1'


def test_what_no_process_says_any_more_is_gone():
    shared = Shared(2)
    for worker in (0, 1):
        Metrics(shared, worker).level("model_info", bundle="a")(1.0)
    metrics = Metrics(shared, 0)
    assert told(metrics)[-1] == 'model_info{bundle="a"} 1'
    for worker in (0, 1):
        Metrics(shared, worker).level("model_info", bundle="a")(0.0)
    assert told(metrics) == [""]
