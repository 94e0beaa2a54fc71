"""How long `score` takes for a file, and how much memory: the memory must not grow with the file."""

from __future__ import annotations

from .options import Options
from .table import Line, at_most
from .workspace import BENCH, PACKAGE, Workspace

TITLE = "Scoring files"
STAGES = ("ingest", "train", "evaluate", "bundle")
# The verb, and then its peak in KiB: `ru_maxrss` would have the memory of the process that started it too
SCORE = f"""
import re, runpy
from pathlib import Path
runpy.run_module({PACKAGE!r}, run_name="__main__")
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
LIMIT = 400  # MiB, whatever the file
GROWTH = 1.1  # times the memory for the smallest file


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """A CSV file of the sample's rows at each scale, into CSV. Scale 120 is a file of 5 GB."""
    lines, peaks = [], []
    with workspace.project.scratch() as project:
        for stage in STAGES:
            project.stage(stage)
        rows, answers = project.root.parent / "rows.csv", project.root.parent / "answers.csv"
        for scale in options.scales:
            count = int(project.python(BENCH / "score_rows.py", rows, str(scale)).output)
            size = rows.stat().st_size
            run = project.python("-c", SCORE, "score", rows, answers, "--bundle", "bundle")
            peaks.append(int(run.output.split()[-1]) / 1024)
            what = f"{count:,} rows, {size / 1e9:.2f} GB, {count / run.seconds:,.0f} rows a second"
            kept = peaks[-1] <= LIMIT
            lines.append(Line(what, f"{run.seconds:.1f} s", f"{peaks[-1]:.0f} MiB", f"{LIMIT} MiB", kept))
    growth = max(peaks) / peaks[0]
    return [*lines, at_most("memory for the largest file against that for the smallest", "", growth, GROWTH)]
