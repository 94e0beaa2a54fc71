"""How long the join of features with history takes, and how much memory: by when a value became known."""

from __future__ import annotations

from .options import Options
from .table import Line
from .workspace import BENCH, Workspace

TITLE = "Features with history"
HEAD = ("what", "seconds", "GiB", "limit of the seconds, of the GiB", "kept")
ROWS, RECORDS, ENTITIES = 2_000_000, 5_000_000, 50_000
DEFINITIONS = {
    "newest": "the newest value",
    "mean": "the mean of 7 days",
    "count": "the number of 7 days",
    "fresh": "the number of 7 days, none of which may be older than 2",
    "distinct": "the number of different values of 7 days",
}
SECONDS, GIB = 6.0, 1.0


def bench(workspace: Workspace, _: Options) -> list[Line]:
    """The join of one feature of each kind with rows and records on disk, once, in a process of its own."""
    lines = []
    with workspace.project.scratch() as project:
        folder = project.root.parent / "history"
        project.python(BENCH / "history_rows.py", "write", folder, *map(str, (ROWS, RECORDS, ENTITIES)))
        for name, what in DEFINITIONS.items():
            told = project.python(BENCH / "history_rows.py", name, folder).output.split()
            seconds, gib = float(told[-2]), int(told[-1]) / 2**20
            where = f"{what}: {RECORDS / 1e6:g} million records, {ROWS / 1e6:g} million rows"
            cells = (f"{seconds:.1f}", f"{gib:.2f}", f"{SECONDS:g}, {GIB:g}")
            lines.append(Line(where, cells=cells, kept=seconds <= SECONDS and gib <= GIB))
    return lines
