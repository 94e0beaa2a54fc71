"""What the section `serving` of policy.yaml makes of a variant: its configuration, and the bundles that it borrows.

A bundle comes from the image of its version, and lies in a folder of that version's name under BUNDLES. A version that
is deployed itself does not borrow from itself: then there is no split, no shadow and no fallback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..judging.serving import Serving
from .failure import DeployError
from .state import Release, State

BUNDLES = "/var/lib/bundles"


def beside(policy: Serving, release: Release) -> Serving:
    """The policy without what names the release itself."""
    own = plain(release.version)
    return replace(
        policy,
        fallback=None if policy.fallback and plain(policy.fallback) == own else policy.fallback,
        shadow=None if policy.shadow and plain(policy.shadow) == own else policy.shadow,
        split=None if policy.split and plain(policy.split.version) == own else policy.split,
    )


def configured(found: Mapping[str, Any], where: str, policy: Serving) -> dict[str, Any]:
    """The configuration of the service, serving.json as it was found with what the policy says of its main model.

    Raises DeployError where both say something of the same.
    """
    split = policy.split
    said = {
        "fallback": policy.fallback and folder(policy.fallback),
        "shadow": policy.shadow and folder(policy.shadow),
        "split": split and {"bundle": folder(split.version), "key": split.key, "share": split.share},
    }
    made = dict(found)
    if policy.deadline_ms is not None:
        _once(where, "deadline_ms", found.get("deadline_ms"))
        made["deadline_ms"] = policy.deadline_ms
    wanted = {key: value for key, value in said.items() if value is not None}
    if not wanted:
        return made
    models = found.get("models") or {}
    name = found.get("default") or next(iter(models), None)
    if name not in models:
        raise DeployError(f"{where}: default is {name!r}, which is none of the models: {', '.join(models) or 'none'}")
    model = dict(models[name] or {})
    for key in wanted:
        _once(where, f"models.{name}.{key}", model.get(key))
    made["models"] = {**models, name: model | wanted}
    return made


def _once(where: str, key: str, there: Any) -> None:
    if there is not None:
        ours = key.rpartition(".")[2]
        raise DeployError(f"{where}: {key} is {there!r}, and policy.yaml says serving.{ours} too: take one of them out")


def borrowed(policy: Serving, release: Release, known: Iterable[Release]) -> dict[str, str]:
    """The image to take a bundle from, for each version that is needed (without its v).

    known: releases of which the image is known by its digest. Another's is looked for by its version, where the
    release's own image is from.
    """
    images = {plain(one.version): one.image for one in known}
    names = dict.fromkeys(plain(version) for _, version in policy.named())
    return {version: images.get(version) or f"{repository(release.image)}:{version}" for version in names}


def releases(state: State) -> list[Release]:
    """All that a stage remembers."""
    variants = [one for one in (state.stable, state.canary) if one]
    return [release for one in variants for release in (one.release, *one.history)]


def plain(version: str) -> str:
    """A version without its v."""
    return version.removeprefix("v")


def folder(version: str) -> str:
    """Where a version's bundle lies in a container."""
    return f"{BUNDLES}/{plain(version)}"


def repository(image: str) -> str:
    """The name of an image without tag and digest."""
    name = image.partition("@")[0]
    path, slash, last = name.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"
