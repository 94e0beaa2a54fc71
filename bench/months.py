"""Whether a month costs a month: taking one more month after twelve against taking one more after three."""

from __future__ import annotations

from pathlib import Path

from .measure import interleaved
from .options import Options
from .table import Line, ratio, seconds
from .workspace import BENCH, Project, Workspace

TITLE = "One more month"
LIMIT = 1.3
TIMED = ("ingest", "evaluate", "bundle")


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """A source with a file for each of thirteen months; the fourth and the thirteenth month have the same rows."""
    months = workspace.folder / "months"
    workspace.project.python(BENCH / "month_files.py", months, "--again")
    short = _up_to_date(workspace.project.copy(workspace.folder / "short"), months, "2013-03")
    long = _up_to_date(workspace.project.copy(workspace.folder / "long"), months, "2013-12")
    after_three, after_twelve = interleaved(
        options.repeats, lambda: _advance(short, "2013-04"), lambda: _advance(long, "2014-01")
    )
    return [
        Line("one more month after 3, all stages but `train`", seconds(after_three)),
        ratio("the same month after 12, all stages but `train`", after_twelve, after_three, LIMIT),
    ]


def _up_to_date(project: Project, months: Path, watermark: str) -> Project:
    source = {"kind": "files", "path": str(months / "*.parquet")}
    project.set_params({"source": source, "watermark": watermark})
    for stage in ("ingest", "train", *TIMED[1:]):
        project.stage(stage)
    return project


def _advance(project: Project, watermark: str) -> float:
    with project.scratch() as advanced:
        advanced.set_params({"watermark": watermark})
        runs = {stage: advanced.stage(stage) for stage in ("ingest", "train", "evaluate", "bundle")}
        return sum(runs[stage].seconds for stage in TIMED)
