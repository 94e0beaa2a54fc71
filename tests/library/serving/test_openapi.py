from __future__ import annotations

import json
import re

import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.rows import encode
from modelyard.serving.access.access import Access
from modelyard.serving.access.key import KeyFile, add
from modelyard.serving.http.schemas import row_schema
from modelyard.serving.http.timestamps import pattern

PYTHON = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


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
    described = {
        (concrete(path, operation), method.upper())
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert described == {
        (path, method)
        for path, route in app.app.routes.items()
        for method in route.handlers
        if method != "HEAD" and path != "/"
    }
    assert {name.removeprefix("#/components/schemas/") for name in references(document)} <= set(
        document["components"]["schemas"]
    )
    names = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))


def concrete(path, operation):
    """The path with its parameters replaced by their examples."""
    given = {one["name"]: one["example"] for one in operation.get("parameters", [])}
    return path.format(**given)


@pytest.mark.parametrize("name", ["made", "made_regression", "made_multiclass"])
def test_the_service_takes_every_example(called, request, name):
    app = called(request.getfixturevalue(name).root / "bundle")
    taken = 0
    for path, methods in app.get("/openapi.json").json()["paths"].items():
        operation = methods.get("post", {})
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in content.get("examples", {}).values():
            assert app.post(concrete(path, operation), example["value"]).status == 200
            taken += 1
    assert taken == 3 + 3 + 1 + 1 + 1


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
    for value in ("2012-01-01T00:00:00", "2013-12-28T23:59:59", "2023-02-28T12:30:00"):  # its range is drafted
        assert re.fullmatch(pattern(made.contract.columns[name]).strip("^$"), value)
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
    items = document["components"]["schemas"]["BrokenRule"]
    assert all(set(problem) == set(items["required"]) for problem in told["problems"])


@pytest.mark.parametrize("name", ["made", "made_regression", "made_multiclass"])
def test_every_object_is_named_and_every_value_typed(called, request, name):
    schemas = called(request.getfixturevalue(name).root / "bundle").get("/openapi.json").json()["components"]["schemas"]
    for schema in schemas.values():
        for inner in parts(schema):
            assert "properties" not in inner, inner
            assert "enum" not in inner or "type" in inner, inner
            assert inner.get("type") != "array" or "items" in inner, inner


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["EWR", "JFK"], None),
        (["on time", "late"], None),
        ([1, -1], None),
        (["A+", "A-", "", "1"], ["VALUE_0_A", "VALUE_1_A", "VALUE_2", "VALUE_3_1"]),
        (["a b", "a-b"], ["VALUE_0_A_B", "VALUE_1_A_B"]),
    ],
)
def test_values_that_would_get_the_same_name_in_a_client_bring_names(values, names):
    kind = "integer" if isinstance(values[0], int) else "string"
    columns = {
        "grade": Column(type=kind, role="feature", description="", values=values),
        "price": Column(type="number", role="target", description=""),
    }
    grade = row_schema(Contract("houses", "", "", columns))["properties"]["grade"]
    assert (grade["type"], grade["enum"], grade.get("x-enum-varnames")) == (kind, values, names)


def parts(schema):
    """The schemas inside a schema."""
    for inner in [*schema.get("properties", {}).values(), schema.get("items"), *schema.get("anyOf", [])]:
        if isinstance(inner, dict):
            yield inner
            yield from parts(inner)


@pytest.mark.parametrize("name", ["made", "made_regression", "made_multiclass"])
def test_answers_have_the_fields_and_types_that_are_declared(called, request, name):
    app = called(request.getfixturevalue(name).root / "bundle")
    document = app.get("/openapi.json").json()
    checked = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation["responses"]["200"]["content"].get("application/json")
            bodies = [{}] if method == "get" else [one["value"] for one in examples(operation)]
            for body in bodies:
                told = app.ask(method.upper(), concrete(path, operation), json.dumps(body).encode(), {})
                if content:
                    assert told.status == 200
                    check(told.json(), content["schema"], document["components"]["schemas"], checked)
    names = set(document["components"]["schemas"])
    assert {name for name in names if name.endswith(("Answer", "Prediction", "Columns", "Metadata", "Tensor"))} - {
        "flights.Columns",
        "flights.InputTensor",
    } <= checked


def examples(operation):
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {}).values()


def check(value, schema, schemas, checked):
    """Fail if a value is not as a schema says or has fields that it does not name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        checked.add(name)
        return check(value, schemas[name], schemas, checked)
    kinds = schema.get("type", [])
    if kinds:
        assert any(isinstance(value, PYTHON[kind]) for kind in ([kinds] if isinstance(kinds, str) else kinds))
    assert value in schema.get("enum", [value])
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= set(value) <= set(schema["properties"])
        for name, inner in value.items():
            check(inner, schema["properties"][name], schemas, checked)
    if isinstance(value, list) and "items" in schema:
        for inner in value:
            check(inner, schema["items"], schemas, checked)
    return None
