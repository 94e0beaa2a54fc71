"""The container that ships the prediction log of a stage, where policy.yaml names a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...judging.policy import read_policy
from .. import shipping
from ..failure import DeployError
from ..state import DeployedVersion
from .containers import containers, pull
from .host import Host
from .reading import service_of

READY = 90.0  # seconds for a new container to run


def ship(host: Host, project: str, release: DeployedVersion, say: Callable[[str], None]) -> None:
    """Start what ships the log, or remove it where there is no store. If it cannot start, the version serves on."""
    store = read_policy().monitor.store
    try:
        if not store:
            if any(service_of(one) == shipping.NAME for one in containers(host, project)):
                host.compose(project, "rm", "--stop", "--force", shipping.NAME)
            return
        image = shipping.pipeline_image(release)
        pull(host, image)
        variables = {"SHIP_IMAGE": image, "SHIP_STORE": store}
        if shipping.is_folder(store):
            variables |= {"SHIP_STORE": shipping.FOLDER, "SHIP_FOLDER": str(Path(store).absolute())}
        up = ["up", "--detach", "--no-deps", "--no-build", "--pull", "never", shipping.NAME]
        host.compose(project, *up, timeout=READY, variables=variables)
        say(f"  {image} ships the log")
    except DeployError as fault:
        say(f"  the log is not shipped, and waits on the host: {fault}")
