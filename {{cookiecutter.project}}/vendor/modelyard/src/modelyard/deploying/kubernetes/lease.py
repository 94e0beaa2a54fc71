"""The lock of a stage in Kubernetes: a Lease, renewed while a deployment lives, that runs out when it was killed."""

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

SECONDS = 60  # after so long without a sign of life the lock is free
RENEWED = 15.0  # seconds after which it is renewed
PAUSE = 2.0  # seconds between two attempts to get it
HOLDER = "trainyard/holder"


@dataclass
class Lease:
    """A lock that is held."""

    kubectl: Kubectl
    found: Object
    _renewed: float = field(default_factory=time.monotonic)

    def renew(self) -> None:
        """Say that we live, where it is time to. Raises DeployError where somebody else has the lock."""
        if time.monotonic() - self._renewed < RENEWED:
            return
        self.found["spec"]["renewTime"] = _text(datetime.now(UTC))
        self.found = _replace(self.kubectl, self.found)
        self._renewed = time.monotonic()


@contextmanager
def lock(
    kubectl: Kubectl, name: str, holder: Mapping[str, str], wait: float = 0.0, say: Callable[[str], None] = print
) -> Iterator[Lease]:
    """The lock of a stage. wait: for how many seconds another may still hold it. Raises DeployError."""
    until, told = time.monotonic() + wait, False
    who = ", ".join(f"{key} {value}" for key, value in holder.items())
    while (lease := _take(kubectl, name, who)) is None:
        other = _holder(kubectl, name)
        if time.monotonic() >= until:
            raise DeployError(
                f"another deployment holds the lease {name} ({other}); wait for its end, or give `--wait SECONDS`. "
                f"Where it was killed, the lease runs out within {SECONDS} seconds"
            )
        if not told:
            say(f"waiting for another deployment ({other})")
            told = True
        time.sleep(PAUSE)
    try:
        yield lease
    finally:
        with contextlib.suppress(DeployError):  # it runs out by itself
            lease.found["spec"]["leaseDurationSeconds"] = 1
            lease.found["spec"]["renewTime"] = _text(datetime.now(UTC) - timedelta(hours=1))
            _replace(kubectl, lease.found)


def _take(kubectl: Kubectl, name: str, who: str) -> Lease | None:
    """The lock, or None where another has it: of two who try at once, the server lets one through."""
    spec = {
        "holderIdentity": uuid.uuid4().hex,
        "leaseDurationSeconds": SECONDS,
        "renewTime": _text(datetime.now(UTC)),
    }
    described: Object = {"name": name, "annotations": {HOLDER: who}}
    wanted: Object = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": described, "spec": spec}
    there = kubectl.find("leases", name)
    if there and not _is_over(there):
        return None
    if there:
        described["resourceVersion"] = there["metadata"]["resourceVersion"]
    try:
        made = _replace(kubectl, wanted) if there else _create(kubectl, wanted)
    except DeployError as error:
        if "AlreadyExists" in str(error) or "Conflict" in str(error):
            return None
        raise
    return Lease(kubectl, made)


def _is_over(lease: Object) -> bool:
    renewed = datetime.fromisoformat(lease["spec"]["renewTime"])
    return datetime.now(UTC) > renewed + timedelta(seconds=lease["spec"]["leaseDurationSeconds"])


def _holder(kubectl: Kubectl, name: str) -> str:
    lease = kubectl.find("leases", name)
    if lease is None:
        return "it just ended"
    found: str = lease["metadata"].get("annotations", {}).get(HOLDER, "it does not say whose")
    return found


def _create(kubectl: Kubectl, lease: Object) -> Object:
    made: Object = json.loads(kubectl.ask("create", "--filename=-", "--output=json", text=json.dumps(lease)))
    return made


def _replace(kubectl: Kubectl, lease: Object) -> Object:
    made: Object = json.loads(kubectl.ask("replace", "--filename=-", "--output=json", text=json.dumps(lease)))
    return made


def _text(moment: datetime) -> str:
    """A moment as Kubernetes writes it, with microseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
