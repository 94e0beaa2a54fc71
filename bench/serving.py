"""What the service answers with everything on, against what a team would otherwise run: FastAPI, pandas, scikit-learn.

The server has one core to itself and the load comes from another one, with wrk (`apt-get install wrk`).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
from pathlib import Path

from .load import Load, Server, Settings, start
from .measure import Failed, run
from .options import Options
from .table import Line
from .workspace import BENCH, PACKAGE, Project, Workspace, tool

TITLE = "The service"
CONNECTIONS = {1: 25, 8: 45, 64: 55}  # and how many times the tutorial's answers there must be at least
BATCH_LIMIT = 4.5  # times the tutorial's batches a second, as rows
P99_LIMIT, COLD_LIMIT, MEMORY_LIMIT = 5.0, 0.8, 110  # ms at 8 connections, s, MB
LINEAR_LIMIT = 0.8  # times the number of workers; the load takes the rest
MANY_CONNECTIONS = 64  # so that the kernel spreads them evenly over the workers
TEN_LIMIT = 1.3  # times the latency of one bundle, with ten side by side
ROWS = 1000
STARTS = 5
NAME = "flight-delays"
SERVE = ("-m", PACKAGE, "serve")


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """Single rows, batches, what each check costs, the start, and ten bundles beside each other."""
    if shutil.which("wrk") is None or len(os.sched_getaffinity(0)) < 2:
        raise Failed("the load needs a core of its own and wrk: install it, as in `apt-get install wrk`")
    made = Made(workspace)
    with made.service() as ours, made.tutorial() as theirs, made.service(count=10) as ten:
        lines = _singles(made, ours, theirs, options)
        lines += _batches(made, ours, theirs, options)
        lines.append(_ten(made, ours, ten, options))
        lines.append(_at_most("memory of the service after all that, MB", ours.memory_mb, MEMORY_LIMIT))
    return [*lines, _workers(made, options), _cold(made), *_parts(made)]


class Made:
    """A project with a model, the model of the tutorial, and the bodies that are sent."""

    def __init__(self, workspace: Workspace) -> None:
        self.project: Project = workspace.project.copy(workspace.folder / "served")
        for stage in ("ingest", "train", "evaluate", "bundle"):
            self.project.stage(stage)
        self.folder = workspace.folder / "serving"
        self.folder.mkdir()
        rows = json.loads((self.project.root / "bundle/probe.json").read_text())["rows"]
        batch = [rows[number % len(rows)] for number in range(ROWS)]
        columns = {name: [row.get(name) for row in batch] for name in batch[0]}
        self.row, self.rows = Load(rows[7]), Load({"rows": batch})
        self.columns = Load({"columns": columns})
        self.tutorial_row, self.tutorial_rows = Load([rows[7]]), Load(batch)
        self.keys = self.folder / "keys.json"
        command = ("-m", PACKAGE, "key", "bench", "--roles", "predict,read", "--file", self.keys)
        (self.key,) = (line for line in self.project.python(*command).output.splitlines() if " " not in line)
        self._number = 0

    def service(self, count: int = 1, workers: int = 1) -> Server:
        """The service with so many bundles and processes; access check, metrics and prediction log are on."""
        self._number += 1
        models = {NAME: {"bundle": str(self.project.root / "bundle")}}
        models |= {f"{NAME}-{number}": models[NAME] for number in range(1, count)}
        config = self.folder / f"serving-{self._number}.json"
        log = {"folder": str(self.folder / f"log-{self._number}"), "files": 4}
        Path(log["folder"]).mkdir()
        access = {"keys": str(self.keys)}
        settings = {"models": models, "default": NAME, "workers": workers, "access": access, "log": log}
        config.write_text(json.dumps(settings))
        command = (self._python, *SERVE, "--config", config, "--host", "127.0.0.1")
        return start(Settings(command, self.project.root, "/predict", self.key, cores=workers))

    def tutorial(self) -> Server:
        """The service of the tutorial; FastAPI is laid beside the project's packages, which have the rest."""
        beside = self.folder / "fastapi"
        if not beside.exists():
            install = (tool("uv"), "pip", "install", "--quiet", "--python", self._python, "--target", beside)
            run([*install, "fastapi"], self.folder)
            self.project.python(BENCH / "tutorial_model.py", self.folder / "model.joblib")
        command = (self._python, "-m", "uvicorn", "--no-access-log", "tutorial_service:app")
        path = {"PYTHONPATH": f"{beside}{os.pathsep}{BENCH}", "MODEL": str(self.folder / "model.joblib")}
        return start(Settings(command, self.folder, "/predict", "", path))

    @property
    def _python(self) -> Path:
        return self.project.environment / "bin/python"


