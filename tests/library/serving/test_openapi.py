from __future__ import annotations

import re

import pytest
from modelyard.runtime.rows import encode
from modelyard.serving.access.access import Access
from modelyard.serving.access.key import KeyFile, add
from modelyard.serving.http.schemas import TIMESTAMP


@pytest.fixture(scope="module")
def document(app):
    return app.get("/openapi.json").json()


def references(content):
    if isinstance(content, dict):
        yield from [content["$ref"]] if "$ref" in content else []
        for value in content.values():
            yield from references(value)
    elif isinstance(content, list):
        for value in content:
            yield from references(value)


def test_every_path_is_described_and_every_reference_leads_somewhere(app, document):
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert described == {
        (path, method) for path, route in app.app.routes.items() for method in route.handlers if method != "HEAD"
    }
    assert {name.removeprefix("#/components/schemas/") for name in references(document)} <= set(
        document["components"]["schemas"]
    )
    names = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["made", "made_regression", "made_multiclass"])
def test_the_service_takes_every_example(called, request, name):
    app = called(request.getfixturevalue(name).root / "bundle")
    taken = 0
    for path, methods in app.get("/openapi.json").json()["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in content.get("examples", {}).values():
            assert app.post(path, example["value"]).status == 200
            taken += 1
    assert taken == 3 + 3 + 1 + 1


def test_rows_are_described_as_the_contract_has_them(document, made):
    row = document["components"]["schemas"]["flights.Row"]
    assert row["required"] == [name for name, column in made.contract.inputs.items() if not column.missing]
    assert set(row["properties"]) == set(made.contract.columns)
    assert row["additionalProperties"] is False
    assert row["properties"]["carrier"]["enum"] == made.contract.columns["carrier"].values
    temp, column = row["properties"]["temp"], made.contract.columns["temp"]
    assert (temp["minimum"], temp["maximum"]) == (column.minimum, column.maximum)


def test_what_matches_the_pattern_of_a_timestamp_is_taken(probe, made):
    name = made.contract.time
    for value in ("1900-01-01T00:00:00", "2013-12-28T23:59:59", "2099-02-28T12:30:00"):
        assert re.fullmatch(TIMESTAMP.strip("^$"), value)
        assert len(encode([probe["rows"][0] | {name: value}], made.contract)[name]) == 1


def test_access_is_asked_for_only_where_it_is_checked(called, made, document, tmp_path):
    assert "securitySchemes" not in document["components"]
    assert document["paths"]["/predict"]["post"]["security"] == []
    key = add(tmp_path / "keys.json", "me", ["read"])
    app = called(made.root / "bundle", access=Access(KeyFile(tmp_path / "keys.json"), None))
    closed = app.get("/openapi.json", x_api_key=key).json()
    assert set(closed["components"]["securitySchemes"]) == {"key", "bearer"}
    assert closed["paths"]["/predict"]["post"]["security"] == [{"key": []}, {"bearer": []}]
    assert closed["paths"]["/readyz"]["get"]["security"] == []


def test_what_a_request_can_get_is_declared(app, document, probe):
    for body, headers in ((b"{", {}), ({"a": 1}, {}), (b"x", {"content_type": "text/plain"}), (probe["rows"][0], {})):
        for path in ("/predict", "/models/flights/predict", "/v2/models/flights/infer"):
            told = app.post(path, body, **headers)
            declared = document["paths"][path]["post"]["responses"][str(told.status)]["content"]
            assert told.headers["content-type"] in declared


def test_problems_are_told_as_declared(app, document):
    told = app.post("/predict", {"a": 1}).json()
    schema = document["components"]["schemas"]["Problem"]
    assert set(schema["required"]) <= set(told) <= set(schema["properties"])
    items = schema["properties"]["problems"]["items"]
    assert all(set(problem) == set(items["required"]) for problem in told["problems"])
