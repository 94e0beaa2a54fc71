"""What a drill of deployments takes: images that are well or bad, a host behind ssh, a stage, and clients."""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects import BIN, Project, clone_of, run
from release.load import LONGEST, Answers, load
from release.ssh_host import SshHost, free_port, ssh_host

HERE = Path(__file__).parent
FAULTS = ("errors", "latency", "scores")
DOCKERFILE = """ARG IMAGE
FROM ${IMAGE}
ARG FAULT
ENV DRILL_FAULT=${FAULT}
USER 0:0
COPY drill_faults.py drill.pth /tmp/drill/
RUN cp /tmp/drill/* "$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
USER 10001:10001
"""
ROUTER = "haproxy:local"  # .ci/engine makes it
# Fewer requests than by default, for the sake of time; all else is as the project has it
CANARY = {"requests: 500": "requests: 200", "minutes: 30": "minutes: 2"}


def docker(*arguments: str) -> str:
    """What a docker command printed, on this machine's engine."""
    return run(["docker", *arguments], HERE, {"DOCKER_BUILDKIT": "0"})


@dataclass(frozen=True)
class Drill:
    """A project that deploys to a stage of its own on a host, and what the environment has for it."""

    project: Project
    host: SshHost
    environment: Mapping[str, str]
    stage: str
    port: int
    images: Mapping[str, str]
    key: str

    @property
    def environment_of_client(self) -> dict[str, str]:
        """What makes Docker's client, on this machine's engine, keep what it keeps where the drill has it."""
        return {"DOCKER_CONFIG": self.environment["DOCKER_CONFIG"]}

    def arguments(self, *given: str) -> list[str]:
        """A command of `make deploy`, on this stage."""
        return [
            str(self.project.root / ".venv/bin/python"),
            "-m",
            self.project.package.name,
            "deploy",
            *given,
            "--stage",
            self.stage,
        ]

    def deploy(self, *given: str, ok: bool = True, **environment: str) -> str:
        """What a command of `make deploy` printed."""
        return run(self.arguments(*given), self.project.root, {**self.environment, **environment}, ok)

    def version(self, name: str, version: str) -> list[str]:
        """The arguments that name an image and its version."""
        return ["--image", self.images[name], "--version", version]

    def record(self) -> dict[str, Any]:
        """What the last command left in reports/deploy.json."""
        found: dict[str, Any] = json.loads((self.project.root / "reports/deploy.json").read_text())
        return found

    @contextmanager
    def begun(self, *given: str, until: str) -> Iterator[subprocess.Popen[str]]:
        """A command that is running and has said something; it is killed at the end, with all that it started."""
        process = subprocess.Popen(
            self.arguments(*given),
            cwd=self.project.root,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        said = ""
        try:
            while until not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            yield process
        finally:
            kill(process)
            process.stdout.close()

    @contextmanager
    def clients(self, longest: float = LONGEST) -> Iterator[Answers]:
        """Steady requests of real rows."""
        rows = json.loads((self.project.root / "bundle/probe.json").read_text())["rows"]
        drawn = random.Random(1)  # noqa: S311
        key = {"authorization": f"Bearer {self.key}"}
        with load(self.port, lambda: drawn.choice(rows), key, longest) as answers:
            yield answers

    def container(self, name: str) -> str:
        """The id of a service's container, empty where there is none."""
        project = f"label=com.docker.compose.project={self.project.root.name}-{self.stage}"
        return docker(
            "ps", "--quiet", "--filter", project, "--filter", f"label=com.docker.compose.service={name}"
        ).strip()

    def end(self) -> None:
        """Remove all that is in the stage."""
        compose = ["docker", "compose", "--project-name", f"{self.project.root.name}-{self.stage}", "--profile", "*"]
        down = [*compose, "--file", "deploy/compose/compose.yaml", "down", "--volumes", "--timeout", "1"]
        run(down, self.project.root, self.environment_of_client)


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL to a process and to all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def shorten(project: Project) -> None:
    """Let canaries answer fewer requests; it is not committed."""
    policy = project.root / "policy.yaml"
    text = policy.read_text()
    for default, short in CANARY.items():
        assert default in text
        text = text.replace(default, short)
    policy.write_text(text)


@contextmanager
def drill(made: Project, folder: Path) -> Iterator[Drill]:
    """A stage of its own on this machine's engine, behind ssh; all of it is removed afterwards."""
    project = clone_of(made, folder)
    shorten(project)
    stage, port, images = f"drill-{secrets.token_hex(4)}", free_port(), build(project, folder)
    with ssh_host(folder) as host:
        environment, key = surroundings(project, folder, host)
        made_here = Drill(project, host, {**environment, "DEPLOY_PORT": str(port)}, stage, port, images, key)
        try:
            yield made_here
        finally:
            made_here.end()
            for image in images.values():
                docker("image", "rm", image)


def surroundings(project: Project, folder: Path, host: SshHost) -> tuple[dict[str, str], str]:
    """What `make deploy` finds in the environment for any stage of a host, and a key of the service."""
    said = project.run(".venv/bin/python", "-m", project.package.name, "key", "drill", "--roles", "predict,read")
    key = said.split()[-1]
    environment = {
        **host.environment,
        "ROUTER_IMAGE": ROUTER,
        "DOCKER_CONFIG": str(client_of(folder / "docker")),
        "DEPLOY_BIND": "127.0.0.1",
        "DEPLOY_KEYS": (project.root / "keys.json").read_text(),
        "DEPLOY_API_KEY": key,
    }
    return environment, key


def client_of(folder: Path) -> Path:
    """A folder for what Docker's client keeps, with compose in it."""
    plugins = folder / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(BIN / "docker-compose")
    return folder


def build(project: Project, folder: Path) -> dict[str, str]:
    """The service's image as `make image` builds it, under two names, and bad ones that are made from it."""
    mark, version = secrets.token_hex(4), f"0.0.{secrets.randbelow(10**6)}"  # other tests may build at the same time
    project.run("make", "image", env={"BASE_IMAGE": "base:raw", "VERSION": version})
    images = {name: f"drill-{mark}:{name}" for name in ("old", "new", *FAULTS)}
    for name in ("old", "new"):
        docker("tag", f"{project.root.name}:{version}", images[name])
    docker("image", "rm", f"{project.root.name}:{version}")
    for name in FAULTS:
        spoil(project, images["old"], name, images[name], folder)
    return images


def spoil(project: Project, image: str, fault: str, name: str, folder: Path) -> None:
    """Make a bad image from a good one."""
    context = folder / "faults"
    context.mkdir()
    (context / "Dockerfile").write_text(DOCKERFILE)
    (context / "drill.pth").write_text("import drill_faults\n")
    text = (HERE / "drill_faults.py").read_text()
    (context / "drill_faults.py").write_text(text.replace("flight_delays", project.package.name))
    given = [part for one in (f"IMAGE={image}", f"FAULT={fault}") for part in ("--build-arg", one)]
    docker("build", "--quiet", "--tag", name, *given, str(context))
    shutil.rmtree(context)


def wait_until(holds: Any, seconds: float = 20.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.1)
