"""The Open Inference Protocol (v2), for clients of KServe, Seldon, MLServer and Triton: one tensor for each column."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.rows import Problem
from ..answers.live import AnsweredRequest, Live, fallback
from ..forms.forms import Forms, ParsedRows
from ..forms.json_text import loads
from ..forms.size import check_size
from ..refusal import NO_ROW, Refusal, broken_rules
from .request import Reply
from .tensors import KIND, LENGTH, SIZE, BinaryReader, binary, split

NUMBERS = {"FP64", "FP32", "FP16", "BF16", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"}
OUTPUTS = ("prediction", "decision")


class Tensor(msgspec.Struct):
    """An input: its values in `data`, flat or each in an array of its own; a missing value is null.

    The values are parsed one tensor after the other, because arrays take many times the memory of their text. Without
    `data`, they are in binary.
    """

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw = msgspec.Raw()
    parameters: dict[str, Any] | None = None


class ParsedTensor(Tensor):
    """An input whose values are parsed."""

    data: list[Any] | None = None  # type: ignore[assignment]


class RequestedOutput(msgspec.Struct):
    """An output that the client requests."""

    name: str
    parameters: dict[str, Any] | None = None


class InferBody(msgspec.Struct):
    """A request; fields of the protocol that the service does not use are accepted."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[RequestedOutput] | None = None


class ParsedBody(InferBody):
    """A request whose values are parsed."""

    inputs: list[ParsedTensor]  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Inference:
    """The rows of a request, its id, the requested outputs, and which of them are to be in binary."""

    body: ParsedRows
    id: str | None
    outputs: Sequence[str]
    binary: Container[str] = ()


def server_metadata(name: str) -> dict[str, Any]:
    """The answer to GET /v2. name: the project's."""
    return {"name": name, "version": "2", "extensions": ["binary_tensor_data"]}


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


def read_infer(forms: Forms, body: bytes, length: bytes | None = None) -> Inference:
    """The rows and requested outputs in a body. length: see `tensors.split`. Raises Refusal as `Forms.read` does."""
    text, content = split(body, length)
    check_size(text, forms.contract, forms.limit, tensors=True)
    exact = True
    try:
        request = _DECODER.decode(text)
        columns = _columns(request.inputs, forms.contract, BinaryReader(content, forms.limit))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        exact = False  # for example a number that is too large for a float; the contract's rules report it
        request = _slowly(text)
        columns = _columns(request.inputs, forms.contract, BinaryReader(content, forms.limit))
    outputs = [output.name for output in request.outputs or []] or list(OUTPUTS)
    if unknown := [name for name in outputs if name not in OUTPUTS]:
        raise Refusal(
            422, "no such output", f"there is no output {', '.join(unknown)}; there are: {', '.join(OUTPUTS)}"
        )
    parsed = forms.convert(columns) if exact else forms.take({"columns": columns})
    all_binary = (request.parameters or {}).get("binary_data_output") is True
    asked = {output.name: (output.parameters or {}).get("binary_data") for output in request.outputs or []}
    is_binary = {name for name in outputs if asked.get(name) is True or (all_binary and asked.get(name) is None)}
    return Inference(parsed, request.id, outputs, is_binary)


def infer_reply(
    live: Live, answered: AnsweredRequest, decisions: Sequence[Sequence[Any]], inference: Inference
) -> Reply:
    """The answer to a request."""
    scores, decided, bundles = answered.in_order(decisions)
    contract = live.contract
    count = answered.body.count
    tensors: dict[str, dict[str, Any]] = {
        "prediction": {"datatype": "FP64", "shape": [count, *_width(contract)], "data": _flat(scores)},
        "decision": {"datatype": _decision_type(contract), "shape": [count], "data": decided},
    }
    content: dict[str, Any] = {
        "model_name": live.name,
        "model_version": "" if bundles else answered.parts[0].bundle,
        "parameters": {"variant": live.variant, "fallback": fallback(answered.parts) or ""},
        "outputs": [{"name": name, **tensors[name]} for name in inference.outputs],
    }
    if inference.id is not None:
        content["id"] = inference.id
    parts = [b""]
    for tensor in content["outputs"]:
        if tensor["name"] in inference.binary:
            parts.append(binary(tensor.pop("data"), tensor["datatype"]))
            tensor["parameters"] = {SIZE: len(parts[-1])}
    parts[0] = msgspec.json.encode(content)
    if len(parts) == 1:
        return Reply(parts[0])
    return Reply(b"".join(parts), kind=KIND, headers=[(LENGTH, b"%d" % len(parts[0]))])


def _slowly(body: bytes) -> InferBody:
    try:
        return msgspec.convert(loads(body), ParsedBody)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Refusal(422, "no inference request", str(error)) from None


def _columns(tensors: Sequence[Tensor], contract: Contract, content: BinaryReader) -> Mapping[str, list[Any]]:
    """The values of each tensor. Raises Refusal if a shape or a type is wrong."""
    problems: list[Problem] = []
    columns: dict[str, list[Any]] = {}
    for tensor in tensors:
        values = _values(tensor, contract, content, problems)
        if tensor.name in columns:
            problems.append(Problem(NO_ROW, tensor.name, tensor.name, "is there twice"))
        elif tensor.shape not in ([len(values)], [len(values), 1]):
            rule = f"the shape must be [{len(values)}] or [{len(values)}, 1], as that many values are there"
            problems.append(Problem(NO_ROW, tensor.name, str(tensor.shape), rule))
        elif (column := contract.columns.get(tensor.name)) and not _takes(column, tensor.datatype):
            rule = f"the datatype must be {datatype(column)}"
            problems.append(Problem(NO_ROW, tensor.name, tensor.datatype, rule))
        columns[tensor.name] = values
    content.end()
    if problems:
        raise broken_rules(problems)
    return columns


def _values(tensor: Tensor, contract: Contract, content: BinaryReader, problems: list[Problem]) -> list[Any]:
    size = (tensor.parameters or {}).get(SIZE)
    sent = _sent(tensor.data)
    if sent is not None:
        if size is not None:
            raise Refusal(400, "no inference request", f"{tensor.name} has both data and {SIZE}")
        return _flat(sent)
    if size is None:
        raise Refusal(422, "no inference request", f"{tensor.name} has neither data nor the parameter {SIZE}")
    values = content.take(tensor.name, tensor.datatype, size, problems)
    column = contract.columns.get(tensor.name)
    if column and column.missing and "" not in (column.values or ()):  # there is no null in binary
        return [None if value == "" else value for value in values]
    return values


def _sent(data: msgspec.Raw | list[Any] | None) -> list[Any] | None:
    """The values in JSON, or None if there are none."""
    if isinstance(data, msgspec.Raw):
        return _VALUES.decode(data) if memoryview(data).nbytes else None
    return data


def _takes(column: Column, sent: str) -> bool:
    expected = datatype(column)
    return sent == expected or (sent in NUMBERS and expected in NUMBERS)


def _flat(values: Sequence[Any]) -> list[Any]:
    if not any(isinstance(value, list) for value in values):
        return list(values)
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _tensor(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "datatype": kind, "shape": [-1]}


def _width(contract: Contract) -> list[int]:
    return [len(contract.classes)] if contract.kind == "multiclass" else []


def _decision_type(contract: Contract) -> str:
    return "FP64" if contract.kind == "regression" else datatype(contract.columns[contract.target])


_DECODER = msgspec.json.Decoder(InferBody)
_VALUES = msgspec.json.Decoder(list[Any] | None)
