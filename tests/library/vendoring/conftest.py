"""Projects with a vendored library, as the template generates them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from modelyard.vendoring import wheel
from sample import SAMPLE

from projects import BIN, ROOT

SOURCE = ROOT / "{{cookiecutter.project}}/vendor/modelyard"


@dataclass(frozen=True)
class Vendored:
    """A project with its vendored library, and how to run what is there."""

    root: Path

    @property
    def wheel(self) -> Path:
        (found,) = (self.root / "vendor").glob("modelyard-*.whl")
        return found

    def yard(self, *arguments: str, options: tuple[str, ...] = (), path: str = "") -> subprocess.CompletedProcess[str]:
        """Run `vendor/yard` with nothing of this environment."""
        environment = {"PATH": path or "/usr/bin:/bin", "HOME": str(self.root)}
        return self._run([sys.executable, *options, "vendor/yard", *arguments], environment)

    def stage(self, name: str, library: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a stage with the library of a folder; without one, with the one of this repository."""
        path = [str(SAMPLE), str(library or SOURCE / "src")]
        return self._run(
            [sys.executable, "-m", "flight_delays", name], {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        )

    def uv(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self._run([str(BIN / "uv"), *arguments], {**os.environ, **environment})

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
        return subprocess.run(
            ["git", *who, *arguments], cwd=self.root, capture_output=True, text=True, check=True
        ).stdout

    def _run(self, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The library's source folder, to change."""
    return shutil.copytree(SOURCE, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))


@pytest.fixture
def vendored(tmp_path: Path) -> Vendored:
    """A project without uv.lock, to change."""
    return Vendored(shutil.copytree(SAMPLE, tmp_path / SAMPLE.name))


@pytest.fixture(scope="session")
def locked_once(tmp_path_factory: pytest.TempPathFactory) -> Vendored:
    project = Vendored(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("locked") / SAMPLE.name))
    done = project.uv("lock", "--quiet")
    assert done.returncode == 0, done.stderr
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "Lock")
    return project


@pytest.fixture
def locked(locked_once: Vendored, tmp_path: Path) -> Vendored:
    """A project with the uv.lock that uv makes, committed, to change."""
    return Vendored(shutil.copytree(locked_once.root, tmp_path / SAMPLE.name))


def change_wheel(project: Vendored, module: str, old: str, new: str) -> None:
    """Replace the vendored wheel by one that is built from changed source, under the same name."""
    folder = project.root.parent / "changed"
    wheel.unpack(project.wheel.read_bytes(), folder)
    path = folder / "src/modelyard" / module
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    project.wheel.write_bytes(wheel.build(folder)[1])
    shutil.rmtree(folder)
