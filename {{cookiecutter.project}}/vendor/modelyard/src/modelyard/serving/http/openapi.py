"""The description of the service as OpenAPI 3.1, generated from the contracts; the service accepts its examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..answers.live import Live
from ..config import Config
from .describe import example
from .infer import metadata
from .schemas import ERROR, PROBLEM, model_schemas, ref

REFUSED = {
    "400": "The body is no JSON in UTF-8",
    "401": "It is not known who asks",
    "403": "The caller may not do this",
    "408": "The body came too slowly",
    "409": "The bundles on the disk cannot be served; nothing has changed",
    "413": "The body or the number of rows is too large",
    "415": "The body is not application/json",
    "422": "Rows break the contract; none was answered, and each value that is wrong is named",
    "429": "The caller sends more than its rate; Retry-After says when to ask again",
    "500": "A fault of the service",
    "503": "The process is being ended, or cannot tell yet who asks",
}
KNOWN = ("401", "403", "429", "500", "503")  # possible wherever a caller must be authenticated
READ = ("400", "408", "413", "415", "422")  # possible wherever a body is read


def openapi(config: Config, models: Mapping[str, Live], is_open: bool) -> dict[str, Any]:
    """The document. is_open: whether anyone may call, without credentials."""
    main = models[config.main]
    schemas: dict[str, Any] = {"Problem": PROBLEM, "Error": ERROR, "Any": {"type": "object"}}
    paths: dict[str, Any] = {
        "/healthz": {"get": _operation("health", "Whether the process is alive", _answers("Any"), secured=False)},
        "/readyz": {
            "get": _operation(
                "ready", "Whether requests should come here", _answers("Any") | _json_503(), secured=False
            )
        },
        "/metrics": {"get": _operation("metrics", "Counters and histograms", _text() | _problems(*KNOWN))},
        "/openapi.json": {"get": _operation("openapi", "This document", _answers("Any") | _problems(*KNOWN))},
        "/model": {"get": _operation("model", "The default model", _answers("Any") | _problems(*KNOWN))},
        "/admin/reload": {
            "post": _operation(
                "reload",
                "Load the bundles again",
                _answers("Any") | _problems(*KNOWN, "400", "408", "409", "413", "415"),
            )
        },
        "/v2": {"get": _operation("server_metadata", "The server", _answers("Any") | _errors(*KNOWN))},
        "/v2/health/live": {"get": _operation("server_live", "Alive", _answers("Any"), secured=False)},
        "/v2/health/ready": {"get": _operation("server_ready", "Ready", _answers("Any") | _json_503(), secured=False)},
        "/predict": {"post": _predict(main, "predict")},
    }
    for name, live in models.items():
        schemas |= model_schemas(live, config.rows)
        paths[f"/models/{name}"] = {
            "get": _operation(f"model_{name}", live.contract.description, _answers("Any") | _problems(*KNOWN))
        }
        paths[f"/models/{name}/predict"] = {"post": _predict(live, f"predict_{name}")}
        for path, suffix in {"": "", f"/versions/{live.served.bundle}": "_version"}.items():
            v2 = f"/v2/models/{name}{path}"
            paths[v2] = {
                "get": _operation(f"metadata_{name}{suffix}", "Its tensors", _answers("Any") | _errors(*KNOWN))
            }
            paths[f"{v2}/ready"] = {
                "get": _operation(f"ready_{name}{suffix}", "Ready", _answers("Any") | _json_503(), secured=False)
            }
            paths[f"{v2}/infer"] = {"post": _infer(live, f"infer_{name}{suffix}")}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": config.main, "version": main.served.bundle, "description": main.contract.description},
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if is_open:
        for operations in paths.values():
            for operation in operations.values():
                operation["security"] = []
    else:
        document["components"]["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
    return document


def _predict(live: Live, name: str) -> dict[str, Any]:
    row = example(live)
    forms = [ref(f"{live.name}.{form}") for form in ("Row", "Rows", "Columns")]
    columns = {column: [value, value] for column, value in row.items()}
    examples = {
        "row": {"summary": "One row", "value": row},
        "rows": {"summary": "Many rows", "value": {"rows": [row, row]}},
        "columns": {"summary": "Many rows by column", "value": {"columns": columns}},
    }
    content = {"application/json": {"schema": {"anyOf": forms}, "examples": examples}}
    answers = _answers(f"{live.name}.Answer") | _problems(*KNOWN, *READ)
    return _operation(name, f"Answer rows: {live.contract.description}", answers) | {
        "requestBody": {"required": True, "content": content}
    }


def _infer(live: Live, name: str) -> dict[str, Any]:
    row = example(live)
    tensors = [
        {**tensor, "shape": [1], "data": [row[tensor["name"]]]}
        for tensor in metadata(live)["inputs"]
        if tensor["name"] in row
    ]
    schema = ref(f"{live.name}.Infer")
    content = {"application/json": {"schema": schema, "examples": {"tensors": {"value": {"inputs": tensors}}}}}
    answers = _answers("Any") | _errors(*KNOWN, *READ)
    return _operation(name, "Answer tensors (Open Inference Protocol)", answers) | {
        "requestBody": {"required": True, "content": content}
    }


def _operation(name: str, summary: str, responses: dict[str, Any], secured: bool = True) -> dict[str, Any]:
    security: list[dict[str, list[str]]] = [{"key": []}, {"bearer": []}] if secured else []
    return {"operationId": name, "summary": summary, "responses": responses, "security": security}


def _answers(schema: str) -> dict[str, Any]:
    return {"200": {"description": "The answer", "content": {"application/json": {"schema": ref(schema)}}}}


def _text() -> dict[str, Any]:
    return {"200": {"description": "Prometheus's format", "content": {"text/plain": {"schema": {"type": "string"}}}}}


def _json_503() -> dict[str, Any]:
    return {"503": {"description": REFUSED["503"], "content": {"application/json": {"schema": ref("Any")}}}}


def _problems(*codes: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {code: {"description": REFUSED[code], "content": content} for code in codes}


def _errors(*codes: str) -> dict[str, Any]:
    content = {"application/json": {"schema": ref("Error")}}
    return {code: {"description": REFUSED[code], "content": content} for code in codes}
