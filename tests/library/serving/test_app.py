"""From a request's head to its answer: methods, kinds, identities, limits and faults."""

from __future__ import annotations

import asyncio
import itertools
import json
from types import SimpleNamespace

import pytest
from modelyard.serving.access.access import Access
from modelyard.serving.access.key import KeyFile, add
from modelyard.serving.config import RateConfig
from modelyard.serving.http import app as app_module
from modelyard.serving.http import request as request_module
from modelyard.serving.http.request import Reply, Route
from modelyard.serving.refusal import Refusal

HERE = [(b"host", b"here")]


@pytest.fixture
def keys(tmp_path):
    """A file with a key for each role, and the keys."""
    path = tmp_path / "keys.json"
    return path, {role: add(path, role, [role]) for role in ("predict", "read", "admin")}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 405),
        ("GET", "/docs", 404),
        ("GET", "/models/other", 404),
        ("POST", "/models/other/predict", 404),
        ("POST", "/models/flights/predict/", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/flights/versions/1", 404),
        ("GET", "/predict", 405),
        ("PUT", "/predict", 405),
        ("DELETE", "/models/flights", 405),
        ("OPTIONS", "/predict", 405),
        ("POST", "/healthz", 405),
        ("POST", "/v2/health/live", 405),
    ],
)
def test_wrong_paths_and_methods(app, method, path, status):
    told = app.ask(method, path, b"", {})
    assert told.status == status
    assert ("allow" in told.headers) == (status == 405)
    expected = ["error"] if path.startswith("/v2") else ["type", "title", "status", "detail", "request"]
    assert list(told.json()) == expected


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "application/jsonp", ""],
)
def test_another_content_type_is_refused(app, probe, kind):
    assert app.post("/predict", probe["rows"][0], content_type=kind).status == 415
    assert list(app.post("/v2/models/flights/infer", {}, content_type=kind).json()) == ["error"]


@pytest.mark.parametrize(
    "kind", ["application/json;charset=UTF-8", "Application/JSON", 'application/json; charset="utf-8"']
)
def test_json_by_its_other_names_is_taken(app, probe, kind):
    assert app.post("/predict", probe["rows"][0], content_type=kind).status == 200


def test_who_does_not_say_what_it_sends_sends_json(app, probe):
    assert app.ask("POST", "/predict", json.dumps(probe["rows"][0]).encode(), {}).status == 200


def test_the_request_id_comes_back(app):
    assert app.get("/healthz", x_request_id="4711-a").headers["x-request-id"] == "4711-a"
    for bad in ("", "a b", "ü", "x" * 129, "a\r\nb: c"):
        assert len(app.get("/healthz", x_request_id=bad).headers["x-request-id"]) > 16
    told = app.post("/predict", b"{", x_request_id="r1")
    assert told.json()["request"] == "r1"
    own = [app.get("/healthz", x_request_id="4711-a").headers["x-service-request-id"] for _ in range(2)]
    assert own[0] != own[1]
    named = app.get("/healthz").headers
    assert named["x-request-id"] == named["x-service-request-id"]


@pytest.mark.parametrize(
    ("hosts", "version", "status"),
    [
        ([b"x"], "1.1", 200),
        ([b""], "1.1", 200),
        ([b"[::1]:8000"], "1.1", 200),
        ([b"m\xc3\xb6del.example:80"], "1.1", 400),
        ([], "1.1", 400),
        ([], "1.0", 200),
        ([b"x", b"x"], "1.1", 400),
        ([b"x", b"y"], "1.0", 400),
        ([b"x, y"], "1.1", 400),
        ([b"user@x"], "1.1", 400),
        ([b"x/predict"], "1.1", 400),
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/v2/health/live"])
def test_a_request_has_one_host(app, hosts, version, status, path):
    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"host", host) for host in hosts]
    scope = {"type": "http", "http_version": version, "method": "GET", "path": path, "headers": headers}
    asyncio.run(app.app(scope, None, send))
    assert sent[0]["status"] == status
    assert ((b"connection", b"close") in sent[0]["headers"]) == (status == 400)


def test_each_request_that_fails_is_a_line_on_stderr(called, made, keys, probe, capsys):
    app = called(made.root / "bundle", access=Access(KeyFile(keys[0]), None))
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    bad = probe["rows"][0] | {"carrier": "a secret value"}
    answers = [
        app.get("/nowhere"),
        app.post("/predict", bad, x_api_key="a secret key"),
        app.post("/predict", bad, x_api_key=keys[1]["predict"], x_request_id="mine", traceparent=trace),
    ]
    assert app.get("/healthz").status == 200
    app.app.draining = True
    answers.append(app.get("/readyz"))
    printed = capsys.readouterr().err
    assert "secret value" not in printed
    assert "secret key" not in printed
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [(line["status"], line["path"], line.get("reason"), line.get("caller")) for line in lines] == [
        (404, "/nowhere", "no such path", None),
        (401, "/predict", "Unauthorized", None),
        (422, "/predict", "rows refused", "predict"),
        (503, "/readyz", None, None),
    ]
    assert [line["request"] for line in lines] == [one.headers["x-service-request-id"] for one in answers]
    assert (lines[2]["client_request"], lines[2]["traceparent"]) == ("mine", trace)