def _singles(made: Made, ours: Server, theirs: Server, options: Options) -> list[Line]:
    lines = []
    for connections, limit in CONNECTIONS.items():
        rounds = [
            (ours.load(made.row, connections), theirs.load(made.tutorial_row, connections))
            for _ in range(options.repeats)
        ]
        this, other = (statistics.median(one.per_second for one in side) for side in zip(*rounds, strict=True))
        what = f"single rows at {connections} connections, a second"
        lines.append(Line(f"the tutorial: {what}", f"{other:,.0f}"))
        lines.append(_at_least(what, this, this / other, limit))
        if connections == 8:
            p99 = statistics.median(one.p99_ms for one, _ in rounds)
            lines.append(_at_most("slowest of a hundred at 8 connections, ms", p99, P99_LIMIT))
    failed = sum(ours.errors)
    return [*lines, Line("answers that were no 200, of all loads", f"{failed}", limit="0", kept=failed == 0)]


def _batches(made: Made, ours: Server, theirs: Server, options: Options) -> list[Line]:
    loads = ((ours, made.rows), (ours, made.columns), (theirs, made.tutorial_rows))
    rounds = [[server.load(load, 1).per_second for server, load in loads] for _ in range(options.repeats)]
    rows, columns, other = (statistics.median(one) for one in zip(*rounds, strict=True))
    return [
        Line(f"the tutorial: batches of {ROWS:,}, a second", f"{other:.1f}"),
        _at_least(f"batches of {ROWS:,} as rows, a second", rows, rows / other, BATCH_LIMIT),
        _at_least(f"batches of {ROWS:,} as columns, a second", columns, columns / other, rows / other),
    ]


def _ten(made: Made, one: Server, ten: Server, options: Options) -> Line:
    rounds = [[server.load(made.row, 8).mean_ms for server in (ten, one)] for _ in range(options.repeats)]
    many, single = (statistics.median(side) for side in zip(*rounds, strict=True))
    what = "latency at 8 connections with ten bundles beside each other, against one"
    return Line(what, f"{many:.2f} ms", f"{many / single:.2f}", f"{TEN_LIMIT:g}", many / single <= TEN_LIMIT)


def _workers(made: Made, options: Options) -> Line:
    """One process with the load beside it, and one on each core, where the load takes its part of the last one."""
    cores = len(os.sched_getaffinity(0))
    with made.service() as one, made.service(workers=cores) as each:
        rounds = [
            [server.load(made.rows, MANY_CONNECTIONS).per_second for server in (each, one)]
            for _ in range(options.repeats)
        ]
    many, single = (statistics.median(side) for side in zip(*rounds, strict=True))
    what = f"batches of {ROWS:,} as rows with {cores} workers on {cores} cores, a second, against one on one"
    return _at_least(what, many, many / single, LINEAR_LIMIT * cores)


def _cold(made: Made) -> Line:
    times = []
    for _ in range(STARTS):
        with made.service() as fresh:
            times.append(fresh.wait(made.row))
    took = statistics.median(times)
    return Line("from exec to the first answer", f"{took:.2f} s", limit=f"{COLD_LIMIT:g} s", kept=took <= COLD_LIMIT)


def _parts(made: Made) -> list[Line]:
    """What a single row pays for each part, inside the process."""
    printed = made.project.python(BENCH / "serving_parts.py", made.project.root / "bundle", made.keys, made.key).output
    found = json.loads(printed.splitlines()[-1])
    return [Line(f"one row in the process: {part}", f"{micros:.1f} µs") for part, micros in found.items()]


def _at_least(what: str, value: float, times: float, limit: float) -> Line:
    return Line(
        what, f"{value:,.0f}" if value >= 1000 else f"{value:.1f}", f"{times:.1f}", f"{limit:.3g}", times >= limit
    )


def _at_most(what: str, value: float, limit: float) -> Line:
    return Line(what, f"{value:.2f}", limit=f"{limit:g}", kept=value <= limit)
