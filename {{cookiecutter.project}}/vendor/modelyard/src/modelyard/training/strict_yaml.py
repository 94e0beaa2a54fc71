"""YAML files read strictly into dataclasses: an error names the file, each key, its line and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML, CommentedMap, CommentedSeq, YAMLError

from ..errors import ContractError
from .edit import round_trip


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML 1.2 file, in which `NO` and `on` are text. Raises ContractError if there is none."""
    if not path.is_file():
        raise ContractError(f"{path}: no such file; run this in the project's root folder")
    try:
        raw = YAML(typ="safe", pure=True).load(path)
    except YAMLError as error:
        raise ContractError(f"{path}: no valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise ContractError(f"{path}: a mapping of keys is expected, found {type(raw).__name__}")
    return raw


def parse(path: Path, kind: type, raw: dict[str, Any]) -> Any:
    """Convert the mapping read from `path` to a dataclass. Raises ContractError that names each invalid key."""
    try:
        # as JSON, because strict mode converts a mapping to a dataclass only there
        return TypeAdapter(kind).validate_json(json.dumps(raw, default=str))
    except ContractError as error:
        raise ContractError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None
    except ValidationError as error:
        faults = [_explain(path, fault, raw) + _line(path, _place(fault["loc"], raw)) for fault in error.errors()]
        raise ContractError("\n".join(faults)) from None


def _explain(path: Path, fault: Any, raw: Any) -> str:
    key = ".".join(_place(fault["loc"], raw)).replace("model.settings.", "model.")
    if isinstance(error := fault.get("ctx", {}).get("error"), ContractError):
        return "\n".join(f"{path}: {line}" for line in str(error).splitlines())
    if fault["type"] == "missing" or fault["type"] == "missing_argument":
        return f"{path}: {key} is missing"
    if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{path}: {key} is no key that is known here; check its spelling"
    return f"{path}: {key} is {fault['input']!r}: {fault['msg']}"


def _line(path: Path, keys: Sequence[str]) -> str:
    """Where the file has the last of these keys that it has, as in " (line 12)"; empty if it has none."""
    node, line = round_trip().load(path), None
    for key in keys:
        if isinstance(node, CommentedSeq) and key.isdecimal() and int(key) < len(node):
            line, node = node.lc.item(int(key))[0], node[int(key)]
        elif isinstance(node, CommentedMap) and key in node:
            line, node = node.lc.key(key)[0], node[key]
        elif key != "settings":  # which `read_params` puts between a model and its estimators
            break
    return "" if line is None else f" (line {line + 1})"


def _place(steps: Sequence[str | int], raw: Any) -> list[str]:
    """The keys in the file that lead to a fault: pydantic's location without the branches of unions."""
    place = []
    for step in steps:
        if isinstance(raw, list) and isinstance(step, int):
            place.append(str(step))
            raw = raw[step]
        elif isinstance(raw, dict) and (step in raw or step == steps[-1]):
            place.append(str(step))
            raw = raw.get(step)
    return place
