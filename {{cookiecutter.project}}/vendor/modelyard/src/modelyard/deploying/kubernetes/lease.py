"""The lock of a stage in Kubernetes: a Lease that is renewed while a deployment runs, and expires if it is killed."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..failure import DeployError
from .kubectl import Kubectl, Object

SECONDS = 60  # without renewal, the lock is free after these
RENEWED = 15.0  # seconds after which it is renewed
PAUSE = 2.0  # seconds between two attempts to get it
HOLDER = "modelyard/holder"


@dataclass
class Lease:
    """A lock that is held."""

    kubectl: Kubectl
    resource: Object
    _renewed: float = field(default_factory=time.monotonic)

    def renew(self) -> None:
        """Renew the lease if it is due. Raises DeployError if somebody else has the lock."""
        if time.monotonic() - self._renewed < RENEWED:
            return
        self.resource["spec"]["renewTime"] = _text(datetime.now(UTC))
        self.resource = _replace(self.kubectl, self.resource)
        self._renewed = time.monotonic()


@contextmanager
def lock(
    kubectl: Kubectl, name: str, holder: Mapping[str, str], wait: float = 0.0, say: Callable[[str], None] = print
) -> Iterator[Lease]:
    """The lock of a stage. wait: for how many seconds another may still hold it. Raises DeployError."""
    until, announced = time.monotonic() + wait, False
    description = ", ".join(f"{key} {value}" for key, value in holder.items())
    while (lease := _take(kubectl, name, description)) is None:
        other = _holder(kubectl, name)
        if time.monotonic() >= until:
            raise DeployError(
                f"another deployment holds the lease {name} ({other}); wait for its end, or give `--wait SECONDS`. "
                f"Where it was killed, the lease runs out within {SECONDS} seconds"
            )
        if not announced:
            say(f"waiting for another deployment ({other})")
            announced = True
        time.sleep(PAUSE)
    try:
        yield lease
    finally:
        with contextlib.suppress(DeployError):  # it expires by itself
            lease.resource["spec"]["leaseDurationSeconds"] = 1
            lease.resource["spec"]["renewTime"] = _text(datetime.now(UTC) - timedelta(hours=1))
            _replace(kubectl, lease.resource)


def _take(kubectl: Kubectl, name: str, description: str) -> Lease | None:
    """The lock, or None where another has it: of two who try at once, the server lets one through."""
    spec = {
        "holderIdentity": uuid.uuid4().hex,
        "leaseDurationSeconds": SECONDS,
        "renewTime": _text(datetime.now(UTC)),
    }
    metadata: Object = {"name": name, "annotations": {HOLDER: description}}
    wanted: Object = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    current = kubectl.find("leases", name)
    if current and not _is_over(current):
        return None
    if current:
        metadata["resourceVersion"] = current["metadata"]["resourceVersion"]
    try:
        lease = _replace(kubectl, wanted) if current else _create(kubectl, wanted)
    except DeployError as error:
        if "AlreadyExists" in str(error) or "Conflict" in str(error):
            return None
        raise
    return Lease(kubectl, lease)


def _is_over(lease: Object) -> bool:
    renewed = datetime.fromisoformat(lease["spec"]["renewTime"])
    return datetime.now(UTC) > renewed + timedelta(seconds=lease["spec"]["leaseDurationSeconds"])


def _holder(kubectl: Kubectl, name: str) -> str:
    lease = kubectl.find("leases", name)
    if lease is None:
        return "it just ended"
    holder: str = lease["metadata"].get("annotations", {}).get(HOLDER, "it does not say whose")
    return holder


def _create(kubectl: Kubectl, lease: Object) -> Object:
    created: Object = json.loads(kubectl.ask("create", "--filename=-", "--output=json", text=json.dumps(lease)))
    return created


def _replace(kubectl: Kubectl, lease: Object) -> Object:
    replaced: Object = json.loads(kubectl.ask("replace", "--filename=-", "--output=json", text=json.dumps(lease)))
    return replaced


def _text(moment: datetime) -> str:
    """A moment as Kubernetes writes it, with microseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
