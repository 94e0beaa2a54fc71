"""An image sent to a registry, for this machine's platform or for several."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from ...errors import ContractError
from .build import ReleaseBuild
from .engine import Docker
from .images import build_arguments, image_name


def push(docker: Docker, release: ReleaseBuild, target: str, repository: str, platforms: str, bundle: str) -> str:
    """Send one of TARGETS to a repository of a registry, tagged with the version; its reference by digest.

    The service goes to `repository` itself, the pipeline to `repository-pipeline`. With `platforms` the image is built
    for each of them, from what build/ holds since the release was made; the layers of this machine's platform come from
    the build's cache.

    Raises ContractError where the registry refuses or does not answer.
    """
    name = repository if target == "service" else f"{repository}-{target}"
    tag = f"{name}:{release.version}"
    if platforms and platforms != docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}").strip():
        if not docker.buildx:
            raise ContractError(f"--platforms {platforms} needs Docker's plugin buildx, and {docker.client} has none")
        with tempfile.TemporaryDirectory() as folder:
            metadata = Path(folder) / "metadata.json"
            docker.build(
                target,
                tag,
                build_arguments(release, bundle),
                ["--platform", platforms, "--push", "--provenance", "false", "--metadata-file", str(metadata)],
            )
            digest = json.loads(metadata.read_text(encoding="utf-8"))["containerimage.digest"]
        return f"{tag}@{digest}"
    docker("tag", image_name(release, target), tag)
    docker("push", "--quiet", tag)
    digests = json.loads(docker("image", "inspect", "--format", "{{json .RepoDigests}}", tag))
    pushed = [one.partition("@")[2] for one in digests if one.startswith(f"{name}@")]
    if not pushed:
        raise ContractError(f"{tag} was pushed, and Docker reports no digest of it; look at the registry")
    return f"{tag}@{pushed[0]}"