def test_every_answer_has_the_security_headers(app):
    for told in (app.get("/healthz"), app.get("/nowhere"), app.post("/predict", b"{")):
        assert told.headers["x-content-type-options"] == "nosniff"
        assert told.headers["cache-control"] == "no-store"


def test_without_a_key_nothing_but_health_is_told(called, made, keys, probe):
    app = called(made.root / "bundle", access=Access(KeyFile(keys[0]), None))
    for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/v2/models/flights/ready"):
        assert app.get(path).status == 200
    for path in ("/metrics", "/model", "/models/flights", "/openapi.json", "/v2", "/v2/models/flights"):
        assert app.get(path).status == 401
        assert app.get(path, x_api_key="wrong").status == 401
        assert app.get(path, x_api_key=keys[1]["predict"]).status == 403
        assert app.get(path, authorization=f"Bearer {keys[1]['read']}").status == 200
    for path in ("/predict", "/models/flights/predict", "/v2/models/flights/infer", "/admin/reload"):
        told = app.post(path, probe["rows"][0])
        assert (told.status, told.headers["www-authenticate"][:6]) == (401, "Bearer")
    assert app.post("/predict", probe["rows"][0], x_api_key=keys[1]["predict"]).status == 200
    assert app.post("/predict", probe["rows"][0], x_api_key=keys[1]["admin"]).status == 403
    assert app.post("/admin/reload", b"", x_api_key=keys[1]["predict"]).status == 403
    assert app.post("/admin/reload", b"", x_api_key=keys[1]["admin"]).status == 200


def test_a_caller_that_sends_too_much_is_told_when_to_come_again(called, made, probe):
    app = called(made.root / "bundle", config={"rate": RateConfig(per_second=0.5, burst=2)})
    told = [app.post("/predict", probe["rows"][0]) for _ in range(3)]
    assert [one.status for one in told] == [200, 200, 429]
    assert told[2].headers["retry-after"] in ("1", "2")
    assert app.get("/healthz").status == 200


def test_a_body_over_the_limit_is_refused(called, made):
    app = called(made.root / "bundle", config={"body_mb": 0.001})
    told = app.post("/predict", b"[" + b"1," * 600 + b"1]")
    assert (told.status, told.headers["connection"]) == (413, "close")
    assert told.json()["detail"] == "the body is larger than 0.001 MB; send the rows in parts"


def test_the_time_in_which_a_client_sends_its_body_is_not_the_services(called, made, probe, monkeypatch):
    app, clock = called(made.root / "bundle"), itertools.count(0, 0.001)
    for module in (app_module, request_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: next(clock) + late[0]))
    late, parts = [0.0], [json.dumps(probe["rows"][0]).encode()]

    async def receive():
        late[0] = 60.0
        return {"type": "http.request", "body": parts[0]}

    async def send(message):
        parts.append(message)

    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": HERE}
    asyncio.run(app.app(scope, receive, send))
    assert parts[1]["status"] == 200
    bucket = 'modelyard_http_request_duration_seconds_bucket{path="/predict",le="0.005"} 1'
    assert bucket in app.metrics.text().decode()


def test_a_fault_of_ours_is_an_error_without_its_inside(called, made, caplog):
    app = called(made.root / "bundle")

    async def broken(_request):
        raise KeyError("a secret")

    app.app.routes = {"/broken": Route("/broken", {"GET": broken})}
    told = app.get("/broken")
    assert told.status == 500
    assert b"secret" not in told.body
    assert "a secret" in caplog.text
    assert 'modelyard_http_requests_total{path="/broken",code="500"} 1' in app.metrics.text().decode()


@pytest.mark.parametrize(("path", "kind"), [("/predict", "application/problem+json"), ("/v2/x", "application/json")])
def test_a_request_that_cannot_be_read_is_refused_and_counted(called, made, path, kind):
    app = called(made.root / "bundle")
    sent = []

    async def send(message):
        sent.append(message)

    refusal = Refusal(431, "head too large", "too many lines", headers=[(b"connection", b"close")])
    asyncio.run(app.app.refuse(refusal, {"path": path, "method": "GET", "headers": []}, None, send))
    start, body = sent
    assert start["status"] == 431
    assert {(b"content-type", kind.encode()), (b"connection", b"close")} <= set(start["headers"])
    assert "too many lines" in body["body"].decode()
    metrics = app.metrics.text().decode()
    assert 'modelyard_http_requests_total{path="unread",code="431"} 1' in metrics
    assert 'modelyard_refused_requests_total{reason="head too large"} 1' in metrics


def test_nothing_but_http_is_served(app):
    with pytest.raises(RuntimeError, match="websocket"):
        asyncio.run(app.app({"type": "websocket"}, None, None))


def test_routes_change_while_a_request_is_under_way(called, made):
    app = called(made.root / "bundle")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request):
        begun.set()
        await go_on.wait()
        return Reply(b"old")

    async def quick(_request):
        return Reply(b"new")

    async def both():
        async def ask(application):
            sent = []

            async def send(message):
                sent.append(message)

            await application({"type": "http", "method": "GET", "path": "/it", "headers": HERE}, None, send)
            return sent[1]["body"]

        app.app.routes = {"/it": Route("/it", {"GET": slow})}
        first = asyncio.create_task(ask(app.app))
        await begun.wait()
        app.app.routes = {"/it": Route("/it", {"GET": quick})}
        second = await ask(app.app)
        go_on.set()
        return await first, second

    assert asyncio.run(both()) == (b"old", b"new")
