"""The Open Inference Protocol, as its clients speak it."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from modelyard.serving.http.tensors import BinaryReader, binary


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
    assert app.get("/v2").json() == {"name": "flight_delays", "version": "2", "extensions": ["binary_tensor_data"]}


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


def in_binary(tensors):
    """The tensors without their values, and these in binary."""
    parts = [binary(tensor["data"], tensor["datatype"]) for tensor in tensors]
    heads = [
        {key: value for key, value in tensor.items() if key != "data"} | {"parameters": {"binary_data_size": len(part)}}
        for tensor, part in zip(tensors, parts, strict=True)
    ]
    return heads, b"".join(parts)


def infer_binary(app, inputs, content, *, compress=bytes, path="/v2/models/flights/infer", headers=(), **body):
    """The answer to tensors in binary."""
    head = json.dumps({"inputs": inputs, **body}).encode()
    given = {"inference_header_content_length": str(len(head)), "content_type": "application/octet-stream"}
    return app.post(path, compress(head + content), **given | dict(headers))


def read_binary(told):
    """The outputs of an answer, by name: (type, shape, values)."""
    length = int(told.headers["inference-header-content-length"])
    content = json.loads(told.body[:length])
    reader = BinaryReader(memoryview(told.body[length:]), 1000)
    outputs = {}
    for one in content["outputs"]:
        size = one.get("parameters", {}).get("binary_data_size")
        values = one["data"] if size is None else reader.take(one["name"], one["datatype"], size, [])
        outputs[one["name"]] = (one["datatype"], one["shape"], values)
    reader.end()
    return outputs


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_tensors_in_binary_are_answered_as_those_in_json(app, tensors, probe, compress):
    heads, content = in_binary(tensors)
    encoding = {"content_encoding": "gzip"} if compress is gzip.compress else {}
    told = infer_binary(app, heads, content, compress=compress, headers=encoding)
    assert (told.status, told.headers["content-type"]) == (200, "application/json")
    assert told.json() == infer(app, inputs=tensors).json()
    assert told.json()["outputs"][0]["data"] == probe["answers"][:3]


@pytest.mark.parametrize("name", ["made", "made_regression", "made_multiclass"])
def test_answers_in_binary_are_those_in_json(called, request, name):
    app = called(request.getfixturevalue(name).root / "bundle")
    rows = json.loads((request.getfixturevalue(name).root / "bundle/probe.json").read_text())["rows"][:2]
    types = {tensor["name"]: tensor["datatype"] for tensor in app.get("/v2/models/flights").json()["inputs"]}
    tensors = [
        {"name": name, "shape": [2], "datatype": types[name], "data": [row[name] for row in rows]} for name in rows[0]
    ]
    plain = {one["name"]: one for one in infer(app, inputs=tensors).json()["outputs"]}
    told = infer(app, inputs=tensors, parameters={"binary_data_output": True})
    assert told.headers["content-type"] == "application/octet-stream"
    expected = {name: (one["datatype"], one["shape"], one["data"]) for name, one in plain.items()}
    assert read_binary(told) == expected
    asked = [{"name": "decision", "parameters": {"binary_data": True}}, {"name": "prediction"}]
    told = infer(app, inputs=tensors, outputs=asked)
    assert read_binary(told) == expected
    assert len(told.body) > int(told.headers["inference-header-content-length"])


def test_what_is_missing_in_binary_is_nan_or_an_empty_text(app, tensors, made):
    inputs = made.contract.inputs
    number = next(name for name, column in inputs.items() if column.missing and column.type == "number")
    without = changed(tensors, number, data=[None] * 3)
    heads, content = in_binary(changed(tensors, number, data=[np.nan] * 3))
    assert infer_binary(app, heads, content).json() == infer(app, inputs=without).json()
    heads, content = in_binary(changed(tensors, "carrier", data=[""] * 3))
    told = infer_binary(app, heads, content)
    assert (told.status, "row 0: carrier = ''" in told.json()["error"]) == (422, True)


@pytest.mark.parametrize(
    ("values", "status", "said"),
    [
        ({"datatype": "FP64", "data": [np.inf, 1, 1]}, 422, "row 0: distance = 'inf': must be finite"),
        ({"datatype": "INT32", "data": [719] * 3}, 400, "binary_data_size is 24, but 12 bytes are left"),
        ({"datatype": "BYTES", "data": ["719"] * 3}, 422, "the datatype must be INT64"),
        ({"shape": [4], "data": [719] * 3}, 422, "the shape must be [3] or [3, 1]"),
    ],
)
def test_what_is_wrong_in_binary_is_named(app, tensors, values, status, said):
    last = next(tensor for tensor in tensors if tensor["name"] == "distance")
    ordered = [*(tensor for tensor in tensors if tensor is not last), last | values]
    heads, content = in_binary(ordered)
    if status == 400:
        heads[-1]["parameters"]["binary_data_size"] = 24
    told = infer_binary(app, heads, content)
    assert (told.status, list(told.json())) == (status, ["error"])
    assert said in told.json()["error"]


def test_tensors_whose_bytes_do_not_come_are_refused(app, tensors):
    heads, content = in_binary(tensors)
    told = infer(app, inputs=heads)  # without the header that says where the JSON ends
    assert (told.status, "0 bytes are left behind the JSON" in told.json()["error"]) == (400, True)
    told = infer_binary(app, [head | {"data": []} for head in heads], content)
    assert (told.status, "has both data and" in told.json()["error"]) == (400, True)
    told = infer(app, inputs=[{"name": "distance", "shape": [1], "datatype": "INT64"}])
    assert (told.status, "has neither data nor" in told.json()["error"]) == (422, True)
    assert app.post("/predict", b"{}", content_type="application/octet-stream").status == 415


def test_the_first_protocol_of_kserve_takes_rows_and_tensors(app, tensors, probe):
    assert app.get("/v1/models/flights").json() == {"name": "flights", "ready": True}
    path = "/v1/models/flights:predict"
    told = app.post(path, {"instances": probe["rows"][:3]}).json()
    assert [one["prediction"] for one in told["predictions"]] == probe["answers"][:3]
    heads, content = in_binary(tensors)
    assert infer_binary(app, heads, content, path=path).json()["outputs"][0]["data"] == probe["answers"][:3]
    for body in ({"rows": []}, {"instances": {}}, [], {"instances": [{"distance": "far"}]}):
        refused = app.post(path, body)
        assert (refused.status, list(refused.json())) == (422, ["error"])
