"""A project and what is done with it: pipeline, tests, gate, proof, releases, production and settings on GitHub.

All of it is done by the library's own commands. What a workflow would do is done here with its variables.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from library.conftest import Workspace, lay_out
from library.github_server import REPOSITORY, GitHub
from library.library_versions import vendor
from library.maturity.left import leave
from library.production import answered
from library.production.answered import answer_days, days, rows_of, spread_over
from library.production.test_monitor import by_request
from modelyard.deploying.trial import Counts, Trial
from modelyard.deploying.trial import judge as judge_trial
from modelyard.github.doctor import main as doctor
from modelyard.github.incident import main as incident
from modelyard.judging.canary import Canary
from modelyard.judging.gate import main as gate
from modelyard.maturity.evidence import gather
from modelyard.maturity.found import JudgedItem
from modelyard.maturity.items import judge
from modelyard.maturity.reports import COSTS
from modelyard.production.labels import join
from modelyard.production.monitor import main as monitor
from modelyard.production.retrain import main as retrain
from modelyard.production.store import Store
from modelyard.proving.prove import main as prove
from modelyard.releasing.registry.register import main as register
from modelyard.runtime.project import Project
from modelyard.training.edit import edit_yaml
from modelyard.training.tune import main as tune
from sample import INSTALLED, SAMPLE

from flight_delays import project as flights_project

FILES = {
    ".dvcignore": "__pycache__/\n",
    ".gitignore": "__pycache__/\n/reports/\n/build/\n/store/\n/bundle\n/data/periods\n/data/.seen.json\n"
    "/model/model.onnx\n/model/validation.parquet\n/evaluation/predictions.parquet\n/dist/\n/tuning/\n.pytest_cache/\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvc/config": "[core]\n    analytics = false\n",
    "CODEOWNERS": "/policy.yaml @acme/data\n",
}
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid")
PYTEST = '\n[tool.pytest.ini_options]\nmodelyard_package = "{package}"\n'
WEEKS = {"first": ("2026-03-02", 3), "second": ("2026-03-23", 2)}  # in which each version answers
EACH = 120  # rows a day
UNTIL = datetime.datetime(2026, 4, 15)
GROUPS = "\n## Groups of people\n\nThe model was compared for each `{column}`; none is treated worse.\n"
GITHUBS = {"GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.com"}  # who merges there
IMAGE = f"ghcr.io/acme/model@sha256:{'a' * 64}"


@dataclass
class Practice:
    """A project in a repository with an origin beside it."""

    workspace: Workspace
    runs: int = 0

    @property
    def root(self) -> Path:
        """Its folder."""
        return self.workspace.root

    @property
    def store(self) -> Store:
        """Where production's logs are."""
        return Store(str(self.root.parent / "store"))

    def git(self, *arguments: str) -> str:
        """What git printed."""
        command = ["git", "-C", str(self.root), *IDENTITY, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def commit(self, message: str, merged: bool = False) -> None:
        """Commit everything on main, by hand or as GitHub merges a pull request, and push it."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (GITHUBS if merged else {}).items():
                patch.setenv(name, value)
            self.git("add", "--all")
            self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("push", "--quiet", "--force", "origin", "HEAD:main")

    @property
    def left(self) -> Path:
        """What workflows' runs have left, as GitHub keeps it for a while."""
        return self.root.parent / "left"

    def keep(self, *names: str) -> None:
        """Move files of reports/ to what a run has left; the machine of the run is gone."""
        for name in names:
            path = self.left / name
            path.parent.mkdir(parents=True, exist_ok=True)
            (self.root / "reports" / name).rename(path)

    def in_workflow(self, file: str) -> contextlib.AbstractContextManager[str]:
        """As in a new run of a workflow; the run's address."""
        self.runs += 1
        return workflow(file, self.runs)

    def test(self) -> None:
        """Run the project's own tests of features, estimators and the service."""
        names = [f"tests/test_{name}.py" for name in ("features", "model", "service")]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "modelyard.testing.plugin",
            "--junitxml=reports/junit.xml",
        ]
        done = subprocess.run([*command, *names], cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    def gate(self) -> None:
        """Judge the model; there is no champion."""
        with contextlib.chdir(self.root), pytest.raises(SystemExit):
            gate(["--no-champion"], self.workspace.project)

    def prove(self) -> None:
        """Retrain the commit."""
        with contextlib.chdir(self.root), pytest.raises(SystemExit) as ended:
            prove([], self.workspace.project)
        assert ended.value.code == 0

    def tune(self) -> None:
        """Search for settings, and leave those that are there."""
        with contextlib.chdir(self.root):
            tune(["--trials", "1"], self.workspace.project)
        self.git("checkout", "--quiet", "params.yaml")

    def release(self, version: str) -> None:
        """Tag HEAD and register it, with the gate's verdict and the proof that are here."""
        self.git("tag", "--annotate", "--message", version, version)
        self.git("push", "--quiet", "origin", f"refs/tags/{version}")
        with contextlib.chdir(self.root):
            register(["version", "--tag", version, "--image", IMAGE])

    def upgrade(self, version: str, verdict: str) -> None:
        """Release HEAD by a workflow, and bring it into production."""
        with self.in_workflow("release"):
            self.release(version)
        with self.in_workflow("deploy"):
            self.assign("staging", version, "deployed, and the smoke test passed")
            self.assign("production", version, verdict)

    def assign(self, stage: str, version: str, verdict: str) -> None:
        """Register a version as live in a stage."""
        with contextlib.chdir(self.root):
            register(["stage", stage, "--version", version, "--verdict", verdict])

    def answer(self, weeks: str) -> None:
        """Weeks of answered rows in production, with their labels."""
        first, count = WEEKS[weeks]
        parts = spread_over(rows_of(self.workspace), days(first, 7 * count), EACH)
        answered._facts.cache_clear()  # the bundle of this folder may be another one since
        answer_days(self.store, self.workspace, parts)
        given = [by_request(day, rows, self.workspace.contract) for day, rows in parts.items()]
        join(self.store, given, datetime.datetime(2026, 4, 12), self.root)

    def monitor(self) -> None:
        """Say how the model does in production, and whether to retrain."""
        with contextlib.chdir(self.root):
            monitor(["--until", UNTIL.isoformat()], self.workspace.project)
            retrain(["--due", "--until", UNTIL.date().isoformat()], self.workspace.project)

    def judge(self) -> dict[str, JudgedItem]:
        """The items, by their keys."""
        with contextlib.chdir(self.root):
            return {one.key: one for one in judge(gather(self.workspace.project, Path()))}

    def states(self) -> dict[str, str]:
        """The state of each item."""
        return {key: one.state for key, one in self.judge().items()}

    def copy(self, folder: Path) -> Practice:
        """The same in another folder, with its origin and its store."""
        shutil.copytree(self.root.parent, folder, symlinks=True)
        return Practice(Workspace(folder / self.root.name, self.workspace.project), self.runs)


@contextlib.contextmanager
def workflow(file: str, number: int) -> Iterator[str]:
    """The variables of a run."""
    with pytest.MonkeyPatch.context() as patch:
        values = {"SERVER_URL": "https://github.com", "REPOSITORY": REPOSITORY, "RUN_ID": str(number), "ACTOR": "ada"}
        for name, value in values.items():
            patch.setenv(f"GITHUB_{name}", value)
        patch.setenv("GITHUB_WORKFLOW", file)
        yield f"https://github.com/{REPOSITORY}/actions/runs/{number}"


def begin(root: Path, project: Project) -> Practice:
    """The project in a folder as it is generated, its pipeline not run yet, in a repository with an origin."""
    for name in (".github", "tests"):
        shutil.copytree(SAMPLE / name, root / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    stages = root / "dvc.yaml"
    stages.write_text(stages.read_text().replace("flight_delays", project.name))
    settings = root / "pyproject.toml"
    if "modelyard_package" not in settings.read_text():
        settings.write_text(settings.read_text() + PYTEST.format(package=project.name))
    vendor(root)
    practice = Practice(Workspace(root, project))
    origin = root.parent / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", origin], check=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", root], check=True)
    for key, value in {"user.name": "Ada", "user.email": "ada@example.invalid"}.items():
        practice.git("config", key, value)
    practice.git("remote", "add", "origin", "../origin.git")
    practice.commit("Generate the project")
    practice.git("fetch", "--quiet")
    return practice


