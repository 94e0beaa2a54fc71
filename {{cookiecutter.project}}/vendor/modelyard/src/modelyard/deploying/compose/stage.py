"""A stage on a host: read its state, and take the steps of a plan in it."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...judging.policy import read_policy
from ...judging.serving import Serving
from .. import lend
from ..execute import Executor
from ..failure import DeployError
from ..metrics import parse_statistics
from ..place import PORT
from ..serving import BUNDLES, beside, borrowed, configured, releases
from ..smoke import smoke
from ..state import NAMES, Name, Release, State, Variant, read_state, to_label
from . import volumes
from .agent import Agent
from .host import PULL_TIMEOUT, Host

LISTENS = 15.0  # seconds for a router that was just started to listen
READY = 90.0  # seconds for a new container to serve
DRAIN = 30.0  # seconds for requests that were begun to be answered
PAUSE = 0.25
SERVING = Path("deploy/compose/serving.json")
CONFIG = Path("deploy/compose/haproxy.cfg")
INTO = "/usr/local/etc/haproxy"
LOG_LINES = "20"
PROBE = "import pathlib, sys; print(next(pathlib.Path(sys.prefix).rglob('bundle/probe.json')).read_text())"


@dataclass(frozen=True)
class Stage(Executor):
    """A stage of the project, with our hand in it.

    headers: what lets us ask the service. probe: rows to ask, and their answers, where the image's own will not do.
    keys: the text of the service's keys file, None where it stays as it is.
    """

    host: Host
    project: str
    agent: Agent
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    probe: Mapping[str, Any] | None = None
    keys: str | None = field(default=None, repr=False)
    say: Callable[[str], None] = print
    prepared: set[str] = field(default_factory=set)
    probes: dict[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def read(self) -> State:
        """The state, from the host itself."""
        return read_state(containers(self.host, self.project), self.agent.admin("show servers state service"))

    def shift(self, weights: tuple[int, int]) -> None:
        """Set the router's weights, the one that rises first, so that somebody always has requests."""
        for name, weight in sorted(zip(NAMES, weights, strict=True), key=lambda one: -one[1]):
            if said := self.agent.admin(f"set weight service/{name} {weight}").strip():
                raise DeployError(f"the router did not set the weight of {name}: {said}")

    def drain(self, weights: tuple[int, int]) -> None:
        """Set the weights, and wait until a variant that gets nothing has answered what it had."""
        self.shift(weights)
        idle = [name for name, weight in zip(NAMES, weights, strict=True) if weight == 0]
        until = time.monotonic() + DRAIN
        while time.monotonic() < until:
            lines = self.statistics()
            if all(int(lines[name]["scur"] or 0) == 0 for name in idle if name in lines):
                return
            time.sleep(PAUSE)

    def statistics(self) -> dict[str, dict[str, str]]:
        """The router's line on each variant."""
        return parse_statistics(self.agent.admin("show stat"))

    def remove(self, name: Name) -> None:
        """Take a variant's container away."""
        self.host.compose(self.project, "rm", "--stop", "--force", name)

    def start(self, name: Name, release: Release, history: tuple[Release, ...]) -> None:
        """Make a variant's container, and see that it serves. Raises DeployError where it does not."""
        policy = beside(read_policy().serving, release)
        for version, image in borrowed(policy, release, releases(self.read())).items():
            self.say(f"  {bring_bundle(self.host, self.project, version, image)}")
        user = pull(self.host, release.image)
        if user not in self.prepared:
            prepare(self.host, self.project, release.image, user, self.keys)
            self.prepared.add(user)
        variables = {
            f"{name.upper()}_IMAGE": release.image,
            f"{name.upper()}_RELEASES": to_label([release, *history]),
            **serving(name, policy),
        }
        up = ["up", "--detach", "--no-deps", "--no-build", "--pull", "never", "--force-recreate", name]
        self.host.compose(self.project, *up, timeout=READY + DRAIN, variables=variables)
        variant = self._wait(name, release)
        for line in self.smoke(name, variant):
            self.say(f"  {line}")

    def smoke(self, name: Name, variant: Variant) -> list[str]:
        """What the smoke test of a variant checked. Raises DeployError with the first check that failed."""
        return smoke(self.agent, name, variant.release, self._probe_of(variant), self.headers)

    def _wait(self, name: Name, release: Release) -> Variant:
        until = time.monotonic() + READY
        found: Variant | None = None
        while time.monotonic() < until:
            state = self.read()
            found = state.stable if name == "stable" else state.canary
            # asked too early, the router would give our questions, and those of clients, to the other variant
            if found and found.serving and found.checked and self._is_ready(found):
                return found
            if found is None or found.status in ("exited", "dead", "restarting"):
                break
            self.agent.idle(PAUSE)
        status = found.status if found else "gone"
        raise DeployError(f"{name} with {release} does not become ready, its container is {status}:\n{self._log(name)}")

    def _is_ready(self, variant: Variant) -> bool:
        with contextlib.suppress(DeployError):
            answer = self.agent.ask(host=variant.address, port=PORT, path="/readyz", timeout=2.0)
            return bool(answer["status"] == 200)
        return False

    def _log(self, name: Name) -> str:
        with contextlib.suppress(DeployError):
            return self.host.compose(self.project, "logs", "--no-color", "--tail", LOG_LINES, name).strip()
        return "its log cannot be read"

    def _probe_of(self, variant: Variant) -> Mapping[str, Any]:
        """The rows to ask a variant, and their right answers: those given, else those of the bundle in its image."""
        if self.probe is not None:
            return self.probe
        image = variant.release.image
        if image not in self.probes:
            self.probes[image] = json.loads(self.host.docker("exec", variant.container, "python3", "-c", PROBE))
        return self.probes[image]


