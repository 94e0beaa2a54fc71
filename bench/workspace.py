"""A temporary folder in which projects are generated, changed and run."""

from __future__ import annotations

import compileall
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from .measure import Failed, Run, run

BENCH = Path(__file__).parent
TEMPLATE = BENCH.parent
PACKAGE = "flight_delays"  # of the project that the default answers make


@dataclass(frozen=True)
class Project:
    """A generated project, and the environment that it runs in, which copies share."""

    root: Path
    environment: Path

    def python(self, *arguments: str | Path) -> Run:
        """Run the environment's Python in the project's folder."""
        return self._run("python", *arguments)

    def dvc(self, *arguments: str) -> Run:
        """Run DVC in the project's folder."""
        return self._run("dvc", *arguments)

    def stage(self, name: str) -> Run:
        """Run one stage as dvc.yaml does."""
        return self.python("-m", PACKAGE, name)

    def set_params(self, values: Mapping[str, Any]) -> None:
        """Change params.yaml."""
        self.python(BENCH / "set_params.py", json.dumps(values))

    def copy(self, root: Path) -> Project:
        """The same project as it stands, in another folder."""
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns(".venv"))
        return Project(root, self.environment)

    @contextmanager
    def scratch(self) -> Iterator[Project]:
        """A copy that is removed again."""
        with TemporaryDirectory(dir=self.root.parent, prefix="copy-") as folder:
            yield self.copy(Path(folder) / self.root.name)

    def with_environment(self, root: Path) -> Project:
        """A copy in whose folder the commands of its Makefile run, with the environment that all share."""
        copied = self.copy(root)
        (root / ".venv").symlink_to(self.environment)
        for path in (root / "uv.lock", root / "pyproject.toml", *root.glob("vendor/*.whl")):
            os.utime(path, (0, 0))  # older than the environment, which make then leaves as it is
        (self.environment / ".synced").touch()
        return copied

    def make(self, target: str, **variables: str) -> Run:
        """Run `make` as a person does, with these variables of the Makefile."""
        return self._run("make", target, *(f"{name}={value}" for name, value in variables.items()))

    @contextmanager
    def served(self) -> Iterator[str]:
        """The address at which `make serve` answers in the block. Raises Failed with what it said if it does not."""
        with TemporaryFile("w+") as said:
            process = subprocess.Popen(
                ["make", "serve", "ARGS=--port 0"],
                cwd=self.root,
                env=os.environ | self._variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,
            )
            try:
                lines = process.stdout or ()
                found = next(filter(None, (re.search(r"serving at (http://\S+)", line) for line in lines)), None)
                if found:
                    yield found[1]
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                process.communicate(timeout=60)
            said.seek(0)
            errors = said.read()
            if not found or "Traceback" in errors:
                raise Failed(f"`make serve` in {self.root}:\n{errors}")

    def _run(self, tool: str, *arguments: str | Path) -> Run:
        tools = self.environment / "bin"
        return run([tools / tool if (tools / tool).exists() else tool, *arguments], self.root, self._variables)

    @property
    def _variables(self) -> dict[str, str]:
        # uv is beside the Python that runs the benchmarks
        path = os.pathsep.join([str(self.environment / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        return {
            "PATH": path,
            # make that runs the benchmarks says nothing to the project's
            "MAKEFLAGS": "",
            "MAKELEVEL": "",
            "CI": "true",  # DVC does not look for a newer DVC
            "DVC_NO_ANALYTICS": "true",
            "DVC_SITE_CACHE_DIR": str(self.root.parent / "dvc-site-cache"),
            # pytest removes what older runs left in its folder, whoever made it: that is no time of ours
            "PYTEST_DEBUG_TEMPROOT": str(self.root.parent),
        }


class Workspace:
    """The folder, with cookiecutter's own settings in it instead of the user's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._config = folder / "cookiecutter.yaml"
        self._config.write_text(f"cookiecutters_dir: {folder}/templates\nreplay_dir: {folder}/replay\n")

    def generate(self, template: Path, target: Path) -> Run:
        """Render a template into the folder `target` with its default answers and, if it is ours, without a lock."""
        where: list[str | Path] = ["--config-file", self._config, "--output-dir", target]
        return run([tool("cookiecutter"), template, "--no-input", *where], self.folder, {"MODELYARD_NO_LOCK": "1"})

    @cached_property
    def project(self) -> Project:
        """The default project with its environment. Nothing was run in it; copy it to do so."""
        self.generate(TEMPLATE, self.folder / "project")
        (root,) = (self.folder / "project").iterdir()
        run([tool("uv"), "sync", "--quiet", "--compile-bytecode"], root, {"VIRTUAL_ENV": ""})
        compileall.compile_dir(root / PACKAGE, quiet=1)
        return Project(root, root / ".venv")


def tool(name: str) -> Path:
    """A command of the environment that runs the benchmarks."""
    return Path(sys.executable).parent / name