def flights(root: Path, table: pa.Table) -> Practice:
    """The sample's project for regression, on some of its rows."""
    lay_out(root, table, "delay")
    package = flights_project.name
    shutil.copytree(SAMPLE / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(INSTALLED, root, dirs_exist_ok=True)
    shutil.copyfile(SAMPLE / "pyproject.toml", root / "pyproject.toml")
    return begin(root, flights_project)


def run_pipeline(practice: Practice) -> None:
    """Run all stages with DVC."""
    command = [sys.executable, "-m", "dvc", "repro"]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=practice.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


def first_release(practice: Practice, proven: bool) -> None:
    """The project's tests by a person, and the first release and deployment by the workflows.

    proven: whether a person has also searched for settings, and the release proven the commit.
    """
    practice.test()
    practice.gate()
    if proven:
        practice.tune()
        practice.prove()
    with practice.in_workflow("release"):
        practice.release("v1.0.0")
    with practice.in_workflow("deploy"):
        practice.assign("staging", "v1.0.0", "deployed, and the smoke test passed")
        practice.assign("production", "v1.0.0", "1.0.0 serves alone")
    practice.keep("verdict.json", *(["prove.json"] if proven else []))


def promoted() -> str:
    """The reason for which a canary is promoted that answers as stable does."""
    counts = Counts(2000, 2, 0, 2000, 5, (500, 1000, 500))
    _, decision = judge_trial(Canary(), Trial(counts, counts, looks=4), 10.0)
    assert decision.word == "promote"
    return decision.reason


def watch(practice: Practice) -> None:
    """Production, watched by the workflow: the first version, then one with another contract and a fuller card."""
    store = {"store": str(practice.store.folder), "maturity_days": 7}
    edit_yaml(practice.root / "policy.yaml", {"monitor": store})
    practice.commit("Watch production")
    practice.answer("first")
    with practice.in_workflow("monitor"):
        practice.monitor()
    edit_yaml(practice.root / "contract.yaml", {"description": "Flights out of New York, told once more"})
    with (practice.root / "docs/model-card.md").open("a") as card:
        card.write(GROUPS.format(column=practice.workspace.contract.slices[0]))
    run_pipeline(practice)
    practice.commit("Change the contract", merged=True)
    practice.gate()
    practice.upgrade("v1.1.0", f"1.1.0 serves alone: {promoted()}")
    practice.answer("second")
    with practice.in_workflow("monitor"):
        practice.monitor()
    (practice.root / "reports/params.patch").touch()  # as tune.yml leaves what it would change: nothing
    practice.keep("params.patch", "junit.xml", "verdict.json", "monitor.json", "retrain.json", *COSTS)


def go_back(practice: Practice) -> None:
    """Take the second version back."""
    with practice.in_workflow("deploy"):
        practice.assign("production", "v1.0.0", "1.0.0 serves alone")


def set_up(practice: Practice, github: GitHub) -> None:
    """The settings on GitHub, as doctor applies them, and an alert of the service that became an issue."""
    github.accounts["orgs/acme/teams/data"] = {"id": 70, "slug": "data"}
    github.repository |= {"full_name": REPOSITORY}
    with contextlib.chdir(practice.root), contextlib.suppress(SystemExit):
        doctor(["--repository", REPOSITORY, "--apply"])
    alert = {
        "key": "alert:Slow",
        "status": "firing",
        "subject": "Slow",
        "summary": "one in 20 takes 300 ms",
        "lines": [],
    }
    event = practice.root.parent / "event.json"
    event.write_text(json.dumps({"client_payload": alert}))
    incident(["--alert", str(event)])


def hand_over(practice: Practice, github: GitHub) -> None:
    """Let GitHub have what the runs left, as their workflows upload it."""
    artifacts = {
        "tests-3.13": ["reports/junit.xml", "coverage.xml"],
        "proof": ["prove.json"],
        "report": ["verdict.json", *COSTS],
        "monitoring": ["monitor.json", "retrain.json"],
        "tuning": ["params.patch"],
    }
    for number, (artifact, names) in enumerate(artifacts.items(), 1):
        paths = {name: practice.left / name.removeprefix("reports/") for name in names}
        files = {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
        if files:
            leave(github, artifact, files, number)
