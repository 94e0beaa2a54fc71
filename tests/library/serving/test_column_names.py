"""A service of a model whose columns have names that msgspec does not allow for fields."""

from __future__ import annotations

import json

import pytest
from modelyard.serving.forms.decoders import are_fields
from modelyard.serving.log.log_lines import _columns


@pytest.fixture
def served(called, named):
    return called(named.root / "bundle")


def test_every_form_answers_as_the_pipeline_did(served, named):
    probe = json.loads((named.root / "bundle/probe.json").read_text())
    rows, expected = probe["rows"], probe["answers"]
    assert not are_fields(rows[0])
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    types = {tensor["name"]: tensor["datatype"] for tensor in served.get("/v2/models/flights").json()["inputs"]}
    tensors = [
        {"name": name, "shape": [len(rows)], "datatype": types[name], "data": values}
        for name, values in columns.items()
    ]
    by_row = served.post("/predict", {"rows": rows}).json()["predictions"]
    assert [one["prediction"] for one in by_row] == expected
    assert served.post("/predict", {"columns": columns}).json()["columns"]["prediction"] == expected
    inferred = served.post("/v2/models/flights/infer", {"inputs": tensors}).json()["outputs"][0]["data"]
    assert inferred == [score for scores in expected for score in scores]
    assert served.post("/predict", rows[0]).json()["predictions"][0]["prediction"] == expected[0]


def test_what_is_wrong_is_named_and_the_document_has_each_name(served, named):
    row = json.loads((named.root / "bundle/probe.json").read_text())["rows"][0]
    refused = served.post("/predict", {**row, 'height "': "tall", "b\\\\c": 1})
    assert refused.status == 422
    assert {(one["field"], one["rule"]) for one in refused.json()["problems"]} == {
        ('height "', "must be of type number"),
        ("b\\\\c", "no such column in the contract"),
    }
    schema = served.get("/openapi.json").json()["components"]["schemas"]["flights.Row"]
    assert schema["properties"].keys() == named.contract.columns.keys()
    assert served.get("/metrics").status == 200


def test_columns_are_logged_under_their_names():
    assert list(_columns({'height "': [1, 2], "b": [3, 4]}, None)) == [{'height "': 1, "b": 3}, {'height "': 2, "b": 4}]
    assert list(_columns({"b\\c": [1, 2]}, [1])) == [{"b\\c": 2}]
