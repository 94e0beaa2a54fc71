"""The agent of a stage: a container beside its router that sends requests from inside, and is the lock.

Its name is the same for every deployment to the stage, so there is one at a time. It ends when its standard input
closes, or after a minute without a request; then another deployment may begin.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import inside
from ..failure import DeployError
from ..scripts import script
from ..state import Name
from . import runtime_api
from .host import Host, explain

TAKEN = "is already in use by container"
ROUTER = {"host": "127.0.0.1", "port": 8080}
VARIANT = "x-variant"  # the header that tells HAProxy which variant is to answer, if it comes from this machine
PAUSE = 2.0  # seconds between two attempts to get the lock
CONFINED = [
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534"),
    *("--memory", "128m", "--pids-limit", "16", "--log-driver", "none", "--no-healthcheck"),
]


@dataclass(frozen=True)
class AgentContainer:
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
            raise DeployError(explain("the connection to the host", _last_output(self.process)))
        answer: dict[str, Any] = json.loads(line)
        if "fault" in answer:
            where = f"{task['host']}:{task['port']}{task['path']}" if "host" in task else "the router's runtime API"
            raise DeployError(f"{where} did not answer the deployment: {answer['fault']}")
        return answer

    def ask_routed(self, name: Name, **task: Any) -> dict[str, Any]:
        """As `ask`, through the router, with the header that selects the variant."""
        return self.ask(**{**ROUTER, **task, "headers": {VARIANT: name, **task.get("headers", {})}})

    def admin(self, command: str) -> str:
        """What the router's runtime API prints for a command."""
        text: str = self.ask(admin=command)["text"]
        return text

    def idle(self, seconds: float) -> None:
        """Wait, but keep the lock."""
        until = time.monotonic() + seconds
        while (remaining := until - time.monotonic()) > 0:
            time.sleep(min(remaining, inside.IDLE / 4))
            self.ask()


def _last_output(process: subprocess.Popen[str]) -> str:
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
) -> Iterator[AgentContainer]:
    """An agent beside the router of a stage. With a holder, whom others can read, it is the stage's lock.

    wait: for how many seconds another may still hold it. Raises DeployError if the lock is not free by then.
    """
    until = time.monotonic() + wait
    announced = False
    while True:
        process = host.start(*_command(project, image, holder))
        agent = AgentContainer(process)
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
        if not announced:
            say(f"waiting for another deployment to {project} ({other})")
            announced = True
        time.sleep(PAUSE)
    try:
        yield agent
    finally:
        _end(process)


def _command(project: str, image: str, holder: Mapping[str, str] | None) -> list[str]:
    labels = [part for key, value in (holder or {}).items() for part in ("--label", f"modelyard.{key}={value}")]
    named = ["--name", lock_name(project)] if holder is not None else []
    program = script("main({'admin': ask_router})", inside, runtime_api)
    network = ["--network", f"container:{project}-router-1"]
    start = ["--entrypoint", "python3", image, "-I", "-c", program]
    return ["run", "--rm", "--interactive", "--pull", "never", *named, *labels, *network, *CONFINED, *start]


def holder_of(host: Host, project: str) -> str:
    """Who holds the lock of a stage, by the labels of its container."""
    template = "{{range $key, $value := .Config.Labels}}{{$key}}={{$value}}\n{{end}}"
    try:
        labels = host.docker("inspect", "--format", template, lock_name(project))
    except DeployError:
        return "it just ended"
    entries = [line.removeprefix("modelyard.") for line in labels.splitlines() if line.startswith("modelyard.")]
    return ", ".join(line.replace("=", " ", 1) for line in entries) or "it does not say whose"


def _end(process: subprocess.Popen[str]) -> None:
    """Let the container end and be removed, which releases the lock."""
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
