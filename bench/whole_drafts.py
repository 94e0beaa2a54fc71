"""What a newcomer does with a drafted project after the pipeline, set by set; no Python is edited.

All sets share the environment of the lock file, which is the same for all; each wheel is installed in a fresh one.
"""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from .draft_data import SETS
from .measure import Failed, run
from .options import Options
from .table import Line
from .workspace import PACKAGE, Project, Workspace, tool

TITLE = "Drafted models, the whole way: seconds of each step"
TRACEBACK = "Traceback (most recent call last)"
ROWS = 20  # of the source, asked over HTTP and of the wheel
CLOSE = 1e-12
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid")


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """A line for each set, of the projects that the group `drafts` left in the workspace."""
    return [_line(workspace, name) for name in options.sets or SETS]


def _line(workspace: Workspace, name: str) -> Line:
    root = workspace.folder / "drafts" / name
    if not (root / "bundle/manifest.json").exists():
        return Line(name, kept=False, cells=(*[""] * len(STEPS), "no bundle was drafted"))
    way = Way(Project(root, workspace.project.environment), workspace.folder / "sources" / f"{name}.csv")
    cells, failed = [], []
    for title, step in STEPS.items():
        started = time.perf_counter()
        try:
            step(way)
        except (Failed, ValueError, OSError) as error:
            failed.append(f"{title}: {_first(str(error))}")
        cells.append(f"{time.perf_counter() - started:.0f}")
    return Line(name, kept=not failed, cells=(*cells, "; ".join(failed).replace("|", "/")))


def _first(text: str) -> str:
    """The line of a failure that says what it is."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("error", "Error", "E  ", "FAILED"))]
    return (told or lines)[0]


class Way:
    """A drafted project on its way. Whatever says a traceback has failed, though its exit status be 0."""

    def __init__(self, project: Project, source: Path) -> None:
        self._project, self._source = project, source
        self._answers: list[dict[str, Any]] = []

    def report(self) -> None:
        """`make report`; then the model is main's."""
        self._make("report")
        if not (self._project.root / "reports/report.html").exists():
            raise Failed("no reports/report.html")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", "Draft the contract")

    def gate(self) -> None:
        """The commands of docs/pull-requests.md, with main's model on both sides, which must ship."""
        for target in ("data-diff", "champion", "gate", "report"):
            self._make(target)

    def test(self) -> None:
        """The project's own tests."""
        self._make("test")

    def lint(self) -> None:
        """Lock file, style, types and workflows."""
        self._make("lint")

    def serve(self) -> None:
        """`make serve`, and one request with rows of the source, as pandas writes them."""
        rows = self._rows()
        with self._project.served() as url:
            self._answers = _ask(url, {"rows": rows})
            one = _ask(url, rows[0])
        if not _equal(one, self._answers[:1]) or len(self._answers) != len(rows):
            raise Failed(f"one row is answered {one}, and as the first of {len(rows)} {self._answers[:1]}")

    def wheel(self) -> None:
        """`make wheel`, installed where nothing else is; it must answer as the service did."""
        root = self._project.root
        self._make("wheel")
        (wheel,) = (root / "dist").glob("*.whl")
        fresh = root.parent / f"{root.name}-wheel"
        run([tool("uv"), "venv", "--quiet", "--python", tool("python"), fresh], root)
        run([tool("uv"), "pip", "install", "--quiet", "--python", fresh / "bin/python", wheel], root)
        (fresh / "rows.json").write_text(json.dumps(self._rows()))
        command = [fresh / "bin" / PACKAGE.replace("_", "-"), "predict", fresh / "rows.json"]
        answered = [json.loads(line) for line in _clean(run(command, fresh).output).splitlines()]
        if not _equal(answered, self._answers):
            raise Failed(f"the wheel answers {answered[:1]}, the service {self._answers[:1]}")

    def pull_request(self) -> None:
        """Another estimator on a branch, judged against main's; it may be blocked, with a verdict."""
        self._git("switch", "--quiet", "--create", "linear")
        self._project.set_params({"model": {"estimator": "linear"}})
        self._make("pipeline")
        self._git("commit", "--quiet", "--all", "--message", "Try a linear model")
        for target in ("data-diff", "champion", "report"):
            self._make(target)
        verdict = self._project.root / "reports/verdict.json"
        verdict.unlink(missing_ok=True)
        try:
            self._make("gate")
        except Failed as error:
            if TRACEBACK in str(error) or json.loads(verdict.read_text())["verdict"] != "blocked":
                raise
        self._make("report")

    def _rows(self) -> list[dict[str, Any]]:
        """The last rows of the source, without target and unused columns."""
        columns = yaml.safe_load((self._project.root / "contract.yaml").read_text())["columns"]
        asked = [name for name, column in columns.items() if column.get("role", "feature") not in ("target", "unused")]
        return json.loads(pd.read_csv(self._source)[asked].tail(ROWS).to_json(orient="records", double_precision=15))

    def _make(self, target: str) -> None:
        _clean(self._project.make(target).output)

    def _git(self, *arguments: str) -> None:
        run([*GIT, *arguments], self._project.root)


def _clean(output: str) -> str:
    if TRACEBACK in output:
        raise Failed(output[output.index(TRACEBACK) :].strip().splitlines()[-1])
    return output


def _ask(url: str, body: object) -> list[Any]:
    """What the service at an address predicts. Raises Failed with the answer that is no success."""
    request = urllib.request.Request(f"{url}/predict", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["predictions"]
    except urllib.error.HTTPError as error:
        raise Failed(f"error: /predict answered {error.code}: {error.read().decode()[:300]}") from None


def _equal(these: Any, those: Any) -> bool:
    """Whether two answers are the same; numbers may differ by rounding."""
    if isinstance(these, dict) and isinstance(those, dict):
        return these.keys() == those.keys() and all(_equal(these[key], those[key]) for key in these)
    if isinstance(these, list) and isinstance(those, list):
        return len(these) == len(those) and all(map(_equal, these, those))
    if isinstance(these, float) and isinstance(those, float):
        return math.isclose(these, those, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(these == those)


STEPS: dict[str, Callable[[Way], None]] = {
    "report": Way.report,
    "gate": Way.gate,
    "test": Way.test,
    "lint": Way.lint,
    "serve": Way.serve,
    "wheel": Way.wheel,
    "pull request": Way.pull_request,
}
HEAD = ("data set", *STEPS, "what failed", "passed")
