"""The one reader of a bundle: its manifest, its contract, and whether its files are those that the manifest lists.

This module needs the standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ContractError
from .column import Column
from .contract import Contract, Kind
from .fitting import field_hints, misfits
from .hashing import bundle_sha256, sha256
from .history import HistoryFeature

Manifest = Mapping[str, Any]

FORMAT = 1
NEEDED = {"contract.json", "metrics.json", "model.onnx", "probe.json"}
AGAIN = "make the bundle again, or copy it again"

MANIFEST: Mapping[str, Any] = {
    "name": str,
    "kind": Kind,
    "classes": list[bool | int | str],
    "threshold": float | None,
    "training": dict[str, Any],
    "params": dict[str, Any],
    "data": dict[str, Any],
    "code": dict[str, str],
    "environment": dict[str, Any],
}
TRAINING: Mapping[str, Any] = {
    "estimator": str,
    "features": list[str],
    "baseline": list[float],
    "rows": int,
    "first_period": Any,
    "last_period": Any,
}


@dataclass(frozen=True)
class Bundle:
    """One model with its contract, its manifest and the metrics that it claims."""

    folder: Path
    digest: str
    manifest: dict[str, Any]
    contract: Contract
    metrics: dict[str, Any]

    @property
    def size(self) -> int:
        """The size of all files, in bytes."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def read_bundle(folder: Path) -> Bundle:
    """The bundle in a folder, checked: complete, and each file as listed.

    Raises ContractError as the functions below do, and if the manifest does not list a file that the gate needs.
    """
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    contract = bundled_contract(folder)
    check_manifest(folder, manifest, contract)
    return Bundle(folder, bundle_sha256(folder), manifest, contract, read_object(folder / "metrics.json"))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the bundle in a folder.

    Raises ContractError if there is no bundle, its manifest is not JSON, or it has another format.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise ContractError(f"{folder} holds no bundle (no manifest.json); make it with `make pipeline`")
    manifest = read_object(path)
    if manifest.get("format") != FORMAT:
        raise ContractError(f"{folder} has bundle format {manifest.get('format')}; this version reads format {FORMAT}")
    return manifest


def check_manifest(folder: Path, manifest: Manifest, contract: Contract) -> None:
    """Raise ContractError that names what the manifest lacks, what has another type or contradicts the contract."""
    faults = list(misfits(manifest, MANIFEST))
    if not faults:
        faults = [f"training.{fault}" for fault in misfits(manifest["training"], TRAINING)]
    if not faults:
        width = len(contract.classes) if contract.kind == "multiclass" else 1
        baseline = manifest["training"]["baseline"]
        faults += [
            f"{key} is {manifest[key]!r}, and contract.json says {expected!r}"
            for key, expected in (("name", contract.name), ("kind", contract.kind), ("classes", contract.classes))
            if manifest[key] != expected
        ]
        if len(baseline) != width:
            faults.append(f"training.baseline must have length {width}, not {len(baseline)}")
        if (manifest["threshold"] is None) is (contract.kind == "binary"):
            faults.append("threshold must be a number for two classes, and null otherwise")
    if faults:
        raise ContractError("\n".join(f"{folder}/manifest.json: {fault}; {AGAIN}" for fault in faults))


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare each file with its hash in the manifest.

    Raises ContractError if one is missing or differs, or the manifest does not list a file that is needed.
    """
    if faults := list(misfits(manifest, {"files": dict[str, str]})):
        raise ContractError(f"{folder}/manifest.json: {faults[0]}; {AGAIN}")
    if outside := [name for name in manifest["files"] if Path(name).name != name]:
        raise ContractError(f"{folder}/manifest.json: files: {outside[0]!r} is no name of a file beside it; {AGAIN}")
    if unlisted := NEEDED - manifest["files"].keys():
        raise ContractError(f"{folder}: the manifest does not list {min(unlisted)}; {AGAIN}")
    for name, digest in manifest["files"].items():
        try:
            is_listed = sha256(folder / name) == digest
        except FileNotFoundError:
            raise ContractError(f"{folder}: {name} is missing, and the manifest lists it; {AGAIN}") from None
        except OSError as error:
            raise ContractError(f"{folder}: {name} cannot be read: {error.strerror}") from None
        if not is_listed:
            raise ContractError(f"{folder}: {name} is not the file that the manifest lists; {AGAIN}")


def bundled_contract(folder: Path) -> Contract:
    """The contract of the bundle in a folder. Raises ContractError if this version cannot read it."""
    path = folder / "contract.json"
    raw = read_object(path)
    unread = f"{path} is of a form that this code does not read"
    faults = _misfits_of(Contract, raw)
    if not faults:
        for name, column in raw.get("columns", {}).items():
            faults += [f"columns.{name}.{fault}" for fault in _misfits_of(Column, column)]
        for name, feature in raw.get("features", {}).items():
            faults += [f"features.{name}.{fault}" for fault in _misfits_of(HistoryFeature, feature)]
    if faults:
        raise ContractError(f"{unread}: {'; '.join(faults)}")
    try:
        return Contract.from_json(path)
    except (TypeError, KeyError, ValueError) as error:
        raise ContractError(f"{unread}: {error}") from None


def _misfits_of(dataclass: type, raw: Mapping[str, Any]) -> list[str]:
    """A message for each key with a value of another type than the field; the dataclass checks which keys are there."""
    return list(misfits(raw, {key: hint for key, hint in field_hints(dataclass).items() if key in raw}))


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a bundle. Raises ContractError if it cannot be read or is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error.strerror}; {AGAIN}") from None
    except RecursionError:
        raise ContractError(f"{path} is nested too deep; {AGAIN}") from None
    except ValueError as error:  # no JSON, or no UTF-8
        raise ContractError(f"{path} is no valid JSON: {error}; {AGAIN}") from None
    if not isinstance(content, dict):
        raise ContractError(f"{path} is no JSON object; {AGAIN}")
    return content
