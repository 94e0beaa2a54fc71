"""A Docker engine with the base image, and a project whose release is made with it once."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path
from typing import NoReturn

import pytest

from projects import Project, made_once, run

BASE = "base:raw"  # .ci/engine makes it
PATIENCE = 600  # seconds until it must be there: CI makes it beside the first tests


def docker(*arguments: str, ok: bool = True) -> str:
    """What Docker printed."""
    return run(["docker", *arguments], Path("/"), ok=ok)


def answers(*command: str) -> bool:
    """Whether a command of Docker succeeds."""
    return subprocess.run(["docker", *command], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="session")
def engine() -> str:
    """An engine that answers; the base image in it."""
    return needed()


def needed(*more: str) -> str:
    """The base image in an engine that answers, and has more images; else the test is skipped, and fails in CI."""
    try:
        there = answers("info")
    except FileNotFoundError:
        there = False
    if not there:
        refuse("no Docker engine answers; `.ci/engine` starts one")
    end = time.monotonic() + PATIENCE
    for image in (BASE, *more):
        if not answers("image", "inspect", image) and not os.environ.get("CI"):
            pytest.skip(f"there is no image {image}; `.ci/engine` makes it")
        while not answers("image", "inspect", image):
            assert time.monotonic() < end, f"there is no image {image} after {PATIENCE} s"
            time.sleep(2)
    return BASE


def refuse(why: str) -> NoReturn:
    """Skip the test, which fails in CI, where all that it needs has to be there."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


@pytest.fixture(scope="session")
def released(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone of a project in which version 1.2.0 was packaged, and its images in the engine."""
    project = made_once("classification", tmp_path_factory)
    shared = project.root.parent
    with (shared / "release.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = Project(shared / "release" / project.root.name)
        if not (found.root / "dist").is_dir():
            package(project, found.root, engine)
    return found


def package(project: Project, root: Path, base: str, version: str = "1.2.0") -> Project:
    """A clone of a project in a folder of its own, in which a version is packaged."""
    root.parent.mkdir(parents=True, exist_ok=True)
    run(["git", "clone", "--quiet", project.root, root], root.parent)
    run(["cp", "-r", *(project.root / name for name in ("bundle", "model", "evaluation")), root], root.parent)
    run(["cp", "-r", project.root / "data/periods", root / "data"], root.parent)
    (root / ".venv").symlink_to(project.root / ".venv")
    for name in ("uv.lock", "pyproject.toml"):
        os.utime(root / name, (0, 0))  # older than the environment, which make then leaves as it is
    made = Project(root)
    made.run("make", "gate", "ARGS=--no-champion")
    print(made.run("make", "package", f"VERSION={version}", env={"BASE_IMAGE": base}))
    return made
