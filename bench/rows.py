"""How time and memory grow with the rows."""

from __future__ import annotations

import json
import shutil

from .measure import Run, exponent
from .options import Options
from .table import Line, at_most
from .workspace import BENCH, Workspace

TITLE = "More rows"
STAGES = ("ingest", "train", "evaluate", "bundle")
TOTAL = "all stages"
LIMIT = 1.1
GIB = 2**30


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """Each stage once at each scale, and the exponents with which their times grow."""
    rows, lines = [], []
    seconds: dict[str, list[float]] = {stage: [] for stage in (*STAGES, TOTAL)}
    for scale in options.scales:
        count, runs = _measure(workspace, scale)
        rows.append(count)
        whole = Run(
            sum(run.seconds for run in runs.values()),
            sum(run.cpu_seconds for run in runs.values()),
            max(run.peak_bytes for run in runs.values()),
            "",
        )
        for stage, run in (runs | {TOTAL: whole}).items():
            seconds[stage].append(run.seconds)
            peak = f"{run.peak_bytes / GIB:.1f} GiB"
            lines.append(Line(f"{scale}x, {count:,} rows: {stage}", f"{run.seconds:.1f} s, {peak}"))
    return lines + _growth(rows, seconds)


def _measure(workspace: Workspace, scale: int) -> tuple[int, dict[str, Run]]:
    months = workspace.folder / f"times-{scale}"
    with workspace.project.scratch() as project:
        project.python(BENCH / "month_files.py", months, "--copies", str(scale))
        project.set_params({"source": {"kind": "files", "path": str(months / "*.parquet")}})
        runs = {stage: project.stage(stage) for stage in STAGES}
        shutil.rmtree(months)
        taken = json.loads((project.root / "data" / "ledger.json").read_text())["periods"]
        return sum(period["rows"] for period in taken.values()), runs


def _growth(rows: list[int], seconds: dict[str, list[float]]) -> list[Line]:
    """The exponents over all scales and between the last two, where starting the processes counts least."""
    lines = []
    spans = {"over all scales": len(rows), "between the last two": 2}
    for span, scales in spans.items():
        if len(rows) < scales or scales < 2:
            continue
        for stage, times in seconds.items():
            found = exponent(rows[-scales:], times[-scales:])
            what = f"growth of {stage} {span}"
            lines.append(at_most(what, "", found, LIMIT) if stage == TOTAL else Line(what, found=f"{found:.2f}"))
    return lines
