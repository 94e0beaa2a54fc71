"""A door for a graph of one's own: an estimator in `model.py` that has a method `to_onnx(features)`."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto

from ...errors import ContractError

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")  # what onnxruntime has without more


def check_own(model: Any, features: int) -> onnx.ModelProto:
    """The graph, which takes `features` and gives `prediction`, both float64. Raises ContractError if it does not."""
    if not isinstance(model, onnx.ModelProto):
        raise ContractError(f"model.py: to_onnx must return an onnx.ModelProto, not {type(model).__name__}")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ContractError(f"model.py: to_onnx returned a graph that is not valid: {error}") from None
    for places, wanted in ((_inputs(model), "features"), (list(model.graph.output), "prediction")):
        said = ", ".join(f"{one.name} ({_type(one)})" for one in places)
        if [(one.name, _type(one)) for one in places] != [(wanted, "DOUBLE")]:
            raise ContractError(
                f"model.py: the graph of to_onnx has {said or 'nothing'} where {wanted} (DOUBLE) must be"
            )
    width = _inputs(model)[0].type.tensor_type.shape.dim[-1]
    if width.dim_value not in (0, features):
        raise ContractError(f"model.py: the graph of to_onnx takes {width.dim_value} features; there are {features}")
    if foreign := sorted({one.domain for one in model.opset_import} - {*DOMAINS}):
        raise ContractError(f"model.py: the graph of to_onnx has operators of {', '.join(foreign)}, not of ONNX alone")
    if any(one.data_location == TensorProto.EXTERNAL for one in model.graph.initializer):
        raise ContractError("model.py: the graph of to_onnx keeps values in another file; it must hold all of them")
    return model


def _inputs(model: onnx.ModelProto) -> list[Any]:
    constants = {one.name for one in model.graph.initializer}
    return [one for one in model.graph.input if one.name not in constants]


def _type(value: Any) -> str:
    return TensorProto.DataType.Name(value.type.tensor_type.elem_type)
