"""The description of the service as OpenAPI 3.1, generated from the contracts; the service accepts its examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..answers.live import Live
from ..config import Config
from .describe import example
from .infer import metadata
from .schemas import model_schemas
from .service_schemas import SERVICE_SCHEMAS, ref

REFUSED = {
    "400": "The body is no JSON in UTF-8",
    "401": "It is not known who asks",
    "403": "The caller may not do this",
    "404": "No model or version of this name is served",
    "408": "The body came too slowly",
    "409": "The bundles on the disk cannot be served; nothing has changed",
    "413": "The body or the number of rows is too large",
    "415": "The body is not application/json, or compressed with something else than gzip and deflate",
    "422": "Rows break the contract; none was answered, and each value that is wrong is named",
    "429": "The caller sends more than its rate; Retry-After says when to ask again",
    "500": "A fault of the service",
    "503": "The process is being ended, cannot tell yet who asks, or has no room for another large body",
}
KNOWN = ("401", "403", "429", "500", "503")  # possible wherever a caller must be authenticated
READ = ("400", "408", "413", "415", "422")  # possible wherever a body is read


def openapi(config: Config, models: Mapping[str, Live], is_open: bool) -> dict[str, Any]:
    """The document. is_open: whether anyone may call, without credentials."""
    main = models[config.main]
    schemas: dict[str, Any] = dict(SERVICE_SCHEMAS)
    described = _answers("Description") | _problems(*KNOWN)
    document_answers = _answers("Document") | _problems(*KNOWN)
    reloaded = _answers("Reloaded") | _problems(*KNOWN, "400", "408", "409", "413", "415")
    paths: dict[str, Any] = {
        "/healthz": {"get": _operation("health", "Whether the process is alive", _answers("Health"), secured=False)},
        "/readyz": {
            "get": _operation("ready", "Whether requests should come here", _ready("Readiness"), secured=False)
        },
        "/metrics": {"get": _operation("metrics", "Counters and histograms", _text() | _problems(*KNOWN))},
        "/openapi.json": {"get": _operation("openapi", "This document", document_answers)},
        "/model": {"get": _operation("model", "The default model", described)},
        "/admin/reload": {"post": _operation("reload", "Load the bundles again", reloaded)},
        "/v2": {"get": _operation("server_metadata", "The server", _answers("ServerMetadata") | _errors(*KNOWN))},
        "/v2/health/live": {"get": _operation("server_live", "Alive", _answers("ServerLive"), secured=False)},
        "/v2/health/ready": {"get": _operation("server_ready", "Ready", _ready("ServerReady"), secured=False)},
        "/predict": {"post": _predict(main, "predict")},
    }
    for name, live in models.items():
        schemas |= model_schemas(live, config.rows)
        paths[f"/models/{name}"] = {"get": _operation(f"model_{name}", live.contract.description, described)}
        paths[f"/models/{name}/predict"] = {"post": _predict(live, f"predict_{name}")}
        paths[f"/v1/models/{name}"] = {
            "get": _operation(f"ready_v1_{name}", "Ready", _ready("ModelReady"), secured=False)
        }
        paths[f"/v1/models/{name}:predict"] = {"post": _instances(live, f"predict_v1_{name}")}
        v2 = f"/v2/models/{name}"
        paths |= _v2(v2, live, f"{name}", [], {})
        version = {
            "name": "version",
            "in": "path",
            "required": True,
            "description": "The bundle, as /model names it",
            "schema": {"type": "string"},
            "example": live.served.bundle,
        }
        paths |= _v2(f"{v2}/versions/{{version}}", live, f"{name}_version", [version], _errors("404"))
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


def _v2(path: str, live: Live, suffix: str, parameters: list[Any], more: dict[str, Any]) -> dict[str, Any]:
    """The paths of a model by the Open Inference Protocol."""
    paths = {
        path: {
            "get": _operation(f"metadata_{suffix}", "Its tensors", _answers("ModelMetadata") | _errors(*KNOWN) | more)
        },
        f"{path}/ready": {"get": _operation(f"ready_{suffix}", "Ready", _ready("ModelReady") | more, secured=False)},
        f"{path}/infer": {"post": _infer(live, f"infer_{suffix}", more)},
    }
    if parameters:
        for operations in paths.values():
            for operation in operations.values():
                operation["parameters"] = parameters
    return paths


def _predict(live: Live, name: str) -> dict[str, Any]:
    row = example(live)
    columns = {column: [value, value] for column, value in row.items()}
    examples = {
        "row": {"summary": "One row", "value": row},
        "rows": {"summary": "Many rows", "value": {"rows": [row, row]}},
        "columns": {"summary": "Many rows by column", "value": {"columns": columns}},
    }
    content = {"application/json": {"schema": ref(f"{live.name}.Request"), "examples": examples}}
    answers = _answers(f"{live.name}.Answer") | _problems(*KNOWN, *READ)
    return _operation(name, f"Answer rows: {live.contract.description}", answers) | {
        "requestBody": {"required": True, "content": content}
    }


def _instances(live: Live, name: str) -> dict[str, Any]:
    row = example(live)
    schema = ref(f"{live.name}.Instances")
    content = {"application/json": {"schema": schema, "examples": {"rows": {"value": {"instances": [row, row]}}}}}
    answers = _answers(f"{live.name}.Answer") | _errors(*KNOWN, *READ)
    return _operation(name, "Answer rows (KServe's first protocol)", answers) | {
        "requestBody": {"required": True, "content": content}
    }


def _infer(live: Live, name: str, more: dict[str, Any]) -> dict[str, Any]:
    row = example(live)
    tensors = [
        {**tensor, "shape": [1], "data": [row[tensor["name"]]]}
        for tensor in metadata(live)["inputs"]
        if tensor["name"] in row
    ]
    schema = ref(f"{live.name}.Infer")
    content = {"application/json": {"schema": schema, "examples": {"tensors": {"value": {"inputs": tensors}}}}}
    answers = _answers("Inferred") | _errors(*KNOWN, *READ) | more
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


def _ready(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": ref(schema)}}
    return _answers(schema) | {"503": {"description": REFUSED["503"], "content": content}}


def _problems(*codes: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {code: {"description": REFUSED[code], "content": content} for code in codes}


def _errors(*codes: str) -> dict[str, Any]:
    content = {"application/json": {"schema": ref("Error")}}
    return {code: {"description": REFUSED[code], "content": content} for code in codes}
