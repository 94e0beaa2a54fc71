"""What the gate costs, with the report that shows its verdict, and how often it blocks a model that is as good."""

from __future__ import annotations

import json
import shutil

from .measure import interleaved
from .options import Options
from .table import Line, seconds
from .workspace import BENCH, PACKAGE, Project, Workspace

TITLE = "The gate"
GATE_LIMIT, BOTH_LIMIT = 5.0, 8.0  # seconds
FORESTS = 20
RATE_LIMIT = 0.06  # half of 5 % for the whole and as much for all slices together, and what so few pairs are off
WEAKER = {"model": {"gradient_boosting": {"learning_rate": 0.02}}}  # a champion that the default model beats


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """Both on the sample's whole holdout, after DVC made the model; the rate on random forests on a part of it."""
    judged = _judged(workspace)
    gate, report = interleaved(
        options.repeats,
        lambda: judged.python("-m", PACKAGE, "gate").seconds,
        lambda: judged.python("-m", PACKAGE, "report").seconds,
    )
    rows = json.loads((judged.root / "reports/verdict.json").read_text())["comparison"]["rows"]
    return [
        _within(f"`make gate` on {rows:,} holdout rows", gate, GATE_LIMIT),
        Line("`make report`", seconds(report)),
        _within("both together", gate + report, BOTH_LIMIT),
        _equal_models(workspace),
    ]


def _judged(workspace: Workspace) -> Project:
    """A project with a model and a champion beside it."""
    judged = workspace.project.copy(workspace.folder / "judged")
    judged.stage("ingest")
    with judged.scratch() as weaker:
        weaker.set_params(WEAKER)
        for stage in ("train", "evaluate", "bundle"):
            weaker.stage(stage)
        shutil.copytree(weaker.root / "bundle", judged.root / "champion/bundle")
    for stage in ("train", "evaluate", "bundle"):
        judged.stage(stage)
    return judged


def _equal_models(workspace: Workspace) -> Line:
    with workspace.project.scratch() as project:
        found = json.loads(project.python(BENCH / "equal_models.py", str(FORESTS)).output.splitlines()[-1])
    rate = found["blocked"] / found["pairs"]
    what = f"blocked of {found['pairs']} pairs of forests that differ by their seed alone, on a flight of twenty"
    return Line(what, found=f"{rate:.1%}", limit=f"{RATE_LIMIT:.0%}", kept=rate <= RATE_LIMIT)


def _within(what: str, time: float, limit: float) -> Line:
    return Line(what, seconds(time), limit=f"{limit:g} s", kept=time <= limit)
