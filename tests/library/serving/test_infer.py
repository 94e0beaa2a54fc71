"""The Open Inference Protocol, as its clients speak it."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module")
def tensors(app, probe):
    """The first rows of the probe, one tensor for each column."""
    types = {tensor["name"]: tensor["datatype"] for tensor in app.get("/v2/models/flights").json()["inputs"]}
    rows = probe["rows"][:3]
    return [
        {"name": name, "shape": [3], "datatype": types[name], "data": [row[name] for row in rows]} for name in rows[0]
    ]


def infer(app, **body):
    return app.post("/v2/models/flights/infer", body)


def changed(tensors, of, **values):
    return [tensor | values if tensor["name"] == of else tensor for tensor in tensors]


def test_the_metadata_name_each_input_and_output(app, made):
    told = app.get("/v2/models/flights").json()
    assert [tensor["name"] for tensor in told["inputs"]] == list(made.contract.inputs)
    assert {tensor["datatype"] for tensor in told["inputs"]} <= {"BYTES", "FP64", "INT64", "BOOL"}
    assert told["outputs"] == [
        {"name": "prediction", "datatype": "FP64", "shape": [-1]},
        {"name": "decision", "datatype": "BOOL", "shape": [-1]},
    ]
    (version,) = told["versions"]
    assert app.get(f"/v2/models/flights/versions/{version}").json() == told
    assert app.get("/v2").json() == {"name": "flight_delays", "version": "2", "extensions": []}


def test_an_inference_says_what_was_asked(app, tensors, probe):
    told = infer(app, inputs=tensors, id="7", parameters={"anything": 1}).json()
    assert told["id"] == "7"
    assert told["model_name"] == "flights"
    assert told["model_version"] == app.models.live["flights"].served.bundle
    assert [(one["name"], one["shape"]) for one in told["outputs"]] == [("prediction", [3]), ("decision", [3])]
    assert told["outputs"][0]["data"] == probe["answers"][:3]


def test_a_version_and_chosen_outputs(app, tensors):
    version = app.models.live["flights"].served.bundle
    body = {"inputs": tensors, "outputs": [{"name": "decision"}]}
    told = app.post(f"/v2/models/flights/versions/{version}/infer", body)
    assert [one["name"] for one in told.json()["outputs"]] == ["decision"]
    assert infer(app, inputs=tensors, outputs=[{"name": "x"}]).status == 422


def test_tensors_of_two_dimensions_and_other_numbers_are_taken(app, tensors, probe):
    nested = [tensor | {"shape": [3, 1], "data": [[value] for value in tensor["data"]]} for tensor in tensors]
    assert infer(app, inputs=nested).json()["outputs"][0]["data"] == probe["answers"][:3]
    assert infer(app, inputs=changed(tensors, "distance", datatype="INT32")).status == 200


def test_a_column_that_may_be_missing_may_be_left_out(app, tensors, made):
    needed = [tensor for tensor in tensors if not made.contract.inputs[tensor["name"]].missing]
    assert infer(app, inputs=needed).status == 200


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"shape": [4]}, "distance = '[4]': the shape must be [3] or [3, 1]"),
        ({"shape": [3, 2]}, "the shape must be [3] or [3, 1]"),
        ({"datatype": "BYTES"}, "the datatype must be "),
        ({"datatype": "BOOL"}, "the datatype must be "),
        ({"data": ["far"] * 3}, "row 0: distance = 'far': must be of type "),
        ({"data": [None, 1, 1]}, "row 0: distance = None: must not be missing"),
        ({"data": [-1, 1, 1]}, "row 0: distance = -1: must be at least "),
        ({"data": [1, 1], "shape": [2]}, "all columns must have as many values"),
        ({"data": [[], [], []]}, "the shape must be [0] or [0, 1]"),
        ({"name": "distanse"}, "distanse"),
        ({"name": "carrier"}, "is there twice"),
    ],
)
def test_what_is_wrong_is_named(app, tensors, values, said):
    told = infer(app, inputs=changed(tensors, "distance", **values))
    assert told.status == 422
    assert said in told.json()["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"inputs": NaN}', 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'{"inputs": ' + b"[" * 100_000, 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"inputs": 5}', 422),
        (b'{"inputs": [{"name": "distance"}]}', 422),
        (b'{"inputs": []}', 422),
        (b'{"inputs": [{"name": 1, "shape": [1], "datatype": "FP64", "data": [1]}]}', 422),
    ],
)
def test_other_bodies_are_refused_as_the_protocol_says(app, body, status):
    told = app.post("/v2/models/flights/infer", body)
    assert told.status == status
    assert list(told.json()) == ["error"]


def test_a_number_too_large_for_a_float_breaks_a_rule(app, tensors):
    body = json.dumps({"inputs": changed(tensors, "distance", data=[0.125, 1, 1])}).replace("0.125", "1e400")
    told = app.post("/v2/models/flights/infer", body.encode())
    assert (told.status, "must be finite" in told.json()["error"]) == (422, True)
