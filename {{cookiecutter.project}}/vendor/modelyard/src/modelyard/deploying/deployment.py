"""Decide what deploy.yml does: which image of a version it deploys, and by which command in each stage.

    deployment --action deploy --version v1.2.0
    deployment --action rollback

The image is the one registered for the version. It is refused unless the registry has no faults, the version's commit
is on main, the images are in the project's repositories of images (GITHUB_REPOSITORY, IMAGE_REGISTRY), and, where the
project has signatures or attestations (ATTESTED=true), these say that release.yml on main made it.

DEPLOY_HOST in the environment is the repository's variable of that name; if it is not set, or the project has no deploy
target, nothing is deployed, and a message says what to set. Values for later jobs are written to GITHUB_OUTPUT.
"""

from __future__ import annotations

import argparse
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..github.api import GitHubError, checked_repository, client
from ..github.outputs import write_outputs, write_summary
from ..releasing.registry.candidate import image_of
from ..releasing.registry.evidence import require_evidence
from ..releasing.registry.integrity import require_intact, require_on_main, require_own_image
from ..releasing.registry.registry import read_registry
from ..releasing.registry.release import find_token
from ..releasing.registry.tags import fetch_tags, read_tags
from ..versions import read_version
from . import compose, kubernetes

ACTIONS = ("deploy", "promote", "rollback")
IMAGE = re.compile(r"([a-z0-9.-]+(?::[0-9]+)?)(?:/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}")
HASH = re.compile(r"[0-9a-f]{64}|")
UNSET = {"compose": compose.UNSET, "kubernetes": kubernetes.UNSET}
NOWHERE = "Nothing is deployed, because the project was generated with `deploy_target` none."


@dataclass(frozen=True)
class Deployment:
    """The arguments of the verb `deploy` for each stage; empty for a stage where nothing is done."""

    version: str = ""
    registry: str = ""
    staging: str = ""
    smoke: str = ""
    production: str = ""


def deployment(action: str, version: str, image: str, bundle: str, pipeline: str = "") -> Deployment:
    """The commands of an action. version: such as v1.2.0, or empty. Raises GitHubError if something is missing.

    pipeline: the image that ships the log; empty for a version that was registered without it.
    """
    if not version:
        if action == "deploy":
            raise GitHubError("deploy needs a version, such as v1.2.0")
        return Deployment(production=action)
    if action == "rollback":
        raise GitHubError(
            f"rollback restores what served before and accepts no version; to deploy {version}, promote it"
        )
    if not (match := IMAGE.fullmatch(image)):
        raise GitHubError(f"the image of {version} is {image!r}: one by its digest is needed, registry/name@sha256:...")
    if not HASH.fullmatch(bundle):
        raise GitHubError(f"the bundle of {version} is {bundle!r}: its SHA-256 is needed, 64 hexadecimal digits")
    release = f"--version {version.removeprefix('v')} --image {image}" + (
        f" --bundle-sha256 {bundle}" if bundle else ""
    )
    if pipeline and not IMAGE.fullmatch(pipeline):
        raise GitHubError(f"the pipeline's image of {version} is {pipeline!r}: one by its digest is needed")
    release += f" --pipeline-image {pipeline}" if pipeline else ""
    if action == "promote":
        return Deployment(version, match[1], production=f"promote {release}")
    return Deployment(version, match[1], f"staging {release}", f"smoke --stage staging {release}", f"canary {release}")


def registered(root: Path, main: str, version: str) -> tuple[str, str, str]:
    """Image, bundle and pipeline's image of a version, from origin's registry, after all checks of their origin.

    Raises GitHubError if the version is not registered, or if the tag that registers it is not to be followed.
    """
    fetch_tags(root, main, find_token())
    model: str = _settings(root)["project"]["name"]
    registry = read_registry(read_tags(root), model)
    require_intact(root, registry, main)
    one = registry.versions.get(read_version(version))
    if one is None:
        versions = ", ".join(one.tag for one in sorted(registry.versions)) or "none"
        raise GitHubError(f"{version} is not registered, so its image is not known; there are: {versions}")
    repository = checked_repository(os.environ.get("GITHUB_REPOSITORY", ""))
    require_on_main(root, one.tag, main)
    _, own = image_of(os.environ.get("IMAGE_REGISTRY", ""), repository.partition("/")[0], model)
    require_own_image(one.tag, "Image", own)
    image, pipeline = one.tag.one("Image"), one.tag.one("Pipeline")
    if pipeline:  # else it was registered by an earlier version of the library
        require_own_image(one.tag, "Pipeline", f"{own}-pipeline")
    attested = os.environ.get("ATTESTED") == "true"
    images = [image, *([pipeline] if pipeline else [])]
    for line in require_evidence(root, client(), repository, main, one.version, images, attested):
        print(line)
    return image, one.tag.one("Bundle"), pipeline


def _settings(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> None:
    """The verb `deployment`."""
    parser = argparse.ArgumentParser(
        prog="deployment", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--action", choices=ACTIONS, required=True)
    parser.add_argument("--version", default="", help="such as v1.2.0")
    parser.add_argument("--main", default="main", help="the branch that releases are made from (main)")
    options = parser.parse_args(arguments)
    target = _settings(Path())["tool"]["modelyard"]["deploy_target"]
    if target == "none" or not os.environ.get("DEPLOY_HOST"):
        _say(UNSET.get(str(target), NOWHERE))
        _write_and_print(Deployment())
        return
    version, image, bundle, pipeline = options.version, "", "", ""
    if version:
        version = read_version(f"v{version.removeprefix('v')}").tag
        if options.action != "rollback":
            image, bundle, pipeline = registered(Path(), options.main, version)
    _write_and_print(deployment(options.action, version, image, bundle, pipeline))


def _write_and_print(plan: Deployment) -> None:
    print(write_outputs(vars(plan)), end="")


def _say(text: str) -> None:
    print(f"::notice::{text}" if os.environ.get("GITHUB_ACTIONS") else text)
    write_summary(f"{text}\n")
