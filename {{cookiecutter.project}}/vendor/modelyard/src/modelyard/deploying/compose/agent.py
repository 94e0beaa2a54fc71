"""Our hand inside a stage: a container beside its router that asks what cannot be asked from here, and is the lock."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import inside
from ..failure import DeployError
from .host import Host, explain

TAKEN = "is already in use by container"
PAUSE = 2.0  # seconds between two attempts to get the lock
CONFINED = [
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534"),
    *("--memory", "128m", "--pids-limit", "16", "--log-driver", "none", "--no-healthcheck"),
]


@dataclass(frozen=True)
class Agent:
    """The running container, by the command that is attached to it."""

    process: subprocess.Popen[str]

    def ask(self, **task: Any) -> dict[str, Any]:
        """The answer to a task, see inside.py. Raises DeployError where the agent is gone, or could not do it."""
        assert self.process.stdin  # noqa: S101 - started with pipes
        assert self.process.stdout  # noqa: S101
        try:
            self.process.stdin.write(json.dumps(task) + "\n")
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise DeployError(explain("the connection to the host", _rest(self.process)))
        answer: dict[str, Any] = json.loads(line)
        if "fault" in answer:
            where = f"{task['host']}:{task['port']}{task['path']}" if "host" in task else "the router's runtime API"
            raise DeployError(f"{where} did not answer the deployment: {answer['fault']}")
        return answer

    def admin(self, command: str) -> str:
        """What the router's runtime API says to a command."""
        text: str = self.ask(admin=command)["text"]
        return text

    def idle(self, seconds: float) -> None:
        """Wait, but keep the lock."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, inside.IDLE / 4))
            self.ask()


def _rest(process: subprocess.Popen[str]) -> str:
    process.kill()
    return process.communicate()[1]


def lock_name(project: str) -> str:
    """The name of the container that holds a stage's lock."""
    return f"{project}-deployment"


@contextmanager
def attach(
    host: Host,
    project: str,
    image: str,
    holder: Mapping[str, str] | None,
    wait: float = 0.0,
    say: Callable[[str], None] = print,
) -> Iterator[Agent]:
    """An agent beside the router of a stage. With a holder, to be told to others, it is the stage's lock.

    wait: for how many seconds another may still hold it. Raises DeployError where it is not to be had.
    """
    until = time.monotonic() + wait
    told = False
    while True:
        process = host.start(*_command(project, image, holder))
        agent = Agent(process)
        try:
            agent.ask()
            break
        except DeployError as fault:
            if TAKEN not in str(fault):
                raise
        other = holder_of(host, project)
        if time.monotonic() >= until:
            raise DeployError(
                f"another deployment to {project} is under way ({other}); wait for its end, or give `--wait SECONDS`. "
                f"Where it was killed, its lock goes by itself within {inside.IDLE} seconds"
            )
        if not told:
            say(f"waiting for another deployment to {project} ({other})")
            told = True
        time.sleep(PAUSE)
    try:
        yield agent
    finally:
        _end(process)


def _command(project: str, image: str, holder: Mapping[str, str] | None) -> list[str]:
    labels = [part for key, value in (holder or {}).items() for part in ("--label", f"trainyard.{key}={value}")]
    named = ["--name", lock_name(project)] if holder is not None else []
    script = Path(inside.__file__).read_text(encoding="utf-8")
    network = ["--network", f"container:{project}-router-1"]
    start = ["--entrypoint", "python3", image, "-I", "-c", script]
    return ["run", "--rm", "--interactive", "--pull", "never", *named, *labels, *network, *CONFINED, *start]


def holder_of(host: Host, project: str) -> str:
    """Who holds the lock of a stage, as its labels say; nobody where it just went."""
    shown = "{{range $key, $value := .Config.Labels}}{{$key}}={{$value}}\n{{end}}"
    try:
        said = host.docker("inspect", "--format", shown, lock_name(project))
    except DeployError:
        return "it just ended"
    ours = [line.removeprefix("trainyard.") for line in said.splitlines() if line.startswith("trainyard.")]
    return ", ".join(line.replace("=", " ", 1) for line in ours) or "it does not say whose"


def _end(process: subprocess.Popen[str]) -> None:
    """Let the container end by itself, and be removed; with it the lock goes."""
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
