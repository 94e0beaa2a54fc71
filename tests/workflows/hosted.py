"""A generated project on the local GitHub, as it is some time after its first push: main has a model and a cache."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from projects import Project, made_small

from .local import GitHub, PullRequest, Repository, Run
from .local.state import Cache

NAME = "octo/flight-delays"
MODEL = ("train.yml", "report.yml", "review.yml")
REQUIRED = ["ci", "model"]


@dataclass
class Hosted:
    """A repository, its GitHub, and the project that was pushed to it."""

    github: GitHub
    repository: Repository
    project: Project

    def edit(self, path: str, old: str, new: str) -> dict[str, str]:
        """A file of main with a change in it, as `push` takes it."""
        text = (self.project.root / path).read_text()
        assert old in text, f"{path} has no {old!r}"
        return {path: text.replace(old, new, 1)}

    def propose(self, branch: str, files: Mapping[str, str | bytes | None], fork: bool = False) -> PullRequest:
        """A pull request that changes these files, from a branch of this repository or of a fork."""
        source = self.github.create("stranger/flight-delays", fork_of=NAME) if fork else self.repository
        self.github.push(source, branch, files, f"Change {branch}")
        return self.github.open_pull_request(self.repository, branch, fork=source if fork else False)

    def push(self, branch: str, files: Mapping[str, str | bytes | None]) -> None:
        """One more commit on a branch."""
        self.github.push(self.repository, branch, files, f"Change {branch} again")

    def deliver(self, files: Collection[str] = MODEL, env: Mapping[str, str] | None = None) -> list[Run]:
        """Run the workflows of these files until nothing is left to do."""
        return self.github.deliver(only=set(files), env=env)

    def poison(self, folder: Path) -> None:
        """Replace the DVC cache of main by another one."""
        for cache in self.github.caches(self.repository):
            with tarfile.open(cache.path) as archive:
                inside = [name for name in archive.getnames() if name.endswith(".dvc/cache")]
            if inside:
                with tarfile.open(cache.path, "w") as archive:
                    archive.add(folder, inside[0])

    def train(self, pull: PullRequest, env: Mapping[str, str] | None = None) -> Run:
        """The last run of train.yml that an open or changed pull request leads to, after its report was posted."""
        runs = [run for run in self.deliver(env=env) if run.file == "train.yml"]
        assert runs, f"nothing ran for pull request {pull.number}"
        return runs[-1]


def tagged(hosted: Hosted, clone: Project, name: str, *how: str, commit: str = "HEAD") -> None:
    """Tag a commit of a clone, and push that tag as a person."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
    clone.git(*who, "tag", "--force", *(how or ("--annotate", "--message", name)), name, commit)
    hosted.github.tag(hosted.repository, name, clone.root)


def tags(hosted: Hosted) -> set[str]:
    """All tags on GitHub."""
    return {ref.removeprefix("refs/tags/") for ref in hosted.repository.refs() if ref.startswith("refs/tags/")}


def step(run: Run, job: str, name: str) -> str:
    """How a step of a job ended."""
    return run.jobs[job].steps[name]


def why(*runs: Run) -> str:
    """The steps of these runs that failed, and the end of what their jobs printed."""
    failed = [(run.file, job) for run in runs for job in run.jobs.values() if job.conclusion == "failure"]
    return "\n\n".join(
        f"{file}, {job.name}: {[name for name, ended in job.steps.items() if ended == 'failure']}\n{job.log[-4000:]}"
        for file, job in failed
    )


def share_bytecode(github: GitHub, project: Project) -> None:
    """Let the environments of runs begin with what the project's own has compiled."""
    (packages,) = (project.root / ".venv/lib").glob("python*/site-packages")
    github.env["LOCAL_GITHUB_BYTECODE"] = str(packages)


def share_environment(github: GitHub, project: Project) -> None:
    """Let the jobs of this process, which run one after the other, have one environment, which each one syncs."""
    share_bytecode(github, project)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    github.env["LOCAL_GITHUB_ENVIRONMENT"] = str(project.root.parent / f"environment-{worker}")


def push_of_main(github: GitHub, project: Project) -> Repository:
    """The project on the local GitHub, with what its push starts forgotten."""
    share_environment(github, project)
    repository = github.create(NAME)
    github.push(repository, "main", project.root)
    github.deliver(only=())
    return repository


def seeded(factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """A project, and what the run of train.yml for the push of its main left: made once for all workers."""
    project = made_small(factory)
    kept = project.root.parent / "main"
    with (project.root.parent / "main.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "run.json").is_file():
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir()
            _keep_the_run_of_main(project, factory.mktemp("first"), kept)
    return project, kept


def _keep_the_run_of_main(project: Project, folder: Path, kept: Path) -> None:
    github = GitHub(folder)
    try:
        share_environment(github, project)
        repository = github.create(NAME)
        github.push(repository, "main", project.root)
        (run,) = github.deliver(only={"train.yml"})
        for cache in github.caches(repository):
            shutil.copyfile(cache.path, kept / cache.path.name)
        caches = [asdict(cache) | {"path": cache.path.name} for cache in github.caches(repository)]
        told = {"conclusion": run.conclusion, "log": run.log, "summary": run.summary, "caches": caches}
        told["jobs"] = {name: asdict(job) for name, job in run.jobs.items()}
        (kept / "run.json").write_text(json.dumps(told))
    finally:
        github.stop()


def restore_caches(github: GitHub, repository: Repository, kept: Path) -> None:
    """Give the repository the caches that main's run saved."""
    told = json.loads((kept / "run.json").read_text())
    for cache in told["caches"]:
        path = github.root / cache["path"]
        shutil.copyfile(kept / cache["path"], path)
        github.caches(repository).append(Cache(**cache | {"path": path}))
