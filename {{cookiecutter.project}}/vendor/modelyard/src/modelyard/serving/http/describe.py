"""The description of a model for operators: dependencies, training data, output, input, and whether it may ship."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.times import EXAMPLE, ISO
from ...runtime.times import broken_rule as timestamp_rule
from ..answers.live import Live

RUNTIME = ("numpy", "onnxruntime", "msgspec", "uvicorn", "httptools", "uvloop")


def describe(live: Live) -> dict[str, Any]:
    """The answer to GET /models/{name}."""
    manifest, metrics = live.served.predictor.manifest, read_json(live.folder / "metrics.json")
    return {
        "model": live.name,
        "bundle": live.served.bundle,
        "variant": live.variant,
        "description": live.contract.description,
        "owner": live.contract.owner,
        "dependencies": {
            "runtime": {"python": platform.python_version(), **{name: metadata.version(name) for name in RUNTIME}},
            "training": manifest["environment"],
        },
        "trained_on": {
            "features": manifest["training"]["features"],
            "estimator": manifest["training"]["estimator"],
            "rows": manifest["training"]["rows"],
            "first_period": manifest["training"]["first_period"],
            "last_period": manifest["training"]["last_period"],
            "holdout": metrics["holdout"],
        },
        "output": output(live.contract, manifest["threshold"]),
        "input": {
            "path": f"/models/{live.name}/predict",
            "columns": {name: _column(column) for name, column in live.contract.inputs.items()},
            "example": example(live),
        },
        "production_ready": verdict(live.folder, live.served.first.sha256),
    }


def output(contract: Contract, threshold: float | None) -> dict[str, Any]:
    """What an answer means."""
    target = contract.columns[contract.target]
    meaning: dict[str, Any] = {"predicts": contract.target, "description": target.description, "kind": contract.kind}
    if contract.kind == "regression":
        return meaning | {"prediction": "the number", "decision": "the same number", "unit": target.unit}
    if contract.kind == "binary":
        positive = json.dumps(contract.classes[1])
        prediction = f"the probability that {contract.target} is {positive}"
        decision = f"{positive} where the probability is {threshold!r} or more"
        return meaning | {
            "prediction": prediction,
            "decision": decision,
            "classes": contract.classes,
            "threshold": threshold,
        }
    return meaning | {
        "prediction": "the probability of each class, in the order of `classes`",
        "decision": "the class with the highest probability",
        "classes": contract.classes,
    }


def example(live: Live) -> dict[str, Any]:
    """A row that the model answers: the first of the bundle's probe, without its missing values."""
    rows = read_json(live.folder / "probe.json")["rows"]
    row = rows[0] if rows else {name: example_value(column) for name, column in live.contract.inputs.items()}
    return {name: value for name, value in row.items() if value is not None}


def example_value(column: Column) -> Any:
    """A value that the contract allows."""
    if column.values is not None:
        return column.values[0]
    if column.type == "timestamp":
        return _example_time(column)
    if column.type == "boolean":
        return True
    return next((bound for bound in (column.minimum, column.maximum) if bound is not None), 0)


def _example_time(column: Column) -> str:
    low, high = column.moments
    moment = max(EXAMPLE, low) if low is not None else EXAMPLE
    moment = min(moment, high) if high is not None else moment
    in_format = moment.strftime(column.format or ISO)
    return in_format if timestamp_rule(in_format, column) is None else moment.isoformat()


def verdict(folder: Path, sha256: str) -> dict[str, Any]:
    """Whether the model may ship and by which rules: the verdict of the verb `gate`, if it is beside the bundle.

    Its file is `<folder>.verdict.json`. A verdict on another bundle is ignored.
    """
    path = folder.with_name(f"{folder.name}.verdict.json")
    if not path.is_file():
        return {"ready": None, "reason": f"there is no verdict beside the bundle ({path.name})", "gates": []}
    try:
        verdict_file = read_json(path)
        if (verdict_file.get("challenger") or {}).get("bundle") != sha256:
            return {"ready": None, "reason": f"{path.name} is about another bundle", "gates": []}
        return {
            "ready": verdict_file["verdict"] == "ships",
            "reason": verdict_file["reason"],
            "gates": verdict_file["rules"],
        }
    except (OSError, ValueError, AttributeError, KeyError, RecursionError):
        return {"ready": None, "reason": f"{path.name} cannot be read", "gates": []}


def read_json(path: Path) -> Any:
    """A file of the bundle."""
    return json.loads(path.read_text(encoding="utf-8"))


def _column(column: Column) -> dict[str, Any]:
    rules = {
        "type": column.type,
        "description": column.description,
        "unit": column.unit,
        "minimum": column.minimum,
        "maximum": column.maximum,
        "values": column.values,
        "format": column.format,
        "timezone": column.timezone,
    }
    if column.other:
        rules["other"] = "any further value counts as one more"
    return {key: value for key, value in rules.items() if value is not None} | {"may_be_missing": column.missing}
