"""The model card in Hugging Face's format. Its text is docs/model-card.md; its numbers are filled in, never typed."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

from ..errors import ContractError
from ..markdown import code, markdown_table, prose
from ..runtime.contract import Contract
from .fitted import fitted

PLACEHOLDER = re.compile(r"\{([\w. -]+)(?::([^{}]*))?\}")
TYPED_NUMBER = re.compile(r"(?<![\w.])\d+\.\d+")
LONGEST = 1000  # characters of a text of the contract
TASKS = {
    "binary": "tabular-classification",
    "multiclass": "tabular-classification",
    "regression": "tabular-regression",
}


def card(text: str, contract: Contract, manifest: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """The text with each {place.in.the.bundle} replaced, under Hugging Face's metadata.

    `{metrics.holdout.roc_auc.value:.3f}` is a number by its place and format; `{columns}` and `{holdout}` are tables;
    `{fitted}` says which rows trained. An undefined number becomes a dash.

    Raises ContractError if a place does not exist or does not fit its format, or if a number is typed instead of
    referred to.
    """
    if typed := TYPED_NUMBER.search(PLACEHOLDER.sub("{}", text)):
        raise ContractError(f"docs/model-card.md: {typed[0]} is typed; refer to it, as in {{metrics.rows}}")
    places = {
        "manifest": manifest,
        "metrics": metrics,
        "contract": {name: prose(getattr(contract, name), LONGEST) for name in ("name", "description", "owner")},
        "columns": _columns(contract),
        "holdout": _metrics(metrics),
        "fitted": fitted(manifest["training"], contract.kind),
    }
    return f"---\n{_metadata(contract, metrics)}---\n\n{PLACEHOLDER.sub(lambda match: _look_up(match, places), text)}"


def _look_up(match: re.Match[str], places: Any) -> str:
    for key in match[1].split("."):
        if not isinstance(places, Mapping) or key not in places:
            keys = ", ".join(map(str, places)) if isinstance(places, Mapping) else "nothing"
            raise ContractError(f"docs/model-card.md: {match[0]}: there is no {key!r}; there is: {keys}")
        places = places[key]
    try:
        return "-" if places is None else format(places, match[2] or "")
    except (TypeError, ValueError):
        raise ContractError(f"docs/model-card.md: {match[0]}: {places!r} cannot be written as {match[2]!r}") from None


def _metadata(contract: Contract, metrics: Mapping[str, Any]) -> str:
    task = TASKS[contract.kind]
    results = [
        {"type": name, "value": value["value"], "name": f"{name} (95 % interval {value['low']} to {value['high']})"}
        for name, value in metrics["holdout"].items()
        if value["value"] is not None
    ]
    model = {
        "name": contract.name,
        "results": [
            {
                "task": {"type": task},
                "dataset": {"type": contract.name, "name": contract.name, "split": "holdout"},
                "metrics": results,
            }
        ],
    }
    written = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump({"library_name": "onnx", "pipeline_tag": task, "tags": ["tabular"], "model-index": [model]}, written)
    return written.getvalue()


def _metrics(metrics: Mapping[str, Any]) -> str:
    lines = [
        [name, *(_short(interval[end]) for end in ("value", "low", "high")), _short(metrics["baseline"][name])]
        for name, interval in metrics["holdout"].items()
    ]
    return markdown_table(["metric", "value", "95 % from", "to", "baseline"], lines)


def _columns(contract: Contract) -> str:
    lines = [
        [
            code(name, LONGEST),
            column.role,
            column.type,
            prose(column.unit or column.timezone or ""),
            prose(column.description, LONGEST),
        ]
        for name, column in contract.columns.items()
    ]
    return markdown_table(["column", "role", "type", "unit", "meaning"], lines)


def _short(number: float | None) -> str:
    return "-" if number is None else f"{number:.4f}"
