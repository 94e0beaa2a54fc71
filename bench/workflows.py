"""What the workflows cost: the real files under act on the local GitHub, against the commands that they run."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time

from .measure import interleaved, run
from .options import Options
from .table import Line, at_most, ratio, seconds
from .workspace import TEMPLATE, Workspace, tool

sys.path.insert(0, str(TEMPLATE / "tests"))  # the local GitHub is the tests'
from workflows.local import GitHub, PullRequest, Repository, Run

TITLE = "Workflows"
WARM_LIMIT, DOCS_LIMIT = 1.3, 0.1
NAME = "octo/flight-delays"
# What the job `train` runs, each step a command
COMMANDS = ("make setup", "make pull", "make pipeline", "make champion", "make gate", "make stale", "make report")
EVERYTHING = ("ci.yml", "train.yml", "report.yml")
CODE = ("Makefile", "# Every command", "# All commands")
MODEL = ("params.yaml", "max_leaf_nodes: 31", "max_leaf_nodes: 30")


class Hosted:
    """A project whose main was pushed and run, so that its caches are warm, and a clone of it with such a cache."""

    def __init__(self, workspace: Workspace) -> None:
        self.root = workspace.folder / "hosted/flight-delays"
        self.root.parent.mkdir()
        shutil.copytree(workspace.project.root, self.root, ignore=shutil.ignore_patterns(".venv"))
        self._run("uv", "lock", "--quiet")
        self._run("make", "pipeline")
        self._run("git", "add", "--all")
        who = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
        self._run("git", *who, "commit", "--quiet", "--message", "Run the pipeline")
        self.github = GitHub(workspace.folder / "github")
        self.repository: Repository = self.github.create(NAME)
        self.github.push(self.repository, "main", self.root)
        self._deliver("train.yml")
        self._number = 0

    def pull_request(self, files: dict[str, str], *workflows: str) -> float:
        """How long the runs of a pull request take that changes these files."""
        self._open(files)
        start = time.perf_counter()
        self._deliver(*workflows)
        return time.perf_counter() - start

    def proposed_and_merged(self, files: dict[str, str]) -> tuple[list[Run], list[Run]]:
        """All runs of a pull request that changes these files, and those of main once it is merged."""
        pull = self._open(files)
        proposed = self._deliver(*EVERYTHING)
        self.github.merge(pull)
        return proposed, self._deliver(*EVERYTHING)

    def edit(self, path: str, old: str, new: str) -> dict[str, str]:
        """A file with a change in it."""
        return {path: (self.root / path).read_text().replace(old, new, 1)}

    def bare(self) -> float:
        """How long the commands of the job `train` take in a fresh clone with a warm cache."""
        clone = self.root.parent / "clone/flight-delays"
        shutil.rmtree(clone.parent, ignore_errors=True)
        clone.parent.mkdir()
        start = time.perf_counter()
        run(["git", "clone", "--quiet", self.root, clone], clone.parent)
        shutil.copytree(self.root / ".dvc/cache", clone / ".dvc/cache")
        for command in COMMANDS:
            run([*command.split(), *(["REF=HEAD"] if "champion" in command else [])], clone, _path())
        return time.perf_counter() - start

    def _open(self, files: dict[str, str]) -> PullRequest:
        self._number += 1
        branch = f"change-{self._number}"
        self.github.push(self.repository, branch, files)
        return self.github.open_pull_request(self.repository, branch)

    def _deliver(self, *workflows: str) -> list[Run]:
        done = self.github.deliver(only=set(workflows))
        if failed := [one for one in done if one.conclusion not in ("success", "skipped")]:
            raise RuntimeError(f"{failed[0].file} ended with {failed[0].conclusion}:\n{failed[0].log[-3000:]}")
        return done

    def _run(self, *command: str) -> None:
        run(command, self.root, _path())


def _path() -> dict[str, str]:
    return {"PATH": f"{tool('uv').parent}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": ""}


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """Pull requests that leave the model as it is, that change documents alone, and that change the model."""
    hosted = Hosted(workspace)
    try:
        warm, bare = interleaved(
            options.repeats, lambda: hosted.pull_request(hosted.edit(*CODE), "train.yml"), hosted.bare
        )
        texts = [{"README.md": f"# Flights {number}\n"} for number in range(options.repeats)]
        docs = statistics.median(hosted.pull_request(text, *EVERYTHING) for text in texts)
        model = hosted.pull_request(hosted.edit(*MODEL), *EVERYTHING)
    finally:
        hosted.github.stop()
    return [
        Line("the commands of `train.yml` in a fresh clone, warm cache", seconds(bare)),
        ratio("`train.yml` on a pull request, warm cache", warm, bare, WARM_LIMIT),
        Line("all workflows on a pull request that changes the model (once)", seconds(model)),
        at_most("all workflows on one that changes documents alone", seconds(docs), docs / model, DOCS_LIMIT),
    ]
