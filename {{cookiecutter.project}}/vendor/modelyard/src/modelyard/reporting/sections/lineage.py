"""What the model was made from, and its cost in time, memory and size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import counted
from ...markdown import code, cut, prose
from ...runtime.bundle import Bundle
from ...training.data.parts import shown
from ...training.fitted import fitted
from ..document import Section, Table
from ..evidence import Evidence

WHOLE = "all"  # the one period of data that has no time


def lineage(evidence: Evidence) -> Section:
    """Where this model and main's come from, and the cost of the stages that ran."""
    both = [bundle for bundle in (evidence.main, evidence.this) if bundle]
    head = ["", "main", "this"] if evidence.main else ["", "this"]
    described = [_origins(bundle) for bundle in both]
    rows = [[label, *(origins[label] for origins in described)] for label in described[0]]
    champion = (evidence.verdict or {}).get("champion")
    this = evidence.this
    blocks: list[str | Table] = [Table(head, rows), prose(fitted(this.manifest["training"], this.contract.kind), 400)]
    if champion:
        blocks.append(f"Main's model is that of {prose(champion['from'], 200)}.")
    if evidence.costs:
        blocks.append(_cost(evidence.costs))
    return Section("Lineage and cost", blocks, folded=True)


def _origins(bundle: Bundle) -> dict[str, str]:
    manifest = bundle.manifest
    training, periods = manifest["training"], manifest["data"]["periods"]
    rows = sum(entry["rows"] for entry in periods.values())
    model = bundle.folder / "model.onnx"
    return {
        "estimator": code(training["estimator"], 40),
        "made because of": cut(str(manifest.get("cause", "by_hand")).replace("_", " "), 20),
        "data": _rows(rows, list(periods)) + _corrected(periods),
        "trained on": _rows(training["rows"], [training["first_period"], training["last_period"]]),
        "threshold chosen on": _listed(shown(training, "validation")),
        "judged on": _listed(shown(training, "holdout")),
        "Python": cut(manifest["environment"]["python"], 20),
        "scikit-learn": cut(manifest["environment"]["packages"].get("scikit-learn", "-"), 20),
        "machine": cut(manifest["environment"]["machine"], 40),
        "model": f"{code(manifest['files']['model.onnx'][:12])}, {_bytes(model.stat().st_size)}",
        "bundle": f"{code(bundle.digest[:12])}, {_bytes(bundle.size)}",
    }


def _cost(costs: Mapping[str, Mapping[str, Any]]) -> Table:
    lines = [
        [code(stage, 40), f"{cost['seconds']:,.1f} s", f"{cost['peak_mb']:,.0f} MB"] for stage, cost in costs.items()
    ]
    if len(lines) > 1:
        seconds = sum(cost["seconds"] for cost in costs.values())
        peak = max(cost["peak_mb"] for cost in costs.values())
        lines.append(["all", f"{seconds:,.1f} s", f"{peak:,.0f} MB"])
    return Table(["stage", "time", "peak memory"], lines)


def span(periods: Sequence[str]) -> str:
    """The first and the last of some periods; empty if the data has no time."""
    ends = list(dict.fromkeys([min(periods), max(periods)])) if periods else []
    return "" if ends == [WHOLE] else " to ".join(cut(end, 20) for end in ends)


def _rows(count: int, periods: Sequence[str]) -> str:
    return ", ".join(part for part in (f"{count:,} rows", span(periods)) if part)


def _corrected(periods: Mapping[str, Mapping[str, Any]]) -> str:
    labels = sum(entry.get("corrected", {}).get("labels", 0) for entry in periods.values())
    return f"; {counted(labels, 'label')} corrected" if labels else ""


def _listed(periods: Sequence[str]) -> str:
    if list(periods) == [WHOLE]:
        return "rows drawn by the seed"
    shown = ", ".join(cut(period, 30) for period in periods[:6])
    return (shown or "-") if len(periods) <= 6 else f"{shown} and {len(periods) - 6} more"


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.2f} MB"
