"""A project's folder, and an engine of its own to deploy to."""

from __future__ import annotations

import io
import json
import os
import runpy
import shutil
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from modelyard.deploying import watch as watched
from modelyard.deploying.compose import stage as staged
from modelyard.deploying.compose.host import Host, explain
from modelyard.deploying.failure import DeployError
from sample import SAMPLE

from flight_delays import project

HERE = Path(__file__).parent
POLICY = "canary: {requests: 100, most: 400, weights: [10, 50]}\n"


@dataclass(frozen=True)
class Engine:
    """An engine, see engine.py."""

    file: Path

    def state(self) -> dict[str, Any]:
        """All that it holds."""
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    def set(self, **values: Any) -> None:
        """Change what it holds."""
        self.file.write_text(json.dumps({**self.state(), **values}))

    def lock(self) -> None:
        """Have somebody else deploy."""
        self.file.with_suffix(".lock").touch()

    def serves(self) -> dict[str, str]:
        """The image of each variant."""
        return {name: one["image"] for name, one in self.state()["containers"].items() if name != "router"}

    def deploy(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The status of `deploy`, and what it left in reports/deploy.json."""
        from modelyard.deploying import deploy

        with pytest.raises(SystemExit) as ended:
            deploy.main(list(arguments), project)
        assert isinstance(ended.value.code, int)
        return ended.value.code, json.loads(Path("reports/deploy.json").read_text())


def _in_this_process(program: Path) -> Any:
    """`Host.docker`, with what a program does."""

    def docker(
        host: Host, *arguments: str, variables: Mapping[str, str] | None = None, stdin: str = "", **_: float
    ) -> str:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as said:
            for name, value in {**host.environment, **(variables or {})}.items():
                patch.setenv(name, value)
            try:
                runpy.run_path(str(program))["main"](list(arguments), stdin)
            except SystemExit as ended:
                raise DeployError(explain("docker", str(ended.code))) from None
        return said.getvalue()

    return docker


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine on which nothing runs, in a folder laid out as the project is; nothing waits."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/docker"
    program.write_text(f"#!{sys.executable} -S\n{(HERE / 'engine.py').read_text()}")
    program.chmod(0o755)
    made = Engine(tmp_path / "engine.json")
    none = {"stable": 0, "canary": 0}
    images = dict.fromkeys(("old", "new", "broken", "wrong"), "10001:10001")
    start = {"containers": {}, "weights": {"stable": 100, "canary": 0}, "config": "", "calls": [], "images": images}
    made.file.write_text(json.dumps({**start, "asked": none, "failed": none}))
    folder = tmp_path / "project"
    (folder / "deploy/compose").mkdir(parents=True)
    (folder / "deploy/compose/haproxy.cfg").write_text("global\n")
    (folder / "deploy/compose/serving.json").write_text('{"access": {"keys": "/run/secrets/keys.json"}}')
    (folder / "policy.yaml").write_text(POLICY)
    shutil.copyfile(SAMPLE / "pyproject.toml", folder / "pyproject.toml")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ENGINE", str(made.file))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    # a process for each command takes most of the time of a test; test_host.py has real ones
    monkeypatch.setattr(Host, "docker", _in_this_process(HERE / "engine.py"))
    monkeypatch.setattr(staged, "PAUSE", 0.01)
    monkeypatch.setattr(staged, "DRAIN", 1.0)
    monkeypatch.setattr(watched, "PAUSE", 0.0)
    return made
