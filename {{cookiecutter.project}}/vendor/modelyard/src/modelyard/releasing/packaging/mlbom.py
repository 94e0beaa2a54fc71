"""The bill of materials of the model: its data, parameters, metrics, packages and code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cyclonedx.model.component import Component, ComponentType
from packageurl import PackageURL

from ...runtime.bundle import Bundle
from ...training.lineage import LIBRARY
from .bom import new_bom, properties, sha256_of, to_json, write
from .build import ReleaseBuild

TASKS = {"regression": "regression", "binary": "classification", "multiclass": "classification"}


def mlbom(release: ReleaseBuild, bundle: Bundle) -> str:
    """The bill of a bundle's model as text; all of it is what the bundle says of itself."""
    manifest, contract = bundle.manifest, bundle.contract
    model = Component(
        name=contract.name,
        version=release.version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="model",
        description=contract.description,
        hashes=sha256_of(manifest["files"]["model.onnx"]),
        properties=[
            *properties(bundle_sha256=bundle.digest, revision=release.revision, format="ONNX"),
            *properties(python=manifest["environment"]["python"], machine=manifest["environment"]["machine"]),
        ],
    )
    bom = new_bom(release, model)
    data = [
        Component(
            name=f"{contract.name} {period}",
            version=period,
            type=ComponentType.DATA,
            bom_ref=f"data-{period}",
            hashes=sha256_of(entry["sha256"]),
            properties=properties(rows=str(entry["rows"])),
        )
        for period, entry in manifest["data"]["periods"].items()
    ]
    made_with = [_package(name, version) for name, version in manifest["environment"]["packages"].items()]
    code = [_code(name, digest) for name, digest in manifest["code"].items()]
    bom.components.update([*data, *made_with, *code])
    bom.register_dependency(model, [*data, *made_with, *code])
    content = to_json(bom)
    content["metadata"]["component"]["modelCard"] = model_card(
        bundle, [f"data-{one}" for one in manifest["data"]["periods"]]
    )
    return write(content)


def _code(name: str, digest: str) -> Component:
    """A module of the project, or the library's code behind one of its stages: `modelyard:train`."""
    stage = name.removeprefix(LIBRARY)
    about = None if stage == name else f"one hash over all modules of {LIBRARY.rstrip(':')} that `{stage}` runs"
    bom_ref, hashes = f"code-{name}", sha256_of(digest)
    return Component(name=name, type=ComponentType.FILE, bom_ref=bom_ref, description=about, hashes=hashes)


def _package(name: str, version: str) -> Component:
    purl = PackageURL("pypi", None, name, version)
    return Component(name=name, version=version, bom_ref=purl.to_string(), purl=purl)


def model_card(bundle: Bundle, data: list[str]) -> dict[str, Any]:
    """The model card in CycloneDX's form, which its Python library lacks. data: the references of the components."""
    manifest, contract, metrics = bundle.manifest, bundle.contract, bundle.metrics
    target = contract.columns[contract.target]
    personal = [f"{name}: {column.purpose}" for name, column in contract.columns.items() if column.pii]
    return {
        "bom-ref": "model-card",
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": TASKS[contract.kind],
            "architectureFamily": manifest["training"]["estimator"],
            "datasets": [{"ref": one} for one in data]
            + [
                {
                    "type": "dataset",
                    "name": contract.name,
                    "description": contract.description,
                    "governance": {"owners": [{"organization": {"name": contract.owner}}]},
                    **({"sensitiveData": personal} if personal else {}),
                }
            ],
            "inputs": [
                {"format": f"{name}: {column.type}, {column.description}"} for name, column in contract.inputs.items()
            ],
            "outputs": [{"format": f"{contract.target}: {target.type}, {target.description}"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": _metrics(metrics)},
        "properties": [
            {"name": f"modelyard:training:{name}", "value": str(value)}
            for name, value in manifest["training"].items()
            if isinstance(value, (str, int, float))
        ],
    }


def _metrics(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = []
    for name, one in metrics["holdout"].items():
        if one["value"] is None:
            continue
        entry: dict[str, Any] = {"type": name, "value": str(one["value"])}
        if one.get("low") is not None:
            entry["confidenceInterval"] = {"lowerBound": str(one["low"]), "upperBound": str(one["high"])}
        entries.append(entry)
    return entries
