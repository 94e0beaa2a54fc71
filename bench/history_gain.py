"""By how much a model is better with features with history: both on the same rows, paired as the gate pairs them."""

from __future__ import annotations

import json
import shutil

from modelyard.training.metrics import PRIMARY
from modelyard.training.settings import read_contract

from .drafts import write_sources
from .history_sets import WITH_HISTORY, drafted, with_history, without
from .options import Options
from .table import Line
from .workspace import PACKAGE, Project, Workspace

TITLE = "Features with history: the same model without and with them, on the same holdout rows"
HEAD = ("data set", "rows", "metric", "without", "with", "better by, 95 % interval", "better")


def bench(workspace: Workspace, _: Options) -> list[Line]:
    """A line for each metric of each set; the primary one, which is the first, must be better."""
    sources = write_sources(workspace, drafted(list(WITH_HISTORY)))
    lines = []
    for name in WITH_HISTORY:
        before = without(workspace, sources, name)
        after = with_history(before, sources, name)
        lines += _lines(name, _verdict(before, after), PRIMARY[read_contract(after.root / "contract.yaml").kind])
    return lines


def _verdict(champion: Project, challenger: Project) -> dict:
    """The gate's comparison of both; what it decides does not matter here."""
    shutil.copytree(champion.root / "bundle", challenger.root / "champion/bundle", dirs_exist_ok=True)
    script = "import sys; from {0} import project; from modelyard.judging.gate import main\n"
    script += "try: main([], project)\nexcept SystemExit: pass"
    challenger.python("-c", script.format(PACKAGE))
    return json.loads((challenger.root / "reports/verdict.json").read_text())


def _lines(name: str, verdict: dict, primary: str) -> list[Line]:
    comparison = verdict["comparison"]
    lines = []
    for metric, found in sorted(comparison["metrics"].items(), key=lambda item: item[0] != primary):
        if found["difference"] is None:
            continue
        sign = 1 if found["higher_is_better"] else -1
        gain, *ends = (sign * found[key] for key in ("difference", "low", "high"))
        low, high = sorted(ends)
        told = f"{gain:+.4f} ({low:+.4f} to {high:+.4f})"
        cells = (f"{comparison['rows']:,}", metric, f"{found['champion']:.4f}", f"{found['challenger']:.4f}", told)
        lines.append(Line(name, kept=low > 0 if metric == primary else None, cells=cells))
    return lines
