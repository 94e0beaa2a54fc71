"""Clones of a project whose origin is beside them, and what a person does there."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from modelyard.cli import VERBS

FILES = {"settings": "pyproject.toml", "lock": "dvc.lock", "signers": "deploy/allowed_signers"}
BARE = {name: verb for group in VERBS.values() for name, verb in group.items() if verb.bare}


@dataclass
class Clone:
    """A clone of a project with a model, its origin beside it, and what a person does there."""

    root: Path
    moment: int = 1_767_225_600  # 2026-01-01T00:00:00Z

    def git(self, *arguments: str, ok: bool = True) -> str:
        """What git printed; dates are those of the clone's own clock."""
        dates = {"GIT_AUTHOR_DATE": f"{self.moment} +0000", "GIT_COMMITTER_DATE": f"{self.moment} +0000"}
        done = subprocess.run(
            ["git", "-C", self.root, *arguments],
            env={**os.environ, **dates},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == ok, done.stderr
        return done.stdout.strip()

    def commit(self, subject: str = "Change the model", push: bool = True, **files: str) -> str:
        """One more commit, on main unless something else is checked out; its hash."""
        count = len(self.git("rev-list", "--all").splitlines())
        (self.root / "evaluation").mkdir(exist_ok=True)
        metrics = {"holdout": {"roc_auc": {"value": 0.7 + count / 100, "low": 0.6, "high": 0.9}}}
        (self.root / "evaluation/metrics.json").write_text(json.dumps(metrics))
        for name, text in files.items():
            path = self.root / FILES[name]
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)
        if push:
            self.git("push", "--quiet", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, commit: str = "HEAD", *how: str) -> str:
        """Tag a commit and push it; the tag's object."""
        self.git("tag", *(how or ("--annotate", "--message", name)), name, commit)
        self.git("push", "--quiet", "origin", f"refs/tags/{name}")
        return self.git("rev-parse", f"refs/tags/{name}")

    def judge(self, verdict: str = "ships", bundle: str = "b" * 64) -> None:
        """Leave a verdict of the gate."""
        found = {"verdict": verdict, "reason": "all 2 rules of the policy are kept", "challenger": {"bundle": bundle}}
        (self.root / "reports").mkdir(exist_ok=True)
        (self.root / "reports/verdict.json").write_text(json.dumps(found))

    def release(self, name: str, commit: str = "HEAD") -> None:
        """Tag a commit, and register it as a release that went through."""
        self.tag(name, commit)
        self.judge(bundle=hashlib.sha256(name.encode()).hexdigest())
        self.run("register", "version", "--tag", name, "--image", f"example.org/flights@sha256:{'a' * 64}")

    def run(self, verb: str, *arguments: str) -> None:
        """A verb that needs no environment, run here at the clone's own time."""
        with contextlib.chdir(self.root), pytest.MonkeyPatch.context() as patch:
            for name in ("GH_TOKEN", "GITHUB_TOKEN", "GITHUB_ACTIONS", "GITHUB_RUN_ID", "GITHUB_OUTPUT"):
                patch.delenv(name, raising=False)
            patch.setenv("GIT_COMMITTER_DATE", f"{self.moment} +0000")
            importlib.import_module(f"modelyard.{BARE[verb].module}").main(list(arguments))


SETTINGS = '[project]\nname = "flights"\n\n[tool.modelyard]\ndeploy_target = "compose"\n'
OUT = "    - path: bundle\n      hash: md5\n      md5: 3bcffacec2c20ecbf2a176e843a6095d.dir\n"
LOCK = f"stages:\n  bundle:\n    outs:\n{OUT}"


@pytest.fixture(scope="session")
def first_commit(tmp_path_factory) -> Path:
    """An origin and a clone of it with one commit, made once and copied for each test."""
    top = tmp_path_factory.mktemp("clone")
    root = top / "clone"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", top / "origin.git"], check=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", root], check=True)
    made = Clone(root)
    for key, value in {"user.name": "Ada", "user.email": "ada@example.invalid", "commit.gpgSign": "false"}.items():
        made.git("config", key, value)
    made.git("remote", "add", "origin", "../origin.git")
    (root / ".gitignore").write_text("reports/\ndist/\n")
    made.commit("Generate the project", settings=SETTINGS, lock=LOCK)
    made.git("fetch", "--quiet")
    return top


@pytest.fixture(scope="session")
def new_clone(first_commit) -> Callable[[Path], Clone]:
    """Makes a clone of a project whose main has a model and no version yet, in a folder that is not there."""

    def make(folder: Path) -> Clone:
        shutil.copytree(first_commit, folder)
        return Clone(folder / "clone")

    return make


@pytest.fixture
def clone(new_clone, tmp_path) -> Clone:
    """A clone of a project whose main has a model and no version yet."""
    return new_clone(tmp_path / "at")
