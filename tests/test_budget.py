"""A fresh project fits in one sitting: so many files, lines and tests, and no more.

What its pipeline makes comes on top, and uv.lock and the library's wheel are nothing that a person reads.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from teams import python

from projects import generate

TESTS = 60
# A project that is deployed holds what watches it, and one on Kubernetes the manifests of two stages as well
FILES = {"compose": 100, "kubernetes": 120, "none": 80}
LINES = {"compose": 4_000, "kubernetes": 4_500, "none": 3_100}
# One that trains and tunes on more than one machine holds the cluster's files, and the workflow that spreads a search
CLUSTER_FILES, CLUSTER_LINES = 10, 400
LOCK = 1  # the file that is left out where a project is generated without a network
LINES_OF = {"dvc.yaml": 80, "README.md": 120}


@pytest.fixture(scope="module", params=FILES)
def target(request: pytest.FixtureRequest) -> str:
    """A way to deploy."""
    return request.param


@pytest.fixture(scope="module", params=["one-machine", "cluster"])
def scale(request: pytest.FixtureRequest) -> str:
    """Where training and tuning run."""
    return request.param


@pytest.fixture(scope="module")
def fresh(target: str, scale: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as it is generated, committed and without uv.lock, for one way to deploy and one scale."""
    folder = tmp_path_factory.mktemp(target)
    project, _ = generate(folder, {"deploy_target": target, "scale": scale}, {"MODELYARD_NO_LOCK": "1"})
    return project.root


def tracked(root: Path) -> list[str]:
    """The files that Git tracks."""
    printed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    return printed.rstrip("\0").split("\0")


def lines(path: Path) -> int:
    """As `wc -l` counts them."""
    return path.read_bytes().count(b"\n")


def test_the_files(fresh, target, scale):
    names = tracked(fresh)
    assert "uv.lock" not in names
    most = FILES[target] + (CLUSTER_FILES if scale == "cluster" else 0)
    assert len(names) + LOCK <= most, f"{len(names) + LOCK} files:\n" + "\n".join(names)


def test_the_lines(fresh, target, scale):
    counts = {name: lines(fresh / name) for name in tracked(fresh) if not name.endswith(".whl")}
    longest = sorted(counts.items(), key=lambda item: -item[1])
    most = LINES[target] + (CLUSTER_LINES if scale == "cluster" else 0)
    assert sum(counts.values()) <= most, f"{sum(counts.values())} lines; the longest: {longest[:20]}"


@pytest.mark.parametrize("name", LINES_OF)
def test_the_lines_of_one_file(fresh, name):
    assert lines(fresh / name) <= LINES_OF[name]


def test_the_tests(fresh):
    status, printed = python(fresh, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
    assert status == 0, printed
    collected = [line for line in printed.splitlines() if "::" in line]
    assert 0 < len(collected) <= TESTS, f"{len(collected)} tests"
