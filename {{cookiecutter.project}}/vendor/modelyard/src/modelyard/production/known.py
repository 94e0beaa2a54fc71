"""What production must know of each bundle that answers: its contract, its reference and the figures that it claims.

A project holds one bundle, and the log has rows of older ones. So each bundle that is here is kept in the store.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..judging.collect import CHAMPION
from ..runtime.bundle import read_bundle
from ..runtime.contract import Contract
from ..training.layout import BUNDLE, CALIBRATION, REFERENCE, SLICES
from .layout import BUNDLES
from .store import Store

DIGITS = 12  # of a bundle's hash, as the log has it
FORMAT = 1


@dataclass(frozen=True)
class KnownBundle:
    """A bundle's facts.

    reference: the distribution of each input in training, as in reference.json. score_edges, score_shares: the same of
    its predictions on the holdout (of several classes, the highest probability); empty if the bundle does not say.
    rows: those of training. metrics, baseline: its own figures on the holdout. slices: by "column=value" and metric.
    """

    name: str
    contract: Contract
    reference: dict[str, dict[str, Any]]
    score_edges: list[float]
    score_shares: list[float]
    rows: int
    holdout_rows: int
    baseline: list[float]
    threshold: float | None
    costs: tuple[float, float]
    metrics: dict[str, dict[str, float | None]]
    slices: dict[str, dict[str, dict[str, float | None]]]


def known_bundles(store: Store, root: Path) -> dict[str, KnownBundle]:
    """All bundles of which the store or the project's folder knows, by the digits of their hash in the log.

    Those of the folder are added to the store. Raises ContractError if one there is damaged.
    """
    names = set(store.names(BUNDLES))
    for folder in bundle_folders(root):
        content = _describe(folder)
        name = f"{BUNDLES}/{content['name']}.json"
        if name not in names:
            store.write(name, json.dumps(content, ensure_ascii=False).encode())
            names.add(name)
    read = (json.loads(store.read(name)) for name in sorted(names))
    return {content["name"]: _known(content) for content in read if content.get("format") == FORMAT}


def bundle_folders(root: Path) -> list[Path]:
    """The folders of a project in which there is a bundle."""
    return [folder for folder in (root / CHAMPION, root / BUNDLE) if (folder / "manifest.json").is_file()]


def _describe(folder: Path) -> dict[str, Any]:
    bundle = read_bundle(folder)
    settings = bundle.manifest["params"]["evaluate"]
    return {
        "format": FORMAT,
        "name": bundle.digest[:DIGITS],
        "contract": json.loads(bundle.contract.to_json()),
        "reference": json.loads((folder / REFERENCE.name).read_text(encoding="utf-8")),
        "calibration": _lines(folder / CALIBRATION.name),
        "slices": _lines(folder / SLICES.name),
        "rows": bundle.manifest["training"]["rows"],
        "baseline": bundle.manifest["training"]["baseline"],
        "threshold": bundle.manifest["threshold"],
        "costs": [settings["false_positive_cost"], settings["false_negative_cost"]],
        "metrics": bundle.metrics["holdout"],
    }


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _known(content: dict[str, Any]) -> KnownBundle:
    calibration = [line for line in content["calibration"] if line.get("lowest")]
    counts = [int(line["rows"]) for line in calibration]
    edges = [float(line["lowest"]) for line in calibration]
    edges += [float(line["highest"]) for line in calibration[-1:]]
    slices: dict[str, dict[str, dict[str, float | None]]] = {}
    for line in content["slices"]:
        figures = {end: float(line[end]) if line[end] else None for end in ("value", "low", "high")}
        slices.setdefault(f"{line['column']}={line['slice']}", {})[line["metric"]] = figures
    return KnownBundle(
        name=content["name"],
        contract=Contract.from_raw(content["contract"]),
        reference=content["reference"],
        score_edges=edges,
        score_shares=[count / sum(counts) for count in counts],
        rows=content["rows"],
        holdout_rows=sum(counts),
        baseline=content["baseline"],
        threshold=content["threshold"],
        costs=(content["costs"][0], content["costs"][1]),
        metrics=content["metrics"],
        slices=slices,
    )
