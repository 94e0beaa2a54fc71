"""Assemble the bundle: the model with all that is needed to use, judge and trust it.

It changes only if the model can change: it holds no time of day, no path and no Git commit.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle import FORMAT
from ..runtime.contract import Contract
from ..runtime.hashing import bundle_sha256, sha256
from ..runtime.predictor import OnnxModel
from ..runtime.project import Project
from ..runtime.rows import encode
from .card import card
from .data.blocks import read_target, rows_at
from .data.dataset import Rows
from .layout import (
    BUNDLE,
    CALIBRATION,
    CARD,
    ENVIRONMENT,
    IMPORTANCE,
    LEDGER,
    METRICS,
    MODEL,
    REFERENCE,
    SLICES,
    TRAINING,
)
from .lineage import code
from .settings import Params, read_contract, read_params

PROBES = 100
UNUSED = ("model", "tune", "cause", "accepted", "memory_gb", "cluster")  # the first is added, in part


def bundle(project: Project, root: Path, contract: Contract, params: Params) -> str:
    """Write the bundle under `root`, completely or not at all; return its hash."""
    training = json.loads((root / TRAINING).read_text())
    metrics = json.loads((root / METRICS).read_text())
    with tempfile.TemporaryDirectory(dir=root, prefix=".bundle-") as temporary:
        folder = Path(temporary) / BUNDLE.name
        folder.mkdir()
        shutil.copyfile(root / MODEL, folder / "model.onnx")
        for path in (METRICS, SLICES, CALIBRATION, IMPORTANCE, REFERENCE):
            shutil.copyfile(root / path, folder / path.name)
        (folder / "contract.json").write_text(contract.to_json(), encoding="utf-8")
        manifest = {
            "format": FORMAT,
            "name": contract.name,
            "package": project.name,
            "kind": contract.kind,
            "classes": contract.classes,
            "threshold": metrics["threshold"],
            "training": training,
            "params": used_params(params),
            "cause": params.cause,
            "data": json.loads((root / LEDGER).read_text()),
            "code": code(project.folder),
            "environment": json.loads((root / ENVIRONMENT).read_text()),
        }
        write_json(folder / "manifest.json", manifest)
        count = len(read_target(root, contract, params, "holdout")[0])
        rows = rows_at(root, contract, params, "holdout", probe_places(count))
        write_json(folder / "probe.json", probes(project, folder, rows, contract))
        text = (root / CARD).read_text(encoding="utf-8")
        (folder / "README.md").write_text(card(text, contract, manifest, metrics), encoding="utf-8")
        manifest["files"] = {
            path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != "manifest.json"
        }
        write_json(folder / "manifest.json", manifest)
        digest = bundle_sha256(folder)
        shutil.rmtree(root / BUNDLE, ignore_errors=True)
        folder.rename(root / BUNDLE)
    return digest


def used_params(params: Params) -> dict[str, Any]:
    """The parameters that can change the model: without the settings of unused estimators and of tuning."""
    common = {name: value for name, value in dataclasses.asdict(params).items() if name not in UNUSED}
    settings = params.model.settings.get(params.model.estimator) or {}
    partitions = {"partitions": params.model.partitions} if params.model.partitions > 1 else {}
    return common | {"model": {"estimator": params.model.estimator, **partitions, params.model.estimator: settings}}


def probe_places(count: int) -> NDArray[np.int64]:
    """The places of the probes among so many holdout rows.

    They are spread evenly, so that the probes include every kind of row that is not rare.
    """
    return np.unique(np.linspace(0, count - 1, PROBES).astype(np.int64))


def probes(project: Project, folder: Path, rows: Rows, contract: Contract) -> dict[str, Any]:
    """Rows as a client sends them, with the model's answers, by which a copy of the bundle can be checked."""
    sent = [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in rows.table.select(list(contract.inputs)).to_pylist()
    ]
    answers = OnnxModel(folder / "model.onnx", contract, project.features).predict(encode(sent, contract))
    return {"rows": sent, "answers": answers.tolist()}


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON, the same bytes for the same content."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str], project: Project) -> None:
    """The stage `bundle`."""
    argparse.ArgumentParser(prog="bundle", description=__doc__).parse_args(arguments)
    digest = bundle(project, Path(), read_contract(), read_params())
    print(f"bundle {digest[:12]} in {BUNDLE}/")
