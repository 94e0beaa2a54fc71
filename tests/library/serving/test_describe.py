from __future__ import annotations

import hashlib
import json

import pytest
from modelyard.runtime.contract import Column
from modelyard.serving.http.describe import example_value, verdict


def test_operations_get_their_five_answers(app, made, probe):
    told = app.get("/models/flights").json()
    manifest = json.loads((made.root / "bundle/manifest.json").read_text())
    assert told["dependencies"]["training"] == manifest["environment"]
    assert "onnxruntime" in told["dependencies"]["runtime"]
    assert told["trained_on"]["features"] == manifest["training"]["features"]
    assert told["trained_on"]["holdout"]["log_loss"]["low"] < told["trained_on"]["holdout"]["log_loss"]["high"]
    assert told["output"]["prediction"] == "the probability that late is true"
    assert str(manifest["threshold"]) in told["output"]["decision"]
    assert list(told["input"]["columns"]) == list(made.contract.inputs)
    assert told["production_ready"]["ready"] is None
    assert (
        app.post(told["input"]["path"], told["input"]["example"]).json()["predictions"][0]["prediction"]
        == (probe["answers"][0])
    )


@pytest.mark.parametrize("name", ["made_regression", "made_multiclass"])
def test_the_output_of_the_other_kinds_is_told(called, request, name):
    app = called(request.getfixturevalue(name).root / "bundle")
    told = app.get("/model").json()["output"]
    if name == "made_regression":
        assert (told["kind"], told["prediction"]) == ("regression", "the number")
    else:
        assert (told["kind"], len(told["classes"])) == ("multiclass", 3)


def test_the_verdict_beside_the_bundle_is_told_where_it_is_about_it(tmp_path):
    folder = tmp_path / "flights"
    assert verdict(folder, "abc")["ready"] is None
    path = tmp_path / "flights.verdict.json"
    rules = [{"rule": "roc_auc at least 0.65", "policy": "", "found": "0.7", "kept": True}]
    for name, ready in (("ships", True), ("blocked", False), ("unjudged", False)):
        path.write_text(json.dumps({"verdict": name, "reason": "so", "challenger": {"bundle": "abc"}, "rules": rules}))
        assert verdict(folder, "abc") == {"ready": ready, "reason": "so", "gates": rules}
    assert verdict(folder, hashlib.sha256(b"").hexdigest())["reason"] == "flights.verdict.json is about another bundle"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Column("string", "feature", "", values=["a", "b"]), "a"),
        (Column("timestamp", "time", ""), "2013-12-24T18:30:00"),
        (Column("timestamp", "time", "", format="%d.%m.%Y"), "24.12.2013"),
        (Column("boolean", "feature", ""), True),
        (Column("number", "feature", "", minimum=-3), -3),
        (Column("integer", "feature", "", maximum=-5), -5),
        (Column("number", "feature", ""), 0),
    ],
)
def test_a_value_of_each_kind_of_column(column, value):
    assert example_value(column) == value


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"challenger": 1}', b'{"challenger": {"bundle": "abc"}}', b"\xff"])
def test_a_verdict_that_is_damaged_hides_nothing_else(tmp_path, raw):
    (tmp_path / "flights.verdict.json").write_bytes(raw)
    found = verdict(tmp_path / "flights", "abc")
    assert found == {"ready": None, "reason": "flights.verdict.json cannot be read", "gates": []}