def serving(name: Name, policy: Serving) -> dict[str, str]:
    """The variables with a variant's configuration. Raises DeployError where there is none."""
    try:
        found = json.loads(SERVING.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise DeployError(f"{SERVING}: the configuration of the service is needed there: {fault}") from None
    access = found.get("access") or {}
    made = configured(found, str(SERVING), policy)
    text = json.dumps({**made, "variant": name}, separators=(",", ":"))
    is_open = not (access.get("keys") or access.get("oidc"))
    return {f"{name.upper()}_SERVING": text, f"{name.upper()}_SERVE": "--open" if is_open else ""}


def bring_bundle(host: Host, project: str, version: str, image: str) -> str:
    """Have the bundle of a version, from its image, in the stage's volume; what was done. Raises DeployError."""
    try:
        pull(host, image)
    except DeployError as fault:
        raise DeployError(f"policy.yaml, serving: the bundle of v{version} is to come from {image}: {fault}") from None
    variables = {"LEND_IMAGE": image, "LEND_SCRIPT": Path(lend.__file__).read_text(encoding="utf-8")}
    run = ["run", "--rm", "--no-deps", "--no-TTY", "--pull", "never", "lend", version, BUNDLES]
    return host.compose(project, *run, variables=variables).strip()


def prepare(host: Host, project: str, image: str, user: str, keys: str | None) -> None:
    """Have the volumes of a stage belong to a user ("uid:gid"), with these keys for the service in them."""
    if not re.fullmatch(r"\d+(:\d+)?", user):
        raise DeployError(
            f"{image} runs as {user or 'root'}: an image with its user by number, as 10001:10001, is needed"
        )
    script = Path(volumes.__file__).read_text(encoding="utf-8")
    variables = {"PREPARE_IMAGE": image, "PREPARE_SCRIPT": script}
    given = json.dumps({"user": user, "keys": keys})
    run = ["run", "--rm", "--no-deps", "--no-TTY", "--interactive", "--pull", "never", "prepare"]
    host.compose(project, *run, variables=variables, given=given)


def containers(host: Host, project: str) -> list[dict[str, Any]]:
    """What `docker inspect` says of a stage's containers."""
    wanted = [f"label=com.docker.compose.project={project}", "label=com.docker.compose.oneoff=False"]
    listed = host.docker("ps", "--all", "--quiet", *(part for one in wanted for part in ("--filter", one))).split()
    if not listed:
        return []
    found: list[dict[str, Any]] = json.loads(host.docker("inspect", *listed))
    return found


def pull(host: Host, image: str) -> str:
    """Bring an image to the host, where it is not there yet; the user that it runs as. Raises DeployError."""
    look = ["image", "inspect", "--format", "{{.Config.User}}", image]
    try:
        return host.docker(*look).strip()
    except DeployError:
        host.docker("pull", "--quiet", image, timeout=PULL_TIMEOUT)
    return host.docker(*look).strip()


def open_router(host: Host, project: str) -> None:
    """Start the router, where it does not run. Raises DeployError."""
    host.compose(project, "up", "--no-start", "--no-deps", "--no-recreate", "router", timeout=PULL_TIMEOUT)
    host.docker("cp", str(CONFIG), f"{router(project)}:{INTO}/haproxy.cfg")
    host.docker("start", router(project))


def await_router(agent: Agent) -> None:
    """Wait until the router can be asked, which it cannot at once. Raises DeployError where that does not come."""
    until = time.monotonic() + LISTENS
    while True:
        try:
            agent.admin("show info")
            return
        except DeployError:
            if time.monotonic() >= until:
                raise
        agent.idle(PAUSE)


def bring_config(host: Host, project: str, say: Callable[[str], None]) -> None:
    """Have the router run with the configuration of this commit; it takes a new one without losing a connection."""
    if host.docker("exec", router(project), "cat", f"{INTO}/haproxy.cfg") == CONFIG.read_text(encoding="utf-8"):
        return
    say("give the router its new configuration")
    host.docker("cp", str(CONFIG), f"{router(project)}:{INTO}/haproxy.cfg")
    host.docker("exec", router(project), "haproxy", "-c", "-f", f"{INTO}/haproxy.cfg")
    host.docker("kill", "--signal", "USR2", router(project))


def router(project: str) -> str:
    """The name of a stage's router, which is one container."""
    return f"{project}-router-1"
