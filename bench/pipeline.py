"""What DVC costs: against the same work as one script, and against DVC with next to nothing to do."""

from __future__ import annotations

import re

from .measure import interleaved, run
from .options import Options
from .table import Line, ratio, seconds
from .workspace import BENCH, Project, Workspace

TITLE = "The pipeline"
COLD_LIMIT, NOTHING_LIMIT = 1.5, 1.2
STAGES = ("ingest", "train", "evaluate", "bundle")
AFTER_NEW_COST = ["evaluate", "bundle"]


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """From nothing to the bundle, from the bundle to the bundle, and after one change."""
    made = workspace.project.copy(workspace.folder / "made")
    scripted = workspace.project.copy(workspace.folder / "scripted")
    made.dvc("repro")
    scripted.python(BENCH / "single_script.py")
    return [
        *_from_nothing(workspace.project, options),
        Line("both make the same bundle", kept=_bundle(made) == _bundle(scripted)),
        *_nothing_to_do(made, _trivial(workspace), options),
        _one_change(made),
    ]


def _from_nothing(project: Project, options: Options) -> list[Line]:
    repro, script = interleaved(options.repeats, lambda: _repro(project), lambda: _script(project))
    return [
        Line("the same work as one script in one process", seconds(script)),
        ratio("`dvc repro` from nothing", repro, script, COLD_LIMIT),
    ]


def _repro(project: Project) -> float:
    with project.scratch() as fresh:
        return fresh.dvc("repro", "--no-run-cache").seconds


def _script(project: Project) -> float:
    with project.scratch() as fresh:
        return fresh.python(BENCH / "single_script.py").seconds


def _nothing_to_do(made: Project, trivial: Project, options: Options) -> list[Line]:
    ours, floor = interleaved(options.repeats, lambda: made.dvc("repro").seconds, lambda: trivial.dvc("repro").seconds)
    return [
        Line(f"`dvc repro` with nothing to do, {len(STAGES)} trivial stages", seconds(floor)),
        ratio("`dvc repro` with nothing to do, this pipeline", ours, floor, NOTHING_LIMIT),
    ]


def _trivial(workspace: Workspace) -> Project:
    """A repository with as many stages as the pipeline, each of which copies a small file."""
    trivial = Project(workspace.folder / "trivial", workspace.project.environment)
    trivial.root.mkdir()
    run(["git", "init", "--quiet"], trivial.root)
    trivial.dvc("init", "--quiet")
    stages = ["stages:"]
    for name in STAGES:
        (trivial.root / f"{name}.in").write_text(f"{name}\n")
        stages.append(f"  {name}: {{cmd: cp {name}.in {name}.out, deps: [{name}.in], outs: [{name}.out]}}")
    (trivial.root / "dvc.yaml").write_text("\n".join(stages) + "\n")
    trivial.dvc("repro")
    return trivial


def _one_change(made: Project) -> Line:
    made.set_params({"evaluate": {"false_negative_cost": 4}})
    ran = re.findall(r"Running stage '(\w+)'", made.dvc("repro").output)
    return Line(
        "stages that run after a change of `evaluate.false_negative_cost`",
        found=", ".join(ran),
        limit=", ".join(AFTER_NEW_COST),
        kept=ran == AFTER_NEW_COST,
    )


def _bundle(project: Project) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project.root / "bundle").iterdir()}
