"""Say what deploy.yml is to do: which image a version has, whether there is a host, and the commands for each stage.

    deployment --action deploy --version v1.2.0 --image ghcr.io/owner/model@sha256:... --bundle 3f9a...
    deployment --action rollback

Without an image it is the one that the registry of tags has for the version. DEPLOY_HOST in the environment is the
repository's variable of that name; without it, or where the project deploys nowhere, nothing is done and what to set is
said. What later jobs need goes to GITHUB_OUTPUT.
"""

from __future__ import annotations

import argparse
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..github.api import GitHubError
from ..releasing.registry.registry import read_registry
from ..releasing.registry.release import find_token, write_outputs
from ..releasing.registry.tags import fetch_tags, read_tags
from ..releasing.registry.versions import read_version

ACTIONS = ("deploy", "promote", "rollback")
IMAGE = re.compile(r"([a-z0-9.-]+(?::[0-9]+)?)(?:/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}")
HASH = re.compile(r"[0-9a-f]{64}|")
UNSET = (
    "Nothing is deployed, because the repository's variable `DEPLOY_HOST` is not set. Set it to a Docker host, such as "
    "`ssh://deploy@host.example.com`, `DEPLOY_KNOWN_HOSTS` to the host's keys, and the secret `DEPLOY_SSH_KEY` to a "
    "private key of that user; the environments `staging` and `production` may have values of their own."
)
NO_CLUSTER = (
    "Nothing is deployed, because the repository's variable `DEPLOY_HOST` is not set. Set it to the cluster's address, "
    "and the secret `DEPLOY_KUBECONFIG` of the environments `staging` and `production` to a kubeconfig of each."
)
NOWHERE = "Nothing is deployed, because the project was generated with `deploy_target` none."


@dataclass(frozen=True)
class Deployment:
    """What is to be done. The arguments of `ops deploy` for each stage are empty where nothing is to be done there."""

    version: str = ""
    registry: str = ""
    staging: str = ""
    smoke: str = ""
    production: str = ""


def deployment(action: str, version: str, image: str, bundle: str) -> Deployment:
    """What an action asks for, of a version such as v1.2.0 or none. Raises GitHubError where something is missing."""
    if not version:
        if action == "deploy":
            raise GitHubError("deploy needs a version, such as v1.2.0")
        return Deployment(production=action)
    if action == "rollback":
        raise GitHubError(
            f"rollback goes back to what served before and takes no version; to bring {version}, promote it"
        )
    if not (found := IMAGE.fullmatch(image)):
        raise GitHubError(f"the image of {version} is {image!r}: one by its digest is needed, registry/name@sha256:...")
    if not HASH.fullmatch(bundle):
        raise GitHubError(f"the bundle of {version} is {bundle!r}: its SHA-256 is needed, 64 hexadecimal digits")
    what = f"--version {version.removeprefix('v')} --image {image}" + (f" --bundle-sha256 {bundle}" if bundle else "")
    if action == "promote":
        return Deployment(version, found[1], production=f"promote {what}")
    return Deployment(version, found[1], f"staging {what}", f"smoke --stage staging {what}", f"canary {what}")


def known(root: Path, main: str, version: str) -> tuple[str, str]:
    """Image and bundle of a version, from the registry of tags at origin. Raises GitHubError where it is not there."""
    fetch_tags(root, main, find_token())
    model: str = _settings(root)["project"]["name"]
    registry = read_registry(read_tags(root), model)
    one = registry.versions.get(read_version(version))
    if one is None:
        there = ", ".join(one.tag for one in sorted(registry.versions)) or "none"
        raise GitHubError(f"{version} is not registered, so its image is not known; there are: {there}")
    return one.tag.one("Image"), one.tag.one("Bundle")


def _settings(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> None:
    """The verb `deployment`."""
    parser = argparse.ArgumentParser(
        prog="deployment", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--action", choices=ACTIONS, required=True)
    parser.add_argument("--version", default="", help="such as v1.2.0")
    parser.add_argument("--image", default="", help="its image, by digest (what the registry of tags has)")
    parser.add_argument("--bundle", default="", help="the SHA-256 of its bundle (what the registry of tags has)")
    parser.add_argument("--main", default="main", help="the branch that releases are made from (main)")
    given = parser.parse_args(arguments)
    target = _settings(Path())["tool"]["trainyard"]["deploy_target"]
    if target == "none" or not os.environ.get("DEPLOY_HOST"):
        _say({"none": NOWHERE, "kubernetes": NO_CLUSTER}.get(str(target), UNSET))
        write_outputs(vars(Deployment()))
        return
    version, image, bundle = given.version, given.image, given.bundle
    if version:
        version = read_version(f"v{version.removeprefix('v')}").tag
        if not image and given.action != "rollback":
            image, bundle = known(Path(), given.main, version)
    write_outputs(vars(deployment(given.action, version, image, bundle)))


def _say(text: str) -> None:
    print(f"::notice::{text}" if os.environ.get("GITHUB_ACTIONS") else text)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as opened:
            opened.write(f"{text}\n")
