"""How time and memory grow with the rows: in memory, and with XGBoost from blocks in files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from .measure import Run, exponent, run
from .options import Options
from .table import Line, at_most
from .workspace import BENCH, PACKAGE, Project, Workspace, tool

TITLE = "More rows"
STAGES = ("ingest", "train", "evaluate", "bundle")
TOTAL = "all stages"
LIMIT = 1.1
GIB = 2**30
XGBOOST = "xgboost-cpu>=3.2,<4"
# Ten rounds each. XGBoost may take 1 GiB, so that from 10 million rows on it reads them from files
ESTIMATORS: dict[str, dict[str, Any]] = {
    "gradient_boosting": {"max_iter": 10},
    "xgboost": {"n_estimators": 10, "max_leaves": 31, "max_depth": 0, "grow_policy": "lossguide"},
}
MEMORY_GB = {"gradient_boosting": None, "xgboost": 1}
# The most that all stages may take, by the estimator and how many times the sample's rows: in GiB
PEAKS = {("gradient_boosting", 30): 3.9, ("xgboost", 90): 2.0}


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """Each stage once at each scale with each estimator, and the exponents with which their times grow."""
    rows: list[int] = []
    seconds: dict[tuple[str, str], list[float]] = {}
    lines = []
    base = _with_xgboost(workspace)
    for scale in options.scales:
        count, measured = _measure(workspace, base, scale)
        rows.append(count)
        for estimator, runs in measured.items():
            peak = max(run.peak_bytes for run in runs.values()) / GIB
            total = Run(sum(run.seconds for run in runs.values()), 0, int(peak * GIB), "")
            for stage, taken in (runs | {TOTAL: total}).items():
                seconds.setdefault((estimator, stage), []).append(taken.seconds)
                found = f"{taken.seconds:.1f} s, {taken.peak_bytes / GIB:.2f} GiB"
                lines.append(Line(f"{scale}x, {count:,} rows, {estimator}: {stage}", found))
            if limit := PEAKS.get((estimator, scale)):
                lines.append(at_most(f"{scale}x, {estimator}: GiB at most", "", peak, limit))
    return lines + _growth(rows, seconds)


def _with_xgboost(workspace: Workspace) -> Project:
    """The project with XGBoost among its estimators."""
    project = workspace.project.copy(workspace.folder / "with-xgboost" / workspace.project.root.name)
    python = project.environment / "bin" / "python"
    run([tool("uv"), "pip", "install", "--quiet", "--python", python, XGBOOST], project.root, {"VIRTUAL_ENV": ""})
    with (project.root / PACKAGE / "model.py").open("a") as opened:
        opened.write('\nfrom modelyard import xgboost\n\nESTIMATORS["xgboost"] = xgboost\n')
    return project


def _measure(workspace: Workspace, base: Project, scale: int) -> tuple[int, dict[str, dict[str, Run]]]:
    """The number of rows, and for each estimator what each stage took; the data is taken once for all."""
    months = workspace.folder / f"times-{scale}"
    with ExitStack() as stack:
        project = stack.enter_context(base.scratch())
        project.python(BENCH / "month_files.py", months, "--copies", str(scale))
        stack.callback(shutil.rmtree, months)
        project.set_params({"source": {"kind": "files", "path": str(months / "*.parquet")}})
        ingest = project.stage("ingest")
        measured = {name: {"ingest": ingest} | _made(project, name, given) for name, given in ESTIMATORS.items()}
        taken = json.loads((project.root / "data" / "ledger.json").read_text())["periods"]
        return sum(period["rows"] for period in taken.values()), measured


def _made(project: Project, estimator: str, settings: Mapping[str, Any]) -> dict[str, Run]:
    model = {"estimator": estimator, estimator: settings}
    project.set_params({"model": model, "memory_gb": MEMORY_GB[estimator]})
    return {stage: project.stage(stage) for stage in STAGES[1:]}


def _growth(rows: list[int], seconds: Mapping[tuple[str, str], list[float]]) -> list[Line]:
    """The exponents over all scales and between the last two, where starting the processes counts least."""
    lines = []
    spans = {"over all scales": len(rows), "between the last two": 2}
    for span, scales in spans.items():
        if len(rows) < scales or scales < 2:
            continue
        for (estimator, stage), times in seconds.items():
            found = exponent(rows[-scales:], times[-scales:])
            what = f"growth of {stage} with {estimator} {span}"
            lines.append(at_most(what, "", found, LIMIT) if stage == TOTAL else Line(what, found=f"{found:.2f}"))
    return lines
