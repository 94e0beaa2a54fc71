"""The page at /, for a person with a browser: what the service answers, and how to ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

PATHS = {
    "POST /predict": "answers rows",
    "GET /model": "describes the model: its output, its columns, and a row to start with",
    "GET /openapi.json": "describes all paths (OpenAPI 3.1), with examples that work",
    "POST /v2/models/{name}/infer": "answers tensors (Open Inference Protocol)",
    "GET /metrics": "metrics for Prometheus",
    "GET /healthz": "whether the process runs",
    "GET /readyz": "whether it can answer",
}
KEY = ' --header "X-API-Key: $KEY"'


def page(model: Mapping[str, Any] | None) -> bytes:
    """The page. model: its description, see `describe`; None where nobody may read it without a key."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Predictions</title></head><body>',
        "<h1>Predictions</h1>",
    ]
    if model is not None:
        parts.append(f"<p>{_text(model['model'])}: {_text(model['description'])}</p>")
    parts += ["<h2>Paths</h2>", "<table>", *map(_path, PATHS.items(), [model is not None] * len(PATHS)), "</table>"]
    parts += ["<h2>How to ask</h2>", *_how(model)]
    if model is not None:
        parts += ["<h2>Columns</h2>", "<table>", *map(_column, model["input"]["columns"].items()), "</table>"]
    return "\n".join([*parts, "</body></html>", ""]).encode("utf-8", "replace")


def _path(entry: tuple[str, str], is_open: bool) -> str:
    name, meaning = entry
    method, _, path = name.partition(" ")
    shown = f'<a href="{path}">{path}</a>' if method == "GET" and (is_open or path.endswith("z")) else escape(path)
    return f"<tr><td>{method}</td><td>{shown}</td><td>{escape(meaning)}</td></tr>"


def _how(model: Mapping[str, Any] | None) -> list[str]:
    key = KEY if model is None else ""
    ask = escape(f"curl{key} --json @row.json http://HOST/predict")
    if model is None:
        said = "Each request needs a key, or a token of the provider as bearer. Whoever operates the service gives it."
        return [f"<p>{said}</p>", f"<pre>{escape(f'curl{key} http://HOST/model')}\n{ask}</pre>"]
    row = json.dumps(model["input"]["example"], ensure_ascii=False, indent=1)
    return [f"<p>With a row like this one in <code>row.json</code>:</p><pre>{_text(row)}</pre>", f"<pre>{ask}</pre>"]


def _column(entry: tuple[str, Mapping[str, Any]]) -> str:
    name, rules = entry
    told = "; ".join(f"{rule.replace('_', ' ')}: {_value(value)}" for rule, value in rules.items())
    return f"<tr><td>{_text(name)}</td><td>{_text(told)}</td></tr>"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(text: str) -> str:
    return escape(text, quote=True)
