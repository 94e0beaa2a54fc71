"""What ships the prediction log of a stage to `monitor.store` of policy.yaml: a container of the pipeline's image."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from .serving import plain, repository
from .state import DeployedVersion

NAME = "ship"
PORT = 9100  # of its metrics
FOLDER = "/var/lib/store"  # where the container has a store that is a folder


def pipeline_image(release: DeployedVersion) -> str:
    """The image of the pipeline of the same version: the registered one by its digest, or PIPELINE_IMAGE.

    Of what was deployed by hand, or registered before pipelines were, it is the one with the version's tag.
    """
    named = f"{repository(release.image)}-pipeline:{plain(release.version)}"
    return os.environ.get("PIPELINE_IMAGE") or release.pipeline or named


def is_folder(store: str) -> bool:
    """Whether a store is a folder of the host."""
    return "://" not in store


def port_of(store: str) -> int:
    """The port at which the store's server listens."""
    parts = urlsplit(store)
    return parts.port or {"ssh": 22, "sftp": 22}.get(parts.scheme, 443)
