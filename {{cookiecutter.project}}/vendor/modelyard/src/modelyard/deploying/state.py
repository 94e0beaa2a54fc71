"""The state of a stage: which versions are deployed, which of them serve, and how requests are shared out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Name = Literal["stable", "canary"]
NAMES: tuple[Name, Name] = ("stable", "canary")


@dataclass(frozen=True)
class DeployedVersion:
    """One version of the service: its image, the version's name, the hash of the bundle in it, the pipeline's image.

    Each is empty where it is not known.
    """

    image: str
    version: str
    bundle: str = ""
    pipeline: str = ""

    def __str__(self) -> str:
        return f"{self.version} ({self.image})"


@dataclass(frozen=True)
class Variant:
    """One of the two places for a version: stable or canary.

    history: the versions served before this one, the last first. serving: it runs, and the router sends it requests as
    its weight says. instance, started: identify what runs; one of them changes when it is replaced or started again.
    address: where the stage's agent asks it. status: its state in the words of the target. checked: the router has
    checked it, and does not just assume that a new one is well.
    """

    release: DeployedVersion
    history: tuple[DeployedVersion, ...]
    serving: bool
    instance: str = ""
    address: str = ""
    started: str = ""
    status: str = ""
    checked: bool = False


@dataclass(frozen=True)
class State:
    """A stage: its variants where they exist, and the router's weights for them."""

    stable: Variant | None = None
    canary: Variant | None = None
    weights: tuple[int, int] = (100, 0)
    router: bool = True


def dump_versions(versions: Sequence[DeployedVersion]) -> str:
    """A variant's version and those before it as one text, which is kept beside the variant."""
    return json.dumps([asdict(one) for one in versions], separators=(",", ":"))


def load_versions(text: str) -> tuple[DeployedVersion, ...]:
    """The versions in such a text; none where the text was not written by `dump_versions`."""
    try:
        return tuple(
            DeployedVersion(one["image"], one["version"], one["bundle"], one.get("pipeline", ""))
            for one in json.loads(text)
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return ()
