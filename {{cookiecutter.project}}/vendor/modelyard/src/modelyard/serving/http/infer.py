"""The Open Inference Protocol (v2), for clients of KServe, Seldon, MLServer and Triton: one tensor for each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ...runtime.contract import Column, Contract
from ...runtime.rows import Problem
from ..forms.forms import Asked, Forms, loads
from ..answers.live import Done, Live, fallback
from ..refusal import NO_ROW, Refusal, broken_rules

NUMBERS = {"FP64", "FP32", "FP16", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"}
OUTPUTS = ("prediction", "decision")


class Tensor(msgspec.Struct):
    """An input: its values in `data`, flat or each in an array of its own, null where one is missing."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] | None = None


class Wanted(msgspec.Struct):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] | None = None


class InferBody(msgspec.Struct):
    """A request; what the protocol allows and the service has no use for is taken."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Wanted] | None = None


@dataclass(frozen=True, slots=True)
class Inference:
    """What a request asks, its id, and the outputs that it wants."""

    asked: Asked
    id: str | None
    outputs: Sequence[str]


def server_metadata() -> dict[str, Any]:
    """The answer to GET /v2."""
    return {"name": (__package__ or "").partition(".")[0], "version": "2", "extensions": []}


def metadata(live: Live) -> dict[str, Any]:
    """The answer to GET /v2/models/{name}; a version is a bundle."""
    contract = live.contract
    return {
        "name": live.name,
        "versions": [live.served.bundle],
        "platform": "onnxruntime_onnx",
        "inputs": [_tensor(name, datatype(column)) for name, column in contract.inputs.items()],
        "outputs": [
            {"name": "prediction", "datatype": "FP64", "shape": [-1, *_width(contract)]},
            _tensor("decision", _decision_type(contract)),
        ],
    }


def datatype(column: Column) -> str:
    """The type of a column's tensor."""
    return {"string": "BYTES", "timestamp": "BYTES", "integer": "INT64", "number": "FP64", "boolean": "BOOL"}[
        column.type
    ]


def read_infer(forms: Forms, body: bytes) -> Inference:
    """What the body asks. Raises Refusal as `Forms.read` does."""
    exact = True
    try:
        given = _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        exact = False  # such as a number that is too large for a float: the contract's rules will say so
        given = _slowly(body)
    outputs = [output.name for output in given.outputs or []] or list(OUTPUTS)
    if unknown := [name for name in outputs if name not in OUTPUTS]:
        raise Refusal(
            422, "no such output", f"there is no output {', '.join(unknown)}; there are: {', '.join(OUTPUTS)}"
        )
    columns = _columns(given.inputs, forms.contract)
    asked = forms.convert(columns) if exact else forms.take({"columns": columns})
    return Inference(asked, given.id, outputs)


def infer_json(live: Live, done: Done, decisions: Sequence[Sequence[Any]], inference: Inference) -> bytes:
    """The answer to a request."""
    scores, decided, bundles = done.in_order(decisions)
    contract = live.contract
    count = done.asked.count
    made = {
        "prediction": {"datatype": "FP64", "shape": [count, *_width(contract)], "data": _flat(scores)},
        "decision": {"datatype": _decision_type(contract), "shape": [count], "data": decided},
    }
    told: dict[str, Any] = {
        "model_name": live.name,
        "model_version": "" if bundles else done.parts[0].bundle,
        "parameters": {"variant": live.variant, "fallback": fallback(done.parts) or ""},
        "outputs": [{"name": name, **made[name]} for name in inference.outputs],
    }
    if inference.id is not None:
        told["id"] = inference.id
    return msgspec.json.encode(told)


def _slowly(body: bytes) -> InferBody:
    try:
        return msgspec.convert(loads(body), InferBody)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Refusal(422, "no inference request", str(error)) from None


def _columns(tensors: Sequence[Tensor], contract: Contract) -> Mapping[str, list[Any]]:
    """The values of each tensor. Raises Refusal where a shape or a type is wrong."""
    problems: list[Problem] = []
    columns: dict[str, list[Any]] = {}
    for tensor in tensors:
        values = _flat(tensor.data)
        if tensor.name in columns:
            problems.append(Problem(NO_ROW, tensor.name, tensor.name, "is there twice"))
        elif tensor.shape not in ([len(values)], [len(values), 1]):
            rule = f"the shape must be [{len(values)}] or [{len(values)}, 1], as that many values are there"
            problems.append(Problem(NO_ROW, tensor.name, str(tensor.shape), rule))
        elif (column := contract.columns.get(tensor.name)) and not _takes(column, tensor.datatype):
            rule = f"the datatype must be {datatype(column)}"
            problems.append(Problem(NO_ROW, tensor.name, tensor.datatype, rule))
        columns[tensor.name] = values
    if problems:
        raise broken_rules(problems)
    return columns


def _takes(column: Column, given: str) -> bool:
    wanted = datatype(column)
    return given == wanted or (given in NUMBERS and wanted in NUMBERS)


def _flat(values: Sequence[Any]) -> list[Any]:
    if not any(isinstance(value, list) for value in values):
        return list(values)
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def _tensor(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "datatype": kind, "shape": [-1]}


def _width(contract: Contract) -> list[int]:
    return [len(contract.classes)] if contract.kind == "multiclass" else []


def _decision_type(contract: Contract) -> str:
    return "FP64" if contract.kind == "regression" else datatype(contract.columns[contract.target])


_DECODER = msgspec.json.Decoder(InferBody)
