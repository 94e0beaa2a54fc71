"""What each path answers, with real bundles."""

from __future__ import annotations

import hashlib
import html.parser
import json
import re
from datetime import datetime

import pytest
from modelyard.errors import ContractError
from modelyard.serving.access.access import Access, Caller
from modelyard.serving.access.key import KeyFile, add
from modelyard.serving.answers.live import period_end
from modelyard.serving.config import Config, ModelConfig, SplitConfig
from modelyard.serving.http.apart import LARGE, MEDIUM
from modelyard.serving.http.page import page
from modelyard.serving.log import prediction_log
from modelyard.serving.log.log_folder import read_lines
from modelyard.serving.log.prediction_log import PredictionLog


def by_column(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def tensors(app, rows):
    types = {tensor["name"]: tensor["datatype"] for tensor in app.get("/v2/models/flights").json()["inputs"]}
    return [
        {"name": name, "shape": [len(rows)], "datatype": types[name], "data": values}
        for name, values in by_column(rows).items()
    ]


class Everything(Access):
    """Lets anyone do anything."""

    def __init__(self):
        super().__init__(None, None)

    def check(self, headers, role):
        return Caller("somebody", frozenset({role}))


def log_lines(folder):
    return [json.loads(line) for line in read_lines(folder)]


def test_every_form_answers_as_the_pipeline_did_to_the_last_bit(app, probe):
    rows, expected = probe["rows"], probe["answers"]
    told = app.post("/predict", {"rows": rows}).json()
    assert [one["prediction"] for one in told["predictions"]] == expected
    assert app.post("/predict", {"columns": by_column(rows)}).json()["columns"]["prediction"] == expected
    inferred = app.post("/v2/models/flights/infer", {"inputs": tensors(app, rows)}).json()
    assert inferred["outputs"][0]["data"] == expected
    one_by_one = [app.post("/predict", row).json()["predictions"] for row in rows]
    assert [one["prediction"] for (one,) in one_by_one] == expected


def test_other_numbers_of_rows_give_the_same_answers(app, probe):
    for count in (1, 2, 3, 5, 8, 13):
        told = app.post("/predict", {"rows": probe["rows"][:count]}).json()
        assert [one["prediction"] for one in told["predictions"]] == probe["answers"][:count]


@pytest.mark.parametrize("name", ["made_regression", "made_multiclass"])
def test_the_other_kinds_of_model_answer_as_their_pipelines_did(called, request, name):
    workspace = request.getfixturevalue(name)
    app = called(workspace.root / "bundle")
    probe = json.loads((workspace.root / "bundle/probe.json").read_text())
    predictor = app.models.live["flights"].served.predictor
    decisions = predictor.decide(predictor.predict(probe["rows"]))
    told = app.post("/predict", {"rows": probe["rows"]}).json()["predictions"]
    assert [one["prediction"] for one in told] == probe["answers"]
    assert [one["decision"] for one in told] == decisions
    single = app.post("/predict", probe["rows"][0]).json()["predictions"]
    assert single == told[:1]
    outputs = app.post("/v2/models/flights/infer", {"inputs": tensors(app, probe["rows"])}).json()["outputs"]
    metadata = app.get("/v2/models/flights").json()["outputs"]
    assert [one["datatype"] for one in outputs] == [one["datatype"] for one in metadata]
    assert outputs[1]["data"] == decisions
    width = len(probe["answers"][0]) if name == "made_multiclass" else 1
    assert len(outputs[0]["data"]) == len(probe["answers"]) * width


def test_the_answer_says_who_gave_it(app, probe, predictor):
    told = app.post("/models/flights/predict", probe["rows"][0]).json()
    bundle = app.models.live["flights"].served.bundle
    assert told | {"predictions": []} == {
        "model": "flights",
        "bundle": bundle,
        "variant": "stable",
        "fallback": None,
        "predictions": [],
    }
    assert told["predictions"][0]["decision"] == predictor.decide(predictor.predict(probe["rows"][:1]))[0]


@pytest.mark.parametrize("size", [MEDIUM, LARGE])
def test_a_large_body_is_answered_beside_and_alike(app, probe, size):
    rows = probe["rows"] * (1 + size // len(json.dumps(probe["rows"])))
    told = app.post("/predict", {"rows": rows}).json()
    assert len(json.dumps({"rows": rows})) > size
    assert [one["prediction"] for one in told["predictions"]] == probe["answers"] * (len(rows) // len(probe["rows"]))


def test_bad_rows_are_refused_whole_with_each_problem(app, probe):
    bad = probe["rows"][1] | {"carrier": "ZZ", "temp": [1]}
    told = app.post("/predict", {"rows": [probe["rows"][0], bad]})
    assert (told.status, told.headers["content-type"]) == (422, "application/problem+json")
    assert [(one["row"], one["field"], one["value"]) for one in told.json()["problems"]] == [
        (1, "carrier", "ZZ"),
        (1, "temp", "a JSON array"),
    ]
    assert "predictions" not in told.json()
    assert told.json()["detail"] == "2 values break the contract; no row was answered"


def test_a_fallback_is_flagged_and_counted(called, made, probe):
    app = called(made.root / "bundle", config={"deadline_ms": 1e-6})
    told = [app.post("/predict", probe["rows"][0]).json() for _ in range(6)]
    assert [one["fallback"] for one in told] == [None] * 5 + ["baseline"]
    inferred = app.post("/v2/models/flights/infer", {"inputs": tensors(app, probe["rows"][:1])}).json()
    assert inferred["parameters"]["fallback"] == "baseline"
    assert 'answered_by="baseline"} 2' in app.get("/metrics").body.decode()


def test_a_split_by_column_names_the_bundle_of_each_row(called, made, copied, probe):
    other = copied(made, "other")
    split = SplitConfig(str(other), "carrier", 0.5)
    app = called(Config({"flights": ModelConfig(str(made.root / "bundle"), split=split)}))
    served = app.models.live["flights"].served
    told = app.post("/predict", {"rows": probe["rows"]}).json()
    assert told["bundle"] is None
    assert [one["prediction"] for one in told["predictions"]] == probe["answers"]
    named = {row["carrier"]: one["bundle"] for row, one in zip(probe["rows"], told["predictions"], strict=True)}
    assert set(named.values()) == {served.first.short, served.second.short}
    for row in probe["rows"][:10]:
        assert app.post("/predict", row).json()["bundle"] == named[row["carrier"]]
    in_columns = app.post("/predict", {"columns": by_column(probe["rows"])}).json()["columns"]
    assert in_columns["bundle"] == [one["bundle"] for one in told["predictions"]]


def test_a_split_by_header_answers_a_whole_request_with_one_bundle(called, made, copied, probe):
    split = SplitConfig(str(copied(made, "other")), "X-User", 0.5)
    app = called(Config({"flights": ModelConfig(str(made.root / "bundle"), split=split)}))
    found = {app.post("/predict", {"rows": probe["rows"]}, x_user=f"u{n}").json()["bundle"] for n in range(20)}
    served = app.models.live["flights"].served
    assert found == {served.first.short, served.second.short}


def test_what_is_answered_is_logged_and_the_shadow_too(called, made, copied, probe, tmp_path):
    log = PredictionLog(tmp_path / "log", 0, 0.05, 1, 2)
    config = Config({"flights": ModelConfig(str(made.root / "bundle"), shadow=str(copied(made, "shadow")))})
    app = called(config, log=log)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    told = app.post("/predict", {"rows": probe["rows"][:2]}, x_request_id="abc", traceparent=trace)
    app.post("/predict", {"columns": by_column(probe["rows"][:3])}, x_request_id="abc", traceparent="00-\u00e9")
    app.post("/predict", probe["rows"][0])
    app.models.close()
    log.close()
    lines = log_lines(tmp_path / "log")
    ours = [line for line in lines if not line.get("shadow")]
    assert [line["row"] for line in ours] == [0, 1, 0, 1, 2, 0]
    assert [line["score"] for line in ours] == [probe["answers"][place] for place in (0, 1, 0, 1, 2, 0)]
    assert [line.get("client_request") for line in ours] == ["abc"] * 5 + [None]
    assert [line.get("traceparent") for line in ours] == [trace] * 2 + [None] * 4
    assert len({line["request"] for line in ours}) == 3  # whatever clients call theirs
    assert ours[0]["request"] == told.headers["x-service-request-id"]
    assert {line["caller"] for line in lines} == {"anyone"}
    given = {name: value for name, value in probe["rows"][0].items() if value is not None}
    for line in (ours[0], ours[2], ours[5]):
        assert {name: value for name, value in line["inputs"].items() if value is not None} == given
    assert sum(line.get("shadow", False) for line in lines) == 6


@pytest.mark.parametrize("form", ["rows", "columns"])
def test_requests_of_many_rows_at_once_are_logged_whole(called, made, copied, probe, tmp_path, monkeypatch, form):
    """More lines than may wait, of both sides of a split and as a large body too."""
    monkeypatch.setattr(prediction_log, "MOST", 400_000)
    monkeypatch.setattr(prediction_log, "MOST_OF_LARGE", 200_000)
    log = PredictionLog(tmp_path / "log", 0, 0.05, 1, 99)
    split = SplitConfig(str(copied(made, "other")), "carrier", 0.5)
    app = called(Config({"flights": ModelConfig(str(made.root / "bundle"), split=split)}), log=log)
    few, many = ((probe["rows"] * 999)[:count] for count in (900, 10_000))
    bodies = [{"rows": rows} if form == "rows" else {"columns": by_column(rows)} for rows in (few, many, few, many)]
    raw = [json.dumps(body).encode() for body in bodies]
    assert len(raw[0]) < LARGE < len(raw[1])
    told = app.post_at_once("/predict", raw)
    assert [one.status for one in told] == [200] * 4
    log.close()
    lines = [(line["request"], line["row"], line["inputs"]["distance"]) for line in log_lines(tmp_path / "log")]
    assert sorted(lines) == sorted(
        (one.headers["x-service-request-id"], place, row["distance"])
        for one, rows in zip(told, (few, many, few, many), strict=True)
        for place, row in enumerate(rows)
    )
    assert sum(log.dropped.values()) == 0


@pytest.mark.parametrize(
    "wrap", [lambda row: row, lambda row: {"rows": [row] * 2}, lambda row: {"columns": by_column([row])}]
)
def test_half_a_character_is_answered_and_logged(called, made, probe, tmp_path, wrap):
    log = PredictionLog(tmp_path / "log", 0, 0.05, 1, 2)
    app = called(made.root / "bundle", log=log)
    told = app.post("/predict", wrap(probe["rows"][0] | {"flight_id": "a\ud800"}))  # which JSON sends as an escape
    log.close()
    assert told.status == 200
    found = {line["ids"]["flight_id"] for line in log_lines(tmp_path / "log")}
    assert (found, sum(log.dropped.values())) == ({"a\ufffd"}, 0)


def test_where_a_crowd_waits_for_the_log_a_request_is_refused_before_it_is_answered(called, made, probe, tmp_path):
    log = PredictionLog(tmp_path / "log", 0, 0.05, 1, 2)
    app = called(made.root / "bundle", log=log)
    log._crowd = prediction_log.CROWD
    told = app.post("/predict", probe["rows"][0])
    assert (told.status, told.headers["retry-after"]) == (503, "1")
    log._crowd = 0
    assert app.post("/predict", probe["rows"][0]).status == 200
    log.close()
    assert len(log_lines(tmp_path / "log")) == 1


def test_many_models_stand_side_by_side(called, made, made_regression, probe):
    folders = {"late": made.root / "bundle", "delay": made_regression.root / "bundle"}
    app = called(Config({name: ModelConfig(str(folder)) for name, folder in folders.items()}, default="delay"))
    assert app.post("/predict", probe["rows"][0]).json()["model"] == "delay"
    (late,) = app.post("/models/late/predict", probe["rows"][0]).json()["predictions"]
    assert late["prediction"] == probe["answers"][0]
    assert app.get("/model").json()["model"] == "delay"
    assert app.get("/models/late").json()["output"]["kind"] == "binary"
    assert set(app.get("/readyz").json()["models"]) == {"late", "delay"}


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/model", "/models/flights", "/openapi.json", "/v2"]
)
def test_what_is_read_answers_head_too(app, path):
    assert app.get(path).status == 200
    assert app.ask("HEAD", path, b"", {}).status == 200


def test_a_person_with_a_browser_is_told_what_there_is(app, called, made, tmp_path):
    told = app.get("/")
    assert (told.status, told.headers["content-type"]) == (200, "text/html; charset=utf-8")
    document, text = html.parser.HTMLParser(), told.body.decode()
    links: list[str] = []
    document.handle_starttag = lambda _, given: links.extend(value for name, value in given if name == "href")
    document.feed(text)
    assert {"/openapi.json", "/model"} <= set(links)
    assert [app.get(link).status for link in links] == [200] * len(links)
    assert all(f"<td>{name}</td>" in text for name in made.contract.inputs)
    assert "X-API-Key" not in text
    add(tmp_path / "keys.json", "shop", ["read"])
    closed = called(made.root / "bundle", access=Access(KeyFile(tmp_path / "keys.json"), None)).get("/").body.decode()
    assert "X-API-Key" in closed
    assert made.contract.name not in closed  # what there is, only who has a key is told


def test_what_is_in_a_contract_is_no_html():
    columns, row = {"<i>": {"type": "<u>"}}, {"<i>": "</pre>"}
    model = {"model": "<b>", "description": "a & <script>", "input": {"columns": columns, "example": row}}
    tags = set(re.findall("<[^ ]*?>", page(model).decode()))
    assert not {"<b>", "<script>", "<i>", "<u>"} & tags


def test_metrics_tell_paths_rows_and_the_bundle(called, made, probe):
    app = called(made.root / "bundle", config={"variant": 'ca"nary'})
    app.post("/predict", {"rows": probe["rows"][:7]})
    app.post("/models/flights/predict", probe["rows"][0])
    app.post("/predict", b"nothing")
    app.get("/nowhere/at/all")
    told = app.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = told.body.decode().splitlines()
    variant = 'variant="ca\\"nary"'
    bundle = app.models.live["flights"].served.bundle
    age = f'modelyard_model_learned_until_timestamp_seconds{{model="flights",bundle="{bundle}",{variant}}}'
    last = json.loads((made.root / "bundle/manifest.json").read_text())["training"]["last_period"]
    for line in (
        'modelyard_http_requests_total{path="/predict",code="200"} 1',
        'modelyard_http_requests_total{path="/predict",code="400"} 1',
        'modelyard_http_requests_total{path="/models/{name}/predict",code="200"} 1',
        'modelyard_http_requests_total{path="other",code="404"} 1',
        "modelyard_http_requests_in_flight 1",  # this one
        f'modelyard_predictions_total{{model="flights",{variant},answered_by="model"}} 8',
        f'modelyard_prediction_duration_seconds_count{{model="flights",{variant}}} 2',
        f'modelyard_prediction_score_count{{model="flights",{variant},bundle="{bundle}"}} 8',
        f'modelyard_model_info{{model="flights",bundle="{bundle}",{variant}}} 1',
        f"{age} {period_end(last):.0f}",
        'modelyard_refused_requests_total{reason="no JSON"} 1',
    ):
        assert line in lines
    assert all(re.fullmatch(r'#.*|\w+(\{(\w+="(\\.|[^"\\])*",?)+\})? [-\d.e+]+', line) for line in lines)


def test_a_value_that_an_open_list_does_not_have_is_answered_described_and_counted(called, made, copied, probe):
    contract = json.loads((made.root / "bundle/contract.json").read_text())
    contract["columns"]["carrier"]["other"] = True
    text = json.dumps(contract).encode()
    files = json.loads((made.root / "bundle/manifest.json").read_text())["files"]
    folder = copied(made, files=files | {"contract.json": hashlib.sha256(text).hexdigest()})
    (folder / "contract.json").write_bytes(text)
    app = called(folder)
    rows = [row | {"carrier": carrier} for row in probe["rows"][:2] for carrier in ("??", "UA", "never seen")]
    sent = [{"rows": rows}, {"columns": by_column(rows)}, *rows]
    assert [app.post("/predict", body).status for body in sent] == [200] * len(sent)
    counted = 'modelyard_other_values_total{model="flights",variant="stable",column="carrier"} 12'
    assert counted in app.get("/metrics").body.decode().splitlines()
    assert app.post("/predict", rows[0] | {"carrier": 3}).status == 422
    assert app.post("/predict", rows[0] | {"origin": "??"}).status == 422  # whose list is closed
    described = app.get("/openapi.json").json()["components"]["schemas"]["flights.Row"]["properties"]
    assert "enum" not in described["carrier"]
    assert "16 values are categories of their own" in described["carrier"]["description"]
    assert app.get("/models/flights").json()["input"]["columns"]["carrier"]["other"]


@pytest.mark.parametrize(
    ("period", "end"),
    [("2013", "2014-01-01"), ("2013-12", "2014-01-01"), ("2016-02-28", "2016-02-29"), ("all", None), ("2013-13", None)],
)
def test_a_period_ends_when_the_next_one_begins(period, end):
    expected = end and datetime.fromisoformat(f"{end}T00:00:00+00:00").timestamp()
    assert period_end(period) == expected


def test_a_process_that_is_being_ended_is_not_ready_and_closes_connections(called, made):
    app = called(made.root / "bundle")
    assert app.get("/readyz").json()["status"] == "ready"
    app.app.draining = True
    for path in ("/readyz", "/v2/health/ready", "/v2/models/flights/ready"):
        told = app.get(path)
        assert (told.status, told.headers["connection"]) == (503, "close")
    assert app.get("/healthz").status == 200


def test_a_reload_is_done_refused_and_written_down(called, made, tmp_path):
    outcomes = [{"models": {"flights": "abc"}, "workers": 2}, ContractError("there is no bundle")]

    async def reload():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    app = called(made.root / "bundle", access=Everything(), reload=reload, audit=tmp_path / "audit")
    assert app.post("/admin/reload", b"").json() == {"models": {"flights": "abc"}, "workers": 2}
    refused = app.post("/admin/reload", b"")
    assert refused.status == 409
    assert refused.json()["detail"] == "nothing has changed: there is no bundle"
    lines = [json.loads(line) for line in (tmp_path / "audit").read_text().splitlines()]
    assert [(line["caller"], line["outcome"]) for line in lines] == [
        ("somebody", "done"),
        ("somebody", "refused: there is no bundle"),
    ]


def test_where_anyone_may_call_nobody_is_admin(app):
    assert app.post("/admin/reload", b"").status == 403
