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
from ..failure import DeployError
from ..metrics import Traffic
from ..scripts import script
from ..serving import BUNDLES, beside, borrowed, configured, releases
from ..smoke import smoke
from ..stage import PORT, DeployStage
from ..state import NAMES, DeployedVersion, Name, State, Variant, dump_versions
from . import volumes
from .agent import AgentContainer
from .containers import containers, pull
from .host import PULL_TIMEOUT, Host
from .reading import BACKEND, number, parse_statistics, read_state, traffic_of
from .shipper import ship

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
class ComposeStage(DeployStage):
    """A stage of the project on a Docker host.

    headers: the credentials for the service. probe: rows and their answers, to use instead of the image's own. keys:
    the text of the service's keys file, None to keep the current one.
    """

    host: Host
    project: str
    agent: AgentContainer
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    probe: Mapping[str, Any] | None = None
    keys: str | None = field(default=None, repr=False)
    say: Callable[[str], None] = print
    prepared: set[str] = field(default_factory=set)
    probes: dict[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def read(self) -> State:
        """The state, from the host itself."""
        return read_state(containers(self.host, self.project), self.agent.admin(f"show servers state {BACKEND}"))

    def shift(self, weights: tuple[int, int]) -> None:
        """Set the router's weights, the one that rises first, so that somebody always has requests."""
        for name, weight in sorted(zip(NAMES, weights, strict=True), key=lambda one: -one[1]):
            if refusal := self.agent.admin(f"set weight {BACKEND}/{name} {weight}").strip():
                raise DeployError(f"the router did not set the weight of {name}: {refusal}")

    def drain(self, weights: tuple[int, int]) -> None:
        """Set the weights, and wait until a variant without requests has answered those that it had."""
        self.shift(weights)
        idle = [name for name, weight in zip(NAMES, weights, strict=True) if weight == 0]
        until = time.monotonic() + DRAIN
        while time.monotonic() < until:
            servers = self._servers()
            if all(number(servers[name], "scur") == 0 for name in idle if name in servers):
                return
            time.sleep(PAUSE)

    def traffic(self) -> Mapping[str, Traffic]:
        """The requests of clients to each variant, as the router counts them."""
        return {name: traffic_of(server) for name, server in self._servers().items()}

    def _servers(self) -> dict[str, dict[str, str]]:
        return parse_statistics(self.agent.admin("show stat"))

    def remove(self, name: Name) -> None:
        """Remove a variant's container."""
        self.host.compose(self.project, "rm", "--stop", "--force", name)

    def start(self, name: Name, release: DeployedVersion, history: tuple[DeployedVersion, ...]) -> None:
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
            f"{name.upper()}_RELEASES": dump_versions([release, *history]),
            **serving(name, policy),
        }
        up = ["up", "--detach", "--no-deps", "--no-build", "--pull", "never", "--force-recreate", name]
        self.host.compose(self.project, *up, timeout=READY + DRAIN, variables=variables)
        variant = self._wait(name, release)
        for line in self.smoke(name, variant):
            self.say(f"  {line}")
        if name == "stable":
            ship(self.host, self.project, release, self.say)

    def smoke(self, name: Name, variant: Variant) -> list[str]:
        """What the smoke test of a variant checked. Raises DeployError with the first check that failed."""
        return smoke(self.agent, name, variant.release, self._probe_of(variant), self.headers)

    def _wait(self, name: Name, release: DeployedVersion) -> Variant:
        until = time.monotonic() + READY
        variant: Variant | None = None
        while time.monotonic() < until:
            state = self.read()
            variant = state.stable if name == "stable" else state.canary
            # before that, the router would send our requests, and those of clients, to the other variant
            if variant and variant.serving and variant.checked and self._is_ready(variant):
                return variant
            if variant is None or variant.status in ("exited", "dead", "restarting"):
                break
            self.agent.idle(PAUSE)
        status = variant.status if variant else "gone"
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
            self.probes[image] = json.loads(self.host.docker("exec", variant.instance, "python3", "-c", PROBE))
        return self.probes[image]


def serving(name: Name, policy: Serving) -> dict[str, str]:
    """The variables with a variant's configuration. Raises DeployError where there is none."""
    try:
        settings = json.loads(SERVING.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise DeployError(f"{SERVING}: the configuration of the service is needed there: {fault}") from None
    access = settings.get("access") or {}
    configuration = configured(settings, str(SERVING), policy)
    text = json.dumps({**configuration, "variant": name}, separators=(",", ":"))
    is_open = not (access.get("keys") or access.get("oidc"))
    return {f"{name.upper()}_SERVING": text, f"{name.upper()}_SERVE": "--open" if is_open else ""}


def bring_bundle(host: Host, project: str, version: str, image: str) -> str:
    """Copy the bundle of a version from its image to the stage's volume. Returns what was done. Raises DeployError."""
    try:
        pull(host, image)
    except DeployError as fault:
        raise DeployError(f"policy.yaml, serving: the bundle of v{version} is to come from {image}: {fault}") from None
    variables = {"LEND_IMAGE": image, "LEND_SCRIPT": script("main()", lend)}
    run = ["run", "--rm", "--no-deps", "--no-TTY", "--pull", "never", "lend", version, BUNDLES]
    return host.compose(project, *run, variables=variables).strip()


def prepare(host: Host, project: str, image: str, user: str, keys: str | None) -> None:
    """Give the volumes of a stage to a user ("uid:gid"), and write the service's keys into them."""
    if not re.fullmatch(r"\d+(:\d+)?", user):
        raise DeployError(
            f"{image} runs as {user or 'root'}: an image with its user by number, as 10001:10001, is needed"
        )
    variables = {"PREPARE_IMAGE": image, "PREPARE_SCRIPT": script("main()", volumes)}
    settings = json.dumps({"user": user, "keys": keys})
    run = ["run", "--rm", "--no-deps", "--no-TTY", "--interactive", "--pull", "never", "prepare"]
    host.compose(project, *run, variables=variables, stdin=settings)


def open_router(host: Host, project: str) -> None:
    """Start the router if it does not run. Raises DeployError."""
    host.compose(project, "up", "--no-start", "--no-deps", "--no-recreate", "router", timeout=PULL_TIMEOUT)
    host.docker("cp", str(CONFIG), f"{router(project)}:{INTO}/haproxy.cfg")
    host.docker("start", router(project))


def await_router(agent: AgentContainer) -> None:
    """Wait until the router's runtime API answers. Raises DeployError if it does not in time."""
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
    """Give the router the configuration of this commit; it reloads without losing a connection."""
    if host.docker("exec", router(project), "cat", f"{INTO}/haproxy.cfg") == CONFIG.read_text(encoding="utf-8"):
        return
    say("give the router its new configuration")
    host.docker("cp", str(CONFIG), f"{router(project)}:{INTO}/haproxy.cfg")
    host.docker("exec", router(project), "haproxy", "-c", "-f", f"{INTO}/haproxy.cfg")
    host.docker("kill", "--signal", "USR2", router(project))


def router(project: str) -> str:
    """The name of a stage's router, which is one container."""
    return f"{project}-router-1"
