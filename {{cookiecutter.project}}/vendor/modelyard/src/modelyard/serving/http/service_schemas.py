"""JSON Schemas of responses that are the same for every model: refusals, health and metadata.

Every object is a named schema and every value has a type, because generators of clients drop what has none. Clients
must accept fields that are new to them, so only requests forbid further fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STRING: Mapping[str, Any] = {"type": "string"}
INTEGER: Mapping[str, Any] = {"type": "integer"}
BOOLEAN: Mapping[str, Any] = {"type": "boolean"}
OBJECT: Mapping[str, Any] = {"type": "object"}


def ref(name: str) -> dict[str, str]:
    """A reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A list of these."""
    return {"type": "array", "items": items, **more}


def record(properties: Mapping[str, Any], optional: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An object with properties of which `optional` may be left out."""
    return {"type": "object", "properties": {**properties, **(optional or {})}, "required": list(properties), **more}


def nullable(kind: str, description: str) -> dict[str, Any]:
    """A value of this type, or null."""
    return {"type": [kind, "null"], "description": description}


SERVICE_SCHEMAS: Mapping[str, Any] = {
    "Problem": record(
        {"type": STRING, "title": STRING, "status": INTEGER, "detail": STRING, "request": STRING},
        {"problems": array(ref("BrokenRule"))},
    ),
    "BrokenRule": record(
        {
            "row": nullable("integer", "counts from 0; null where it is no single row"),
            "field": STRING,
            "value": {"description": "what was given; what is long or deep is cut"},
            "rule": STRING,
        }
    ),
    "Error": record({"error": STRING}),
    "Health": record({"status": STRING}),
    "Readiness": record(
        {"status": STRING, "models": {**OBJECT, "additionalProperties": STRING, "description": "each model's bundle"}}
    ),
    "Reloaded": record(
        {"models": {**OBJECT, "additionalProperties": STRING, "description": "each model's bundle"}, "workers": INTEGER}
    ),
    "Description": record(
        {
            "model": STRING,
            "bundle": STRING,
            "variant": STRING,
            "description": STRING,
            "owner": STRING,
            "dependencies": OBJECT,
            "trained_on": OBJECT,
            "output": OBJECT,
            "input": OBJECT,
            "production_ready": OBJECT,
        }
    ),
    "Document": OBJECT,
    "ServerMetadata": record({"name": STRING, "version": STRING, "extensions": array(STRING)}),
    "ServerLive": record({"live": BOOLEAN}),
    "ServerReady": record({"ready": BOOLEAN}),
    "ModelReady": record({"name": STRING, "ready": BOOLEAN}),
    "TensorMetadata": record({"name": STRING, "datatype": STRING, "shape": array(INTEGER)}),
    "ModelMetadata": record(
        {
            "name": STRING,
            "versions": array(STRING),
            "platform": STRING,
            "inputs": array(ref("TensorMetadata")),
            "outputs": array(ref("TensorMetadata")),
        }
    ),
    "RequestedOutput": record(
        {"name": {**STRING, "enum": ["prediction", "decision"]}}, {"parameters": ref("Parameters")}
    ),
    "OutputTensor": record(
        {"name": STRING, "datatype": STRING, "shape": array(INTEGER)},
        {
            "data": array({}, description="the values in one list, whatever the shape; without it they are in binary"),
            "parameters": ref("Parameters"),
        },
    ),
    "Inferred": record(
        {
            "model_name": STRING,
            "model_version": {**STRING, "description": "empty where rows were answered by two"},
            "parameters": ref("Parameters"),
            "outputs": array(ref("OutputTensor")),
        },
        {"id": STRING},
    ),
    "Parameters": {**OBJECT, "additionalProperties": True},
}
