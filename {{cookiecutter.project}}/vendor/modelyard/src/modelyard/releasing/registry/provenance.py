"""Whether registered versions are from where releases are: their commits on main, their images the project's own.

Whoever may push can make a tag in the form of `register`. A deployment refuses it, and this tells before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ...git import find_commit, try_git
from ...github.api import GitHubError, checked_repository
from ...github.doctor import origin
from .candidate import image_of
from .integrity import is_on_main, is_own_image, release_policy
from .registry import Registry
from .tags import Tag

GITHUBS = "ghcr.io"  # its owners are those of GitHub's repositories; of other registries only IMAGE_REGISTRY tells
KEYS = {"Image": "", "Pipeline": "-pipeline"}  # what the name of the image ends with


def provenance(root: Path, registry: Registry, main: str) -> tuple[list[str], list[str]]:
    """The versions that no release of the project registered, a sentence each, and what this clone cannot tell.

    Left out are the sentences that main accepts.
    """
    tags = [one.tag for _, one in sorted(registry.versions.items())]
    is_known = find_commit(root, f"refs/remotes/origin/{main}") is not None
    off_main, unsure = _off_main(root, tags, main) if is_known else ([], [])
    if tags and not is_known:
        unsure = [f"whether the versions are on {main}: get it with `git fetch origin {main}`"]
    foreign, places = _foreign(root, tags, registry.model)
    if places:
        unsure.append(
            f"whether images in {', '.join(places)} are the project's: set IMAGE_REGISTRY as the releases have it"
        )
    found = off_main + foreign
    accepted = release_policy(root, main).accepted_faults if is_known and found else ()
    return [one for one in found if one not in accepted], unsure


def _off_main(root: Path, tags: Iterable[Tag], main: str) -> tuple[list[str], list[str]]:
    found = [tag for tag in tags if not is_on_main(root, tag.commit, main)]
    if found and try_git(root, "rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        names = ", ".join(tag.name for tag in found)
        return [], [f"whether {names} is on {main}, as the clone is shallow: `git fetch --unshallow`"]
    return [
        f"{tag.name} names {tag.commit[:7]}, which is not on {main}: unless `git fetch` brings it there, no "
        "release made this tag; who made it?"
        for tag in found
    ], []


def _foreign(root: Path, tags: Iterable[Tag], model: str) -> tuple[list[str], list[str]]:
    """The images that are not in the project's repositories of images, and the repositories that may be so."""
    given, owner = os.environ.get("IMAGE_REGISTRY", ""), _owner(root)
    own = image_of(given, owner, model)[1] if given or owner else ""
    found, places = [], set()
    for tag in tags:
        for key, end in KEYS.items():
            image = tag.one(key)
            place = image.partition("@")[0]
            if not image or (own and is_own_image(image, own + end)):
                continue
            if given or (own and image.startswith(f"{GITHUBS}/")):
                found.append(
                    f"{tag.name} registers an image in {place}, and this project's are in {own + end} (by "
                    "IMAGE_REGISTRY, or else the owner of origin); who made it?"
                )
            else:
                places.add(place)
    return found, sorted(places)


def _owner(root: Path) -> str:
    """The owner of the repository on GitHub; empty if it is not known here."""
    try:
        return checked_repository(os.environ.get("GITHUB_REPOSITORY") or origin(root)).partition("/")[0]
    except GitHubError:
        return ""
