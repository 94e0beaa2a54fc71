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
from .contract import Contract
from .hashing import bundle_sha256, sha256

FORMAT = 1
NEEDED = {"contract.json", "metrics.json", "model.onnx", "probe.json"}
AGAIN = "make the bundle again, or copy it again"


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
    if unlisted := NEEDED - manifest["files"].keys():
        raise ContractError(f"{folder}: the manifest does not list {min(unlisted)}; {AGAIN}")
    check_files(folder, manifest)
    return Bundle(folder, bundle_sha256(folder), manifest, bundled_contract(folder), _json(folder / "metrics.json"))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the bundle in a folder.

    Raises ContractError if there is no bundle, its manifest is not JSON, or it has another format.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise ContractError(f"{folder} holds no bundle (no manifest.json); make it with `dvc repro`")
    manifest = _json(path)
    if manifest.get("format") != FORMAT:
        raise ContractError(f"{folder} has bundle format {manifest.get('format')}; this version reads format {FORMAT}")
    return manifest


def check_files(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Compare each file with its hash in the manifest. Raises ContractError if one is missing or differs."""
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
    try:
        return Contract.from_json(folder / "contract.json")
    except (TypeError, KeyError, ValueError) as error:
        raise ContractError(f"{folder}/contract.json is of a form that this code does not read: {error}") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no JSON, or no UTF-8
        raise ContractError(f"{path} is no valid JSON: {error}; {AGAIN}") from None
    if not isinstance(content, dict):
        raise ContractError(f"{path} is no JSON object; {AGAIN}")
    return content
