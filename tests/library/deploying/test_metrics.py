from __future__ import annotations

from modelyard.deploying.metrics import Traffic, counts, parse_metrics

PAGE = """# HELP modelyard_http_request_duration_seconds Time from the head of a request to its answer
# TYPE modelyard_http_request_duration_seconds histogram
modelyard_http_requests_total{path="/predict",code="200"} 30
modelyard_predictions_total{model="a",variant="canary",answered_by="model"} 28
modelyard_predictions_total{model="a",variant="canary",answered_by="baseline"} 2
modelyard_http_request_duration_seconds_bucket{path="/predict",le="0.1"} 27
modelyard_http_request_duration_seconds_bucket{path="/predict",le="0.25"} 29
modelyard_http_request_duration_seconds_bucket{path="/predict",le="+Inf"} 30
modelyard_http_request_duration_seconds_bucket{path="/readyz",le="0.1"} 900
modelyard_http_request_duration_seconds_bucket{path="/readyz",le="+Inf"} 900
modelyard_prediction_score_bucket{model="b",bundle="1",le="0.5"} 1
modelyard_prediction_score_bucket{model="b",bundle="1",le="+Inf"} 4
modelyard_prediction_score_bucket{model="a",bundle="1",le="0.5"} 20
modelyard_prediction_score_bucket{model="a",bundle="1",le="+Inf"} 28
this is no sample
"""
TRAFFIC = Traffic(requests=38, failed=7, refused=3)


def test_a_variant_is_counted_from_both_sides() -> None:
    found = counts(PAGE, TRAFFIC, 100.0)
    assert found.requests == 38
    assert found.failed == 7 + 2  # by the router, and answered by another than the model
    assert found.refused == 3
    assert (found.timed, found.slow) == (30, 3)  # the deployment's own requests are not among them
    assert found.scores == (20, 8, 1, 3)  # of model a, then of model b


def test_a_bound_between_two_edges_takes_the_later_one() -> None:
    assert counts(PAGE, TRAFFIC, 150.0).slow == 1
    assert counts(PAGE, TRAFFIC, 9000.0).slow == 0


def test_a_service_that_has_counted_nothing_yet_is_at_zero() -> None:
    found = counts("", Traffic(), 100.0)
    assert (found.requests, found.failed, found.timed, found.slow, found.scores) == (0, 0, 0, 0, ())


def test_escapes_in_labels_are_undone() -> None:
    (found,) = parse_metrics('a_total{name="say \\"hi\\" \\\\ there"} 1.5e3 1700000000\n')
    assert found.labels == {"name": 'say "hi" \\ there'}
    assert found.value == 1500.0
