"""A bundle as the gate takes it: whole, and what its manifest says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .contract import Contract, ContractError
from .hashing import bundle_sha256, sha256

FORMAT = 1
NEEDED = {"contract.json", "metrics.json", "model.onnx", "probe.json"}


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
    """The bundle in a folder.

    Raises ContractError where there is none, it has another format, or a file is not the one in the manifest.
    """
    if not (folder / "manifest.json").is_file():
        raise ContractError(f"{folder} holds no bundle (no manifest.json); make it with `dvc repro`")
    manifest = _json(folder / "manifest.json")
    if manifest.get("format") != FORMAT:
        raise ContractError(f"{folder} has bundle format {manifest.get('format')}; format {FORMAT} can be judged")
    if unlisted := NEEDED - manifest["files"].keys():
        raise ContractError(f"{folder}: the manifest does not list {min(unlisted)}; make the bundle again")
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file():
            raise ContractError(f"{folder}: {name} is missing, and the manifest lists it; make the bundle again")
        if sha256(folder / name) != digest:
            raise ContractError(f"{folder}: {name} is not the file that the manifest lists; make the bundle again")
    try:
        contract = Contract.from_json(folder / "contract.json")
    except (TypeError, KeyError, ValueError) as error:
        raise ContractError(f"{folder}/contract.json is of a form that this code does not read: {error}") from None
    return Bundle(folder, bundle_sha256(folder), manifest, contract, _json(folder / "metrics.json"))


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ContractError(f"{path} is no valid JSON: {error}") from None
