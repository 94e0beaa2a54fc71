"""Show how good the model is: the metrics here, the whole report as Markdown and as one HTML file."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .page import page
from .policy import judge, read_policy
from .project import PRIMARY, Contract, ContractError, layout, markdown_table, read_contract

REPORTS = Path("reports")


def report(root: Path, contract: Contract) -> str:
    """The report on the bundle under `root`, in Markdown."""
    bundle = root / layout.BUNDLE
    if not bundle.is_dir():
        raise ContractError(f"there is no {layout.BUNDLE}/ to report on; make it with `dvc repro`")
    metrics, manifest = (json.loads((bundle / f"{name}.json").read_text()) for name in ("metrics", "manifest"))
    parts = [
        f"# {contract.name}: model report",
        f"{manifest['training']['estimator']}, {manifest['kind']}, judged on {metrics['rows']:,} holdout rows.",
        "## Policy",
        policy_table(root, metrics, contract),
        "## Metrics",
        metrics_table(metrics),
        f"## Slices, by {PRIMARY[contract.kind]}",
        slices_table(bundle / layout.SLICES.name, PRIMARY[contract.kind]),
        "## What the model looks at",
        importance_table(bundle / layout.IMPORTANCE.name),
        "## Lineage",
        lineage_table(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def policy_table(root: Path, metrics: Mapping[str, Any], contract: Contract) -> str:
    """Each rule of the policy and whether the model keeps it."""
    judged = judge(read_policy(root / "policy.yaml"), metrics, contract)
    return markdown_table(
        ["rule", "found", "kept"], [[one.rule, one.found, "yes" if one.kept else "no"] for one in judged]
    )


def metrics_table(metrics: Mapping[str, Any]) -> str:
    """Each metric with its interval, beside the baseline's."""
    lines = [
        [name, *(_number(found[end]) for end in ("value", "low", "high")), _number(metrics["baseline"][name])]
        for name, found in metrics["holdout"].items()
    ]
    return markdown_table(["metric", "value", "95 % from", "to", "baseline"], lines)


def slices_table(path: Path, metric: str) -> str:
    """One metric for each slice, the slices in their order."""
    lines = [
        [
            f"{line['column']} = {line['slice']}",
            f"{int(line['rows']):,}",
            *(_number(line[end]) for end in ("value", "low", "high")),
        ]
        for line in _lines(path)
        if line["metric"] == metric
    ]
    return markdown_table(["slice", "rows", metric, "95 % from", "to"], lines) if lines else "No slice has enough rows."


def importance_table(path: Path) -> str:
    """How much worse the model gets when an input is shuffled."""
    lines = [[line["input"], _number(line["loss"]), _number(line["std"])] for line in _lines(path)]
    return markdown_table(["input", "loss when shuffled", "std"], lines)


def lineage_table(manifest: Mapping[str, Any]) -> str:
    """What the model was made from."""
    training, periods = manifest["training"], manifest["data"]["periods"]
    rows = sum(entry["rows"] for entry in periods.values())
    lines = [
        ["data", f"{rows:,} rows, {min(periods)} to {max(periods)}"],
        ["trained on", f"{training['rows']:,} rows, {training['first_period']} to {training['last_period']}"],
        ["threshold chosen on", ", ".join(training["validation_periods"])],
        ["judged on", ", ".join(training["holdout_periods"])],
        ["Python", manifest["environment"]["python"]],
        ["scikit-learn", manifest["environment"]["packages"]["scikit-learn"]],
        ["model", manifest["files"]["model.onnx"][:12]],
    ]
    return markdown_table(["what", "which"], lines)


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _number(value: float | str | None) -> str:
    return "-" if value in (None, "") else f"{float(value):.4f}"


def main(arguments: list[str] | None = None) -> None:
    """The verb `report`."""
    argparse.ArgumentParser(prog="report", description=__doc__).parse_args(arguments)
    contract = read_contract()
    text = report(Path(), contract)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "report.md").write_text(text, encoding="utf-8")
    (REPORTS / "report.html").write_text(page(text, Path(), contract), encoding="utf-8")
    print(metrics_table(json.loads((layout.BUNDLE / "metrics.json").read_text())))
    print(f"\nThe report is in {REPORTS / 'report.html'} and {REPORTS / 'report.md'}")
