"""The containers of a stage on a host, and the images that they are made of."""

from __future__ import annotations

import json
from typing import Any

from ..failure import DeployError
from .host import PULL_TIMEOUT, Host


def containers(host: Host, project: str) -> list[dict[str, Any]]:
    """What `docker inspect` says of a stage's containers."""
    filters = [f"label=com.docker.compose.project={project}", "label=com.docker.compose.oneoff=False"]
    listed = host.docker("ps", "--all", "--quiet", *(part for one in filters for part in ("--filter", one))).split()
    if not listed:
        return []
    descriptions: list[dict[str, Any]] = json.loads(host.docker("inspect", *listed))
    return descriptions


def pull(host: Host, image: str) -> str:
    """Pull an image unless the host has it. Returns the user that it runs as. Raises DeployError."""
    look = ["image", "inspect", "--format", "{{.Config.User}}", image]
    try:
        return host.docker(*look).strip()
    except DeployError:
        host.docker("pull", "--quiet", image, timeout=PULL_TIMEOUT)
    return host.docker(*look).strip()
