"""What policy.yaml adds to a variant's objects: its configuration, others' bundles, and what ships its log."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...judging.serving import Serving
from .. import lend, shipping
from ..failure import DeployError
from ..scripts import script
from ..serving import BUNDLES, configured
from ..state import Name
from .manifests import CONTAINER, Object, only

FILE = "serving.json"
VOLUME = "bundles"
SIZE = "1Gi"  # of the bundles that a pod borrows


def equipped(
    objects: Sequence[Object],
    name: Name,
    policy: Serving,
    images: Mapping[str, str],
    store: str | None = None,
    shipper: str = "",
) -> list[Object]:
    """The objects of a variant with the policy in its configuration, and a container first for each bundle to bring.

    images: the image of each version whose bundle is needed. store: where a container of the image `shipper` ships the
    log to, or None. Raises DeployError where there is no configuration, or it
    says something that the policy says too.
    """
    copies = copy.deepcopy(list(objects))
    pod = only(copies, "Deployment", name)["spec"]["template"]["spec"]
    _configure(only(copies, "ConfigMap", name), pod, policy)
    if images:
        _borrow(pod, images)
    if store:
        copies.append(_ship(copies, name, store, shipper))
    return copies


def _configure(settings: Object, pod: Any, policy: Serving) -> None:
    """Put the policy into the configuration, under a name of its content, so that a change of it makes new pods."""
    try:
        content = json.loads(settings["data"][FILE])
    except (KeyError, ValueError) as fault:
        raise DeployError(f"deploy/kubernetes: the ConfigMap of the service has no {FILE} in JSON: {fault}") from None
    configuration = configured(content, "deploy/kubernetes/project", policy)
    if configuration == content:
        return
    text = json.dumps(configuration, indent=1)
    old = settings["metadata"]["name"]
    new = f"{old}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    settings["data"][FILE], settings["metadata"]["name"] = text, new
    for volume in pod["volumes"]:
        if volume.get("configMap", {}).get("name") == old:
            volume["configMap"]["name"] = new


def _borrow(pod: Any, images: Mapping[str, str]) -> None:
    """Have each bundle copied out of its image, into a folder of the pod, before the service starts."""
    (service,) = (one for one in pod["containers"] if one["name"] == CONTAINER)
    program = script("main()", lend)
    mount = {"name": VOLUME, "mountPath": BUNDLES}
    pod["volumes"].append({"name": VOLUME, "emptyDir": {"sizeLimit": SIZE}})
    service["volumeMounts"].append({**mount, "readOnly": True})
    pod.setdefault("initContainers", []).extend(
        {
            "name": f"bundle-{number}",
            "image": image,
            "command": ["python3", "-I", "-c", program, version, BUNDLES],
            "resources": service["resources"],
            "securityContext": service["securityContext"],
            "volumeMounts": [mount],
        }
        for number, (version, image) in enumerate(images.items())
    )


def _ship(objects: Sequence[Object], name: Name, store: str, image: str) -> Object:
    """Add what ships the log, which starts before the service and ends after it. Returns its way out of the cluster.

    The secret `shipping` has its credentials as variables, where there is one.
    """
    deployment = only(objects, "Deployment", name)
    pod = deployment["spec"]["template"]["spec"]
    (service,) = (one for one in pod["containers"] if one["name"] == CONTAINER)
    folder = (json.loads(only(objects, "ConfigMap", name)["data"][FILE]).get("log") or {}).get("folder")
    mounts = [one for one in service["volumeMounts"] if one["mountPath"] in (folder, "/tmp")]  # noqa: S108
    if folder not in [one["mountPath"] for one in mounts]:
        raise DeployError(f"monitor.store is {store}, but the service writes no log to a volume, so nothing is shipped")
    program = deployment["metadata"]["labels"]["app.kubernetes.io/name"]
    pod.setdefault("initContainers", []).append(
        {
            "name": shipping.NAME,
            "image": image,
            "restartPolicy": "Always",
            "command": [f"/opt/venv/bin/{program}", "ship", "--folder", folder],
            "env": [{"name": "STORE", "value": store}],
            "envFrom": [{"secretRef": {"name": "shipping", "optional": True}}],
            "ports": [{"name": shipping.NAME, "containerPort": shipping.PORT}],
            "resources": {
                "requests": {"cpu": "50m", "memory": "128Mi"},
                "limits": {"cpu": "500m", "memory": "384Mi"},
            },
            "securityContext": service["securityContext"],
            "volumeMounts": mounts,
        }
    )
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"{deployment['metadata']['name']}-ship",
            "labels": dict(deployment["metadata"]["labels"]),
        },
        "spec": {
            "podSelector": {"matchLabels": dict(deployment["spec"]["selector"]["matchLabels"])},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
                    "ports": [{"protocol": "TCP", "port": shipping.NAME}],
                }
            ],
            "egress": [
                {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
                {"ports": [{"protocol": "TCP", "port": shipping.port_of(store)}]},
            ],
        },
    }
