from __future__ import annotations

import os
import shutil
import subprocess
import time

import numpy as np
import pytest
from modelyard.serving.log.metrics import CATALOGUE, Metrics
from modelyard.serving.log.process_metrics import process_lines
from modelyard.serving.log.shared import Shared


def told(metrics):
    """What is told of the service, without its processes."""
    return [line for line in metrics.text().decode().splitlines() if "process_" not in line]


def test_counters_of_all_processes_are_summed():
    shared = Shared(2)
    one, other = Metrics(shared, 0), Metrics(shared, 1)
    one.counter("http_requests_total", path="/predict", code="200")(3)
    other.counter("http_requests_total", path="/predict", code="200")()
    other.counter("http_requests_total", path="/predict", code="422")()
    assert told(one) == [
        "# HELP modelyard_http_requests_total Requests answered, by path and status",
        "# TYPE modelyard_http_requests_total counter",
        'modelyard_http_requests_total{path="/predict",code="200"} 4',
        'modelyard_http_requests_total{path="/predict",code="422"} 1',
    ]
    assert told(one) == told(other)


def test_a_histogram_counts_up_to_each_bound():
    metrics = Metrics(Shared(1), 0)
    one = metrics.histogram("http_request_duration_seconds", (0.1, 1.0), path="/predict")
    for seconds in (0.05, 0.1, 0.5, 3.0):
        one.add(seconds)
    assert told(metrics)[2:] == [
        'modelyard_http_request_duration_seconds_bucket{path="/predict",le="0.1"} 2',
        'modelyard_http_request_duration_seconds_bucket{path="/predict",le="1"} 3',
        'modelyard_http_request_duration_seconds_bucket{path="/predict",le="+Inf"} 4',
        'modelyard_http_request_duration_seconds_sum{path="/predict"} 3.65',
        'modelyard_http_request_duration_seconds_count{path="/predict"} 4',
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
    metrics.counter("refused_requests_total", reason='a "b" \\ \n c')()
    assert told(metrics)[-1] == 'modelyard_refused_requests_total{reason="a \\"b\\" \\\\ \\n c"} 1'


def test_what_no_process_says_any_more_is_gone():
    shared = Shared(2)
    for worker in (0, 1):
        Metrics(shared, worker).level("model_info", bundle="a")(1.0)
    metrics = Metrics(shared, 0)
    assert told(metrics)[-1] == 'modelyard_model_info{bundle="a"} 1'
    for worker in (0, 1):
        Metrics(shared, worker).level("model_info", bundle="a")(0.0)
    assert told(metrics) == [""]


def test_what_all_processes_say_alike_is_told_once():
    shared = Shared(3)
    said = [Metrics(shared, worker).common("model_learned_until_timestamp_seconds", bundle="a") for worker in range(3)]
    for put in said[:2]:
        put(1_388_534_400.0)
    metrics = Metrics(shared, 0)
    assert told(metrics)[-1] == 'modelyard_model_learned_until_timestamp_seconds{bundle="a"} 1388534400'
    for put in said:
        put(None)
    assert told(metrics) == [""]


def test_each_process_is_told_as_clients_of_prometheus_do():
    with subprocess.Popen(["sleep", "60"]) as other:
        text = process_lines({"0": os.getpid(), "parent": other.pid, "gone": 2**22 + 1}).decode()
        other.kill()
    samples = {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if line[0] != "#"}
    assert {name.partition('worker="')[2] for name in samples} == {'0"}', 'parent"}'}
    assert (
        samples['process_resident_memory_bytes{worker="0"}'] > samples['process_resident_memory_bytes{worker="parent"}']
    )
    assert abs(samples['process_start_time_seconds{worker="parent"}'] - time.time()) < 60
    assert abs(samples['process_cpu_seconds_total{worker="0"}'] - time.process_time()) < 5
    assert 3 < samples['process_open_fds{worker="0"}'] < samples['process_max_fds{worker="0"}']


@pytest.mark.skipif(
    not (shutil.which("promtool") or os.environ.get("CI")), reason="needs promtool of Debian's prometheus"
)
def test_all_names_keep_the_conventions_of_prometheus():
    metrics = Metrics(Shared(1), 0)
    for name, (kind, _) in CATALOGUE.items():
        make = {"histogram": lambda one: metrics.histogram(one, (1.0,)).add, "common": metrics.common}
        make.get(kind, metrics.level)(name)(1.0)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics.text(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert (checked.returncode, checked.stdout.decode()) == (0, "")
    for line in metrics.text().decode().splitlines():
        assert line[0] == "#" or line.startswith(("modelyard_", "process_"))
