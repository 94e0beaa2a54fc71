"""JSON Schemas of what the service takes and answers, made from a contract."""

from __future__ import annotations

import sys
from typing import Any

from ...runtime.contract import Column, Contract
from ...runtime.rows import ISO
from .infer import datatype
from ..answers.live import Live

LARGEST = sys.float_info.max
# every day that each month has, so that all that match are real; others are taken too, and so are zones
TIMESTAMP = r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"


def row_schema(contract: Contract) -> dict[str, Any]:
    """One row."""
    return {
        "type": "object",
        "properties": {
            name: _column(column)
            if name in contract.inputs
            else {"description": f"{column.description}; not looked at"}
            for name, column in contract.columns.items()
        },
        "required": [name for name, column in contract.inputs.items() if not column.missing],
        "additionalProperties": False,
    }


def _column(column: Column) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": {"timestamp": "string"}.get(column.type, column.type)}
    if column.values is not None:
        schema["enum"] = list(column.values)
    elif column.type in ("integer", "number"):
        schema["minimum"] = -LARGEST if column.minimum is None else column.minimum
        schema["maximum"] = LARGEST if column.maximum is None else column.maximum
    elif column.type == "timestamp":
        schema["pattern"] = TIMESTAMP
    unit = f" ({column.unit})" if column.unit else ""
    written = f"; also as {column.format}" if column.format not in (None, ISO) else ""
    if column.missing:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    return schema | {"description": f"{column.description}{unit}{written}"}


def model_schemas(live: Live, most: int) -> dict[str, Any]:
    """All that one model takes and answers, by name; at most so many rows."""
    contract, row = live.contract, row_schema(live.contract)
    columns = {name: {"type": "array", "items": schema, "maxItems": most} for name, schema in row["properties"].items()}
    classes = contract.classes
    number = {"type": "number"}
    score = {"type": "array", "items": number} if contract.kind == "multiclass" else number
    decision = number if contract.kind == "regression" else {"enum": classes}
    one = _closed({"prediction": score, "decision": decision}, {"bundle": {"type": "string"}})
    head = {
        "model": {"type": "string"},
        "bundle": {
            "type": ["string", "null"],
            "description": "null where rows were answered by two: each names its own",
        },
        "variant": {"type": "string"},
        "fallback": {"enum": [None, "last good", "baseline"], "description": "who stood in for the model"},
    }
    many = {name: {"type": "array", "items": schema} for name, schema in one["properties"].items()}
    answered = _closed(head | {"predictions": {"type": "array", "items": one}})
    in_columns = _closed(head | {"columns": _closed({name: many[name] for name in ("prediction", "decision")}, many)})
    return {
        f"{live.name}.Row": row,
        f"{live.name}.Rows": _closed({"rows": {"type": "array", "items": ref(f"{live.name}.Row"), "maxItems": most}}),
        f"{live.name}.Columns": _closed(
            {
                "columns": {
                    **row,
                    "properties": columns,
                    "description": "Each column's value in each row: all arrays have the same length",
                }
            }
        ),
        f"{live.name}.Answer": {"anyOf": [answered, in_columns]},
        f"{live.name}.Infer": _infer_schema(live),
    }


def _infer_schema(live: Live) -> dict[str, Any]:
    tensor = {
        "type": "object",
        "properties": {
            "name": {"enum": list(live.contract.inputs)},
            "shape": {"type": "array", "items": {"type": "integer"}, "description": "[n] or [n, 1]"},
            "datatype": {"enum": sorted({datatype(column) for column in live.contract.inputs.values()})},
            "data": {"type": "array", "description": "n values, null where one is missing"},
        },
        "required": ["name", "shape", "datatype", "data"],
    }
    wanted = {"type": "object", "properties": {"name": {"enum": ["prediction", "decision"]}}, "required": ["name"]}
    return {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "null"]},
            "inputs": {"type": "array", "items": tensor, "minItems": 1},
            "outputs": {"type": ["array", "null"], "items": wanted},
        },
        "required": ["inputs"],
    }


def ref(name: str) -> dict[str, str]:
    """A reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def _closed(properties: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": (optional or {}) | properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TOLD = {
    "row": {"type": ["integer", "null"], "description": "counts from 0; null where it is no single row"},
    "field": {"type": "string"},
    "value": {"description": "what was given; what is long or deep is cut"},
    "rule": {"type": "string"},
}
_HEAD = {
    "type": {"type": "string"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "request": {"type": "string"},
}
PROBLEM = _closed(_HEAD, {"problems": {"type": "array", "items": _closed(_TOLD)}})
ERROR = _closed({"error": {"type": "string"}})
