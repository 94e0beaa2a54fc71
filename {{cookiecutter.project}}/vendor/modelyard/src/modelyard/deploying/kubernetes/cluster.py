"""A stage in a Kubernetes namespace: read its state, and take the steps of a plan in it.

A variant is a Deployment with its service, autoscaler and budget; the router is the route, whose weights share out the
requests.
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
from .. import shipping
from ..failure import DeployError
from ..metrics import Traffic
from ..serving import beside, borrowed, releases
from ..smoke import smoke
from ..stage import DeployStage
from ..state import NAMES, DeployedVersion, Name, State, Variant
from .equipment import equipped
from .kubectl import Kubectl, Object
from .lease import lock
from .manifests import ROUTE, is_rolled_out, only, pods_of, read_objects, shared, variant_objects, weighted_route
from .pods import Pods

OVERLAYS = Path("deploy/kubernetes/overlays")
READY = 300.0  # seconds for the pods of a variant to be ready: a node may have to be started first
SETTLE = 10.0  # seconds for the routers to learn of weights, and for requests that were begun to be answered
PAUSE = 1.0
GONE = 60.0  # seconds for pods to end
LOG_LINES = 20
SELECTED = "app.kubernetes.io/name"
KINDS = "deployments,pods,httproutes.gateway.networking.k8s.io"
OF_A_VARIANT = "deployments,horizontalpodautoscalers,poddisruptionbudgets,configmaps,networkpolicies"


@dataclass(frozen=True)
class ClusterStage(DeployStage):
    """A stage of the project in a namespace."""

    kubectl: Kubectl
    project: str
    objects: list[Object]
    agent: Pods
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    probe: Mapping[str, Any] | None = None
    say: Callable[[str], None] = print

    def read(self) -> State:
        """The state, from the cluster itself."""
        return read_objects(self.objects, self._current_objects())

    def drain(self, weights: tuple[int, int]) -> None:
        """Set the weights, and wait until the routers have them and running requests are answered."""
        self.shift(weights)
        self.agent.idle(SETTLE)

    def shift(self, weights: tuple[int, int]) -> None:
        """Set the route's weights, after scaling up the variant that gets more. Raises DeployError."""
        current = self._current_objects()
        pods = {name: len(pods_of(current, name)) for name in NAMES}
        needed = max(pods.values())
        for name, weight in zip(NAMES, weights, strict=True):
            if pods[name] and pods[name] < (wanted := math.ceil(needed * weight / 100)):
                self.kubectl.ask("scale", f"deployment/{self._name(name)}", f"--replicas={wanted}")
                self._wait(name)
        self.kubectl.apply([weighted_route(self.objects, weights)])

    def traffic(self) -> Mapping[str, Traffic]:
        """The requests of clients to each variant, as its pods counted them."""
        return self.agent.traffic(self.headers)

    def smoke(self, name: Name, variant: Variant) -> list[str]:
        """What the smoke test of a variant checked. Raises DeployError with the first check that failed."""
        probe = self.agent.probe(name) if self.probe is None else self.probe
        return smoke(self.agent, name, variant.release, probe, self.headers)

    def open(self) -> None:
        """Apply what both variants need, and a route if there is none; an existing one keeps its weights."""
        self.kubectl.apply(shared(self.objects))
        if not any(one["kind"] == ROUTE for one in self._current_objects()):
            self.kubectl.apply([weighted_route(self.objects, (100, 0))])

    def _current_objects(self) -> list[Object]:
        return self.kubectl.get(KINDS, f"--selector={selector(self.objects)}")

    def _name(self, name: Name) -> str:
        deployment: str = only(self.objects, "Deployment", name)["metadata"]["name"]
        return deployment

    def start(self, name: Name, release: DeployedVersion, history: tuple[DeployedVersion, ...]) -> None:
        """Make a variant's objects, and see that its pods serve. Raises DeployError where they do not."""
        settings = read_policy()
        policy, store = beside(settings.serving, release), settings.monitor.store
        if store and shipping.is_folder(store):
            self.say(f"  monitor.store is {store}, a folder, which pods do not have: the log is not shipped")
            store = None
        images = borrowed(policy, release, releases(self.read()))
        objects = variant_objects(self.objects, name, release, history)
        self.kubectl.apply(equipped(objects, name, policy, images, store, shipping.pipeline_image(release)))
        self._wait(name)
        for line in self.smoke(name, Variant(release, history, serving=True)):
            self.say(f"  {line}")

    def _wait(self, name: Name) -> None:
        """Wait until all pods of a variant are ready. Raises DeployError with what they say where they are not."""
        until = time.monotonic() + READY
        while time.monotonic() < until:
            current = self._current_objects()
            deployment = next(
                (one for one in current if one["kind"] == "Deployment" and one["metadata"]["name"] == self._name(name)),
                None,
            )
            if deployment is not None and is_rolled_out(deployment):
                self.agent.forget()
                return
            if stuck := [reason for pod in pods_of(current, name) for reason in faults(pod)]:
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
    """Why a pod will not become ready by waiting, in Kubernetes' words."""
    hopeless = {
        *("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError"),
        *("CreateContainerError", "CrashLoopBackOff", "RunContainerError"),
    }
    reasons = []
    for status in pod.get("status", {}).get("containerStatuses", []):
        waiting = status.get("state", {}).get("waiting", {})
        if waiting.get("reason") in hopeless:
            reasons.append(f"{waiting['reason']}: {waiting.get('message', 'no more is said')}")
    return reasons


def render(kubectl: Kubectl, stage: str) -> list[Object]:
    """The objects of a stage's overlay. Raises DeployError where there is none or it cannot be read."""
    overlay = OVERLAYS / stage
    if not (overlay / "kustomization.yaml").is_file():
        stages = ", ".join(sorted(path.parent.name for path in OVERLAYS.glob("*/kustomization.yaml"))) or "none"
        raise DeployError(f"{overlay}: there is no such stage; there are: {stages}")
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
) -> Iterator[ClusterStage]:
    """A stage in the namespace that the kubeconfig names; with a holder under its lock, and opened."""
    objects = render(kubectl, stage)
    agent = Pods(kubectl, selector(objects))
    named = only(objects, ROUTE)["metadata"]["name"]
    cluster = ClusterStage(kubectl, f"{named} ({stage})", objects, agent, headers, probe, say)
    if holder is None:
        yield cluster
        return
    with lock(kubectl, f"{named}-deployment", holder, wait, say) as lease:
        agent.alive = lease.renew
        cluster.open()
        yield cluster
