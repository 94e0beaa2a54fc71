"""Which estimators and transformers can be exported, how exactly, and how long the export takes for one row."""

from __future__ import annotations

import json
import sys

from .measure import run
from .options import Options
from .table import Line
from .workspace import TEMPLATE, Workspace

TITLE = "Builders of estimators, each on two real data sets: one row, and the largest difference"
LIMIT = 1e-9  # of the stage train
LEAST = 45  # builders that must work


def bench(workspace: Workspace, _: Options) -> list[Line]:
    """Each builder of the tests, for each task that it is for, hostile rows included."""
    tests = {"PYTHONPATH": str(TEMPLATE / "tests"), "OMP_NUM_THREADS": "1"}
    said = run([sys.executable, "-W", "ignore", "-m", "builders"], workspace.folder, tests).output
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    work = [one for one in found if not one["refused"] and one["difference"] <= LIMIT]
    whole = Line("builders that work", "", f"{len(work)} of {len(found)}", f"{LEAST}", len(work) >= LEAST)
    return [whole, *(_line(one) for one in found)]


def _line(one: dict) -> Line:
    if one["refused"]:
        return Line(one["builder"], "", f"refused before the fit: {one['refused'].removeprefix('model.py: ')}")
    kept = one["difference"] <= LIMIT
    return Line(one["builder"], f"{one['milliseconds']:.3f} ms", f"{one['difference']:.0e}", f"{LIMIT:.0e}", kept)
