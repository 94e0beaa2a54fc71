"""The objects in `deploy/kubernetes`, and the state of a stage that such objects hold. The functions are pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from ..failure import DeployError
from ..state import NAMES, DeployedVersion, Name, State, Variant, dump_versions, load_versions

Object = dict[str, Any]

VERSIONS = "modelyard/releases"  # annotation of a Deployment: its release, and those before
CONTAINER = "serving"
ROUTE = "HTTPRoute"


def variant_of(one: Object) -> str:
    """The variant that an object belongs to; empty where it belongs to both."""
    variant: str = one["metadata"].get("labels", {}).get("variant", "")
    return variant


def only(objects: Iterable[Object], kind: str, variant: str = "") -> Object:
    """The only object of a kind and a variant. Raises DeployError unless there is exactly one."""
    matching = [one for one in objects if one["kind"] == kind and variant_of(one) == variant]
    if len(matching) != 1:
        named = f"{kind} with the label variant={variant}" if variant else kind
        raise DeployError(f"deploy/kubernetes makes {len(matching)} objects that are a {named}; one is needed")
    return matching[0]


def shared(objects: Iterable[Object]) -> list[Object]:
    """What must be there before a variant is: the objects of both, but the route, and the services that it names."""
    return [one for one in objects if one["kind"] != ROUTE and (not variant_of(one) or one["kind"] == "Service")]


def variant_objects(
    objects: Iterable[Object], name: Name, release: DeployedVersion, history: Sequence[DeployedVersion]
) -> list[Object]:
    """The objects of a variant that runs a release. Raises DeployError."""
    copies = [copy.deepcopy(one) for one in objects if variant_of(one) == name]
    deployment = only(copies, "Deployment", name)
    deployment["metadata"].setdefault("annotations", {})[VERSIONS] = dump_versions([release, *history])
    containers = {one["name"]: one for one in deployment["spec"]["template"]["spec"]["containers"]}
    if CONTAINER not in containers:
        raise DeployError(f"the Deployment of {name} has no container {CONTAINER}; it has: {', '.join(containers)}")
    containers[CONTAINER]["image"] = release.image
    return copies


def weighted_route(objects: Iterable[Object], weights: tuple[int, int]) -> Object:
    """The route with these weights for stable and canary. Raises DeployError where it does not name their services."""
    objects = list(objects)
    route = copy.deepcopy(only(objects, ROUTE))
    wanted = dict(zip((only(objects, "Service", name)["metadata"]["name"] for name in NAMES), weights, strict=True))
    for rule in route["spec"]["rules"]:
        named = {one["name"]: one for one in rule["backendRefs"]}
        if named.keys() != wanted.keys():
            raise DeployError(f"a rule of the route names {', '.join(named)}; {' and '.join(wanted)} are needed")
        for service, one in named.items():
            one["weight"] = wanted[service]
    return route


def weights_of(objects: Iterable[Object], route: Object) -> tuple[int, int]:
    """The weights of stable and canary in the cluster's route; a missing weight is 1."""
    objects = list(objects)
    by_service = {one["name"]: one.get("weight", 1) for rule in route["spec"]["rules"] for one in rule["backendRefs"]}
    stable, canary = (by_service.get(only(objects, "Service", name)["metadata"]["name"], 0) for name in NAMES)
    return stable, canary


def read_objects(objects: Sequence[Object], current: Sequence[Object]) -> State:
    """The state of a stage from the manifests' objects and the cluster's current Deployments, pods and route."""
    wanted = only(objects, ROUTE)["metadata"]["name"]
    route = next((one for one in current if one["kind"] == ROUTE and one["metadata"]["name"] == wanted), None)
    variants: dict[str, Variant] = {}
    for name in NAMES:
        deployment_name = only(objects, "Deployment", name)["metadata"]["name"]
        deployments = [
            one for one in current if one["kind"] == "Deployment" and one["metadata"]["name"] == deployment_name
        ]
        if deployments:
            variants[name] = _variant(name, deployments[0], pods_of(current, name))
    weights = (100, 0) if route is None else weights_of(objects, route)
    return State(variants.get("stable"), variants.get("canary"), weights, route is not None)


def pods_of(objects: Iterable[Object], name: Name) -> list[Object]:
    """The pods of a variant that are not being deleted."""
    pods = (one for one in objects if one["kind"] == "Pod" and variant_of(one) == name)
    return [one for one in pods if "deletionTimestamp" not in one["metadata"]]


def restarts(pod: Object) -> int:
    """How often the containers of a pod were started again."""
    return sum(one["restartCount"] for one in pod.get("status", {}).get("containerStatuses", []))


def is_ready(pod: Object) -> bool:
    """Whether a pod gets requests."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def is_rolled_out(deployment: Object) -> bool:
    """Whether all pods of a Deployment, and at least one, are of its latest description and ready."""
    status = deployment.get("status", {})
    wanted = deployment["spec"].get("replicas", 1)
    counted = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    return wanted > 0 and _is_seen(deployment) and counted == [wanted] * 3


def _is_seen(deployment: Object) -> bool:
    return bool(deployment.get("status", {}).get("observedGeneration") == deployment["metadata"]["generation"])


def _variant(name: Name, deployment: Object, pods: Sequence[Object]) -> Variant:
    status = deployment.get("status", {})
    versions = load_versions(deployment["metadata"].get("annotations", {}).get(VERSIONS, ""))
    (image,) = (
        one["image"] for one in deployment["spec"]["template"]["spec"]["containers"] if one["name"] == CONTAINER
    )
    ready, all_pods = status.get("availableReplicas", 0), status.get("replicas", 0)
    # while it is scaled up some are not ready yet, and it serves all the same; of an older description none may be
    serving = _is_seen(deployment) and ready > 0 and status.get("updatedReplicas", 0) == all_pods
    is_known = versions and versions[0].image == image  # somebody else may have put another image there
    return Variant(
        release=versions[0] if is_known else DeployedVersion(image, "unknown"),
        history=versions[1:] if is_known else versions,
        serving=bool(serving),
        instance=deployment["metadata"]["uid"],
        address=name,
        started=str(max(map(restarts, pods), default=0)),
        status=f"{ready} of {deployment['spec'].get('replicas', 1)} pods ready",
    )
