"""Assemble the bundle: the model with all that is needed to use, judge and trust it.

Nothing in it changes unless the model could change: it holds no time, no path and no Git commit.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ..command import run_stage, without_pandas
from ..runtime.contract import Contract
from ..runtime.predictor import Predictor
from ..runtime.rows import encode
from .card import card
from .data.dataset import Rows, read_rows
from .layout import BUNDLE, CALIBRATION, CARD, IMPORTANCE, LEDGER, METRICS, MODEL, REFERENCE, SLICES, TRAINING
from .lineage import lineage
from .settings import Params, read_contract, read_params

FORMAT = 1
PROBES = 100


def bundle(root: Path, contract: Contract, params: Params) -> str:
    """Write the bundle under `root`, all or nothing; its hash."""
    training = json.loads((root / TRAINING).read_text())
    metrics = json.loads((root / METRICS).read_text())
    with tempfile.TemporaryDirectory(dir=root, prefix=".bundle-") as made:
        folder = Path(made) / BUNDLE.name
        folder.mkdir()
        shutil.copyfile(root / MODEL, folder / "model.onnx")
        for path in (METRICS, SLICES, CALIBRATION, IMPORTANCE, REFERENCE):
            shutil.copyfile(root / path, folder / path.name)
        (folder / "contract.json").write_text(contract.to_json(), encoding="utf-8")
        manifest = {
            "format": FORMAT,
            "name": contract.name,
            "kind": contract.kind,
            "classes": contract.classes,
            "threshold": metrics["threshold"],
            "training": training,
            "params": used_params(params),
            "data": json.loads((root / LEDGER).read_text()),
            **lineage(),
        }
        write_json(folder / "manifest.json", manifest)
        rows = read_rows(root, contract, params, "holdout")
        write_json(folder / "probe.json", probes(folder, rows, contract))
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
    """The parameters that can change the model; the settings of estimators not in use, and how to tune, cannot."""
    kept = {name: value for name, value in dataclasses.asdict(params).items() if name not in ("model", "tune")}
    settings = params.model.settings.get(params.model.estimator) or {}
    return kept | {"model": {"estimator": params.model.estimator, params.model.estimator: settings}}


def probes(folder: Path, rows: Rows, contract: Contract) -> dict[str, Any]:
    """Some holdout rows as a client sends them, and what the model answers: whoever holds the bundle can check it.

    They are spread evenly over the holdout, so that they hold every kind of row that is not rare.
    """
    places = np.unique(np.linspace(0, len(rows.target) - 1, PROBES).astype(np.int64))
    given = [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in rows.table.select(list(contract.inputs)).take(places).to_pylist()
    ]
    answers = Predictor(folder).model.predict(encode(given, contract))
    return {"rows": given, "answers": answers.tolist()}


def bundle_sha256(folder: Path) -> str:
    """The bundle's identity: the hash of its manifest, which holds the hash of every other file."""
    return sha256(folder / "manifest.json")


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write JSON that reads well and is the same each time."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """The stage `bundle`."""
    argparse.ArgumentParser(prog="bundle", description=__doc__).parse_args(arguments)
    digest = bundle(Path(), read_contract(), read_params())
    print(f"bundle {digest[:12]} in {BUNDLE}/")


if __name__ == "__main__":
    without_pandas()
    run_stage("bundle", main)
