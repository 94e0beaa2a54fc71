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
from .state import DeployedVersion, State

BUNDLES = "/var/lib/bundles"


def beside(policy: Serving, release: DeployedVersion) -> Serving:
    """The policy without the entries that name the release itself."""
    version = plain(release.version)
    return replace(
        policy,
        fallback=None if policy.fallback and plain(policy.fallback) == version else policy.fallback,
        shadow=None if policy.shadow and plain(policy.shadow) == version else policy.shadow,
        split=None if policy.split and plain(policy.split.version) == version else policy.split,
    )


def configured(settings: Mapping[str, Any], where: str, policy: Serving) -> dict[str, Any]:
    """The configuration of the service: the settings of serving.json, and those of the policy for its main model.
    Raises DeployError if both set the same key.
    """
    split = policy.split
    policy_values = {
        "fallback": policy.fallback and folder(policy.fallback),
        "shadow": policy.shadow and folder(policy.shadow),
        "split": split and {"bundle": folder(split.version), "key": split.key, "share": split.share},
    }
    configuration = dict(settings)
    if policy.deadline_ms is not None:
        _once(where, "deadline_ms", settings.get("deadline_ms"))
        configuration["deadline_ms"] = policy.deadline_ms
    additions = {key: value for key, value in policy_values.items() if value is not None}
    if not additions:
        return configuration
    models = settings.get("models") or {}
    name = settings.get("default") or next(iter(models), None)
    if name not in models:
        raise DeployError(f"{where}: default is {name!r}, which is none of the models: {', '.join(models) or 'none'}")
    model = dict(models[name] or {})
    for key in additions:
        _once(where, f"models.{name}.{key}", model.get(key))
    configuration["models"] = {**models, name: model | additions}
    return configuration


def _once(where: str, key: str, value: Any) -> None:
    if value is not None:
        policy_key = key.rpartition(".")[2]
        raise DeployError(
            f"{where}: {key} is {value!r}, and policy.yaml says serving.{policy_key} too: remove one of them"
        )


def borrowed(
    policy: Serving, release: DeployedVersion, releases_with_image: Iterable[DeployedVersion]
) -> dict[str, str]:
    """The image to take a bundle from, for each version that is needed (without its v).

    releases_with_image: releases whose image is known by its digest. Other images are looked up by version, in the
    repository of the release's own image.
    """
    images = {plain(one.version): one.image for one in releases_with_image}
    names = dict.fromkeys(plain(version) for _, version in policy.named())
    return {version: images.get(version) or f"{repository(release.image)}:{version}" for version in names}


def releases(state: State) -> list[DeployedVersion]:
    """All that a stage remembers."""
    variants = [one for one in (state.stable, state.canary) if one]
    return [release for one in variants for release in (one.release, *one.history)]


def plain(version: str) -> str:
    """A version without its v."""
    return version.removeprefix("v")


def folder(version: str) -> str:
    """Where the service of another version finds a version's bundle."""
    return f"{BUNDLES}/{plain(version)}"


def repository(image: str) -> str:
    """The name of an image without tag and digest."""
    name = image.partition("@")[0]
    path, slash, last = name.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"
