"""A stage in a Kubernetes namespace: read its state, and take the steps of a plan in it.

It is to `plan`, `watch` and `ops deploy` what `compose.stage.Stage` is on a Docker host. A variant is a Deployment with
its service, autoscaler and budget; the router is the route, and its weights say who gets how many requests.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ...judging.policy import read_policy
from ..execute import Executor
from ..failure import DeployError
from ..serving import beside, borrowed, releases
from ..smoke import smoke
from ..state import NAMES, Name, Release, State, Variant
from .equipment import equipped
from .kubectl import Kubectl, Object
from .lease import lock
from .manifests import ROUTE, is_rolled_out, only, pods_of, read_objects, shared, started, weighed
from .pods import Pods

OVERLAYS = Path("deploy/kubernetes/overlays")
READY = 300.0  # seconds for the pods of a variant to be ready: a node may have to be started first
SETTLE = 10.0  # seconds for the routers to learn of weights, and for requests that were begun to be answered
PAUSE = 1.0
GONE = 60.0  # seconds for pods to end
LOG_LINES = 20
SELECTED = "app.kubernetes.io/name"
KINDS = "deployments,pods,httproutes.gateway.networking.k8s.io"
OF_A_VARIANT = "deployments,horizontalpodautoscalers,poddisruptionbudgets,configmaps"


@dataclass(frozen=True)
class Cluster(Executor):
    """A stage of the project, with our hand in it. headers: what lets us ask the service."""

    kubectl: Kubectl
    project: str
    objects: list[Object]
    agent: Pods
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    probe: Mapping[str, Any] | None = None
    say: Callable[[str], None] = print

    def read(self) -> State:
        """The state, from the cluster itself."""
        return read_objects(self.objects, self._there())

    def drain(self, weights: tuple[int, int]) -> None:
        """Set the weights, and wait until the routers know and what was begun is answered."""
        self.shift(weights)
        self.agent.idle(SETTLE)

    def shift(self, weights: tuple[int, int]) -> None:
        """Set the route's weights, after whoever is to get more has pods for it. Raises DeployError."""
        there = self._there()
        pods = {name: len(pods_of(there, name)) for name in NAMES}
        needed = max(pods.values())
        for name, weight in zip(NAMES, weights, strict=True):
            if pods[name] and pods[name] < (wanted := math.ceil(needed * weight / 100)):
                self.kubectl.ask("scale", f"deployment/{self._name(name)}", f"--replicas={wanted}")
                self._wait(name)
        self.kubectl.apply([weighed(self.objects, weights)])

    def statistics(self) -> dict[str, dict[str, str]]:
        """What each variant's pods answered, by kind of status."""
        return self.agent.statistics(self.headers)

    def smoke(self, name: Name, variant: Variant) -> list[str]:
        """What the smoke test of a variant checked. Raises DeployError with the first check that failed."""
        probe = self.agent.probe(name) if self.probe is None else self.probe
        return smoke(self.agent, name, variant.release, probe, self.headers)

    def open(self) -> None:
        """See that what both variants need is there, and a route; one that is there keeps its weights."""
        self.kubectl.apply(shared(self.objects))
        if not any(one["kind"] == ROUTE for one in self._there()):
            self.kubectl.apply([weighed(self.objects, (100, 0))])

    def _there(self) -> list[Object]:
        return self.kubectl.get(KINDS, f"--selector={selector(self.objects)}")

    def _name(self, name: Name) -> str:
        found: str = only(self.objects, "Deployment", name)["metadata"]["name"]
        return found

    def start(self, name: Name, release: Release, history: tuple[Release, ...]) -> None:
        """Make a variant's objects, and see that its pods serve. Raises DeployError where they do not."""
        policy = beside(read_policy().serving, release)
        images = borrowed(policy, release, releases(self.read()))
        self.kubectl.apply(equipped(started(self.objects, name, release, history), name, policy, images))
        self._wait(name)
        for line in self.smoke(name, Variant(release, history, serving=True)):
            self.say(f"  {line}")

    def _wait(self, name: Name) -> None:
        """Wait until all pods of a variant are ready. Raises DeployError with what they say where they are not."""
        until = time.monotonic() + READY
        while time.monotonic() < until:
            there = self._there()
            deployment = next(
                (one for one in there if one["kind"] == "Deployment" and one["metadata"]["name"] == self._name(name)),
                None,
            )
            if deployment is not None and is_rolled_out(deployment):
                self.agent.forget()
                return
            if stuck := [reason for pod in pods_of(there, name) for reason in faults(pod)]:
                raise DeployError(f"{name} does not become ready: {'; '.join(sorted(set(stuck)))}\n{self._log(name)}")
            self.agent.idle(PAUSE)
        raise DeployError(f"{name} does not become ready within {READY:g} seconds\n{self._log(name)}")

    def _log(self, name: Name) -> str:
        with contextlib.suppress(DeployError):
            chosen = f"--selector={selector(self.objects)},variant={name}"
            return self.kubectl.ask("logs", chosen, f"--tail={LOG_LINES}", "--prefix").strip()
        return "its log cannot be read"

    def remove(self, name: Name) -> None:
        """Take a variant away and wait until its pods have answered what they had."""
        chosen = f"--selector={selector(self.objects)},variant={name}"
        self.kubectl.ask("delete", OF_A_VARIANT, chosen, "--wait=false")
        until = time.monotonic() + GONE
        while self.kubectl.get("pods", chosen) and time.monotonic() < until:
            self.agent.idle(PAUSE)


def selector(objects: list[Object]) -> str:
    """What chooses all objects of the project in its namespace."""
    return f"{SELECTED}={only(objects, ROUTE)['metadata']['labels'][SELECTED]}"


def faults(pod: Object) -> list[str]:
    """Why a pod will not become ready by waiting, as Kubernetes says it."""
    hopeless = {
        *("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError"),
        *("CreateContainerError", "CrashLoopBackOff", "RunContainerError"),
    }
    found = []
    for one in pod.get("status", {}).get("containerStatuses", []):
        waiting = one.get("state", {}).get("waiting", {})
        if waiting.get("reason") in hopeless:
            found.append(f"{waiting['reason']}: {waiting.get('message', 'no more is said')}")
    return found


def render(kubectl: Kubectl, stage: str) -> list[Object]:
    """The objects of a stage's overlay. Raises DeployError where there is none or it cannot be read."""
    overlay = OVERLAYS / stage
    if not (overlay / "kustomization.yaml").is_file():
        there = ", ".join(sorted(path.parent.name for path in OVERLAYS.glob("*/kustomization.yaml"))) or "none"
        raise DeployError(f"{overlay}: there is no such stage; there are: {there}")
    return list(YAML(typ="safe").load_all(kubectl.run("kustomize", str(overlay))))


@contextmanager
def enter(
    kubectl: Kubectl,
    stage: str,
    wait: float,
    headers: Mapping[str, str],
    probe: Mapping[str, Any] | None,
    holder: Mapping[str, str] | None,
    say: Callable[[str], None] = print,
) -> Iterator[Cluster]:
    """A stage in the namespace that the kubeconfig names; with a holder under its lock, and opened."""
    objects = render(kubectl, stage)
    agent = Pods(kubectl, selector(objects))
    named = only(objects, ROUTE)["metadata"]["name"]
    cluster = Cluster(kubectl, f"{named} ({stage})", objects, agent, headers, probe, say)
    if holder is None:
        yield cluster
        return
    with lock(kubectl, f"{named}-deployment", holder, wait, say) as lease:
        agent.alive = lease.renew
        cluster.open()
        yield cluster
