"""JSON Schemas of requests and responses, generated from a contract."""

from __future__ import annotations

import sys
from typing import Any

from ...runtime.contract import Column, Contract
from ...runtime.rows import ISO
from ..answers.live import Live
from .infer import datatype

LARGEST = sys.float_info.max
# only days that every month has, so that each match is a real date; the service accepts the other days and zones too
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


def model_schemas(live: Live, max_rows: int) -> dict[str, Any]:
    """The schemas of one model's requests and responses, by name, for at most `max_rows` rows."""
    contract, row = live.contract, row_schema(live.contract)
    columns = {
        name: {"type": "array", "items": schema, "maxItems": max_rows} for name, schema in row["properties"].items()
    }
    classes = contract.classes
    number = {"type": "number"}
    score = {"type": "array", "items": number} if contract.kind == "multiclass" else number
    decision = number if contract.kind == "regression" else {"enum": classes}
    prediction = _closed({"prediction": score, "decision": decision}, {"bundle": {"type": "string"}})
    head = {
        "model": {"type": "string"},
        "bundle": {
            "type": ["string", "null"],
            "description": "null where rows were answered by two: each names its own",
        },
        "variant": {"type": "string"},
        "fallback": {"enum": [None, "last good", "baseline"], "description": "who stood in for the model"},
    }
    by_column = {name: {"type": "array", "items": schema} for name, schema in prediction["properties"].items()}
    answered = _closed(head | {"predictions": {"type": "array", "items": prediction}})
    in_columns = _closed(
        head | {"columns": _closed({name: by_column[name] for name in ("prediction", "decision")}, by_column)}
    )
    return {
        f"{live.name}.Row": row,
        f"{live.name}.Rows": _closed(
            {"rows": {"type": "array", "items": ref(f"{live.name}.Row"), "maxItems": max_rows}}
        ),
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
    output = {"type": "object", "properties": {"name": {"enum": ["prediction", "decision"]}}, "required": ["name"]}
    return {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "null"]},
            "inputs": {"type": "array", "items": tensor, "minItems": 1},
            "outputs": {"type": ["array", "null"], "items": output},
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


_PROBLEM_FIELDS = {
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
PROBLEM = _closed(_HEAD, {"problems": {"type": "array", "items": _closed(_PROBLEM_FIELDS)}})
ERROR = _closed({"error": {"type": "string"}})
