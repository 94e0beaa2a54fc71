"""What runs in a stage, read from the host alone: its containers, their labels, and what the router does with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Name = Literal["stable", "canary"]
NAMES: tuple[Name, Name] = ("stable", "canary")
RUNNING = "2"  # srv_op_state of a server that passes its checks, or is new
CHECKED = 2  # srv_check_health, at least, after a check that passed: rise + fall - 1 of haproxy.cfg. A new one has rise


@dataclass(frozen=True)
class Release:
    """One version of the service: its image, the version's name, and the hash of the bundle in it."""

    image: str
    version: str
    bundle: str = ""

    def __str__(self) -> str:
        return f"{self.version} ({self.image})"


@dataclass(frozen=True)
class Variant:
    """A container of the service.

    history: what was served before this release, the last first. serving: it runs, and the router sends it requests
    as its weight says. checked: the router has seen it well, and does not only take it for that since it is new.
    started: when, as Docker says it; it changes when the container is started again.
    """

    release: Release
    history: tuple[Release, ...]
    serving: bool
    container: str = ""
    address: str = ""
    started: str = ""
    status: str = ""
    checked: bool = False


@dataclass(frozen=True)
class State:
    """A stage: its variants where they are there, and the router's weights for them."""

    stable: Variant | None = None
    canary: Variant | None = None
    weights: tuple[int, int] = (100, 0)
    router: bool = True


def read_state(containers: Sequence[Mapping[str, Any]], servers: str) -> State:
    """The state from `docker inspect` of a stage's containers and the router's `show servers state`."""
    seen = parse_servers(servers)
    by_service = {one["Config"]["Labels"].get("com.docker.compose.service"): one for one in containers}
    router = by_service.get("router")
    variants = {name: _variant(by_service.get(name), seen.get(name, {})) for name in NAMES}
    stable, canary = (seen.get(name, {}).get("srv_uweight") for name in NAMES)
    return State(
        stable=variants["stable"],
        canary=variants["canary"],
        weights=(100 if stable is None else int(stable), 0 if canary is None else int(canary)),
        router=router is not None and router["State"]["Running"],
    )


def parse_servers(text: str) -> dict[str, dict[str, str]]:
    """The lines of `show servers state` by the server's name."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    heads = [line[1:] for line in lines if line[0] == "#"]
    if not heads:
        return {}
    rows = [dict(zip(heads[0], line, strict=False)) for line in lines if line[0] != "#" and len(line) > 1]
    return {row["srv_name"]: row for row in rows if "srv_name" in row}


def to_label(releases: Sequence[Release]) -> str:
    """Releases as a container's label holds them."""
    return json.dumps([asdict(one) for one in releases], separators=(",", ":"))


def read_label(label: str) -> tuple[Release, ...]:
    """The releases in a label; none where it is not one of ours."""
    try:
        return tuple(Release(one["image"], one["version"], one["bundle"]) for one in json.loads(label))
    except (ValueError, TypeError, KeyError):
        return ()


def _variant(container: Mapping[str, Any] | None, server: Mapping[str, str]) -> Variant | None:
    if container is None:
        return None
    labels, state = container["Config"]["Labels"], container["State"]
    known = read_label(labels.get("trainyard.releases", ""))
    networks = container["NetworkSettings"]["Networks"]
    address = next((one["IPAddress"] for one in networks.values() if one["IPAddress"]), "")
    routed = server.get("srv_op_state") == RUNNING and server.get("srv_addr") == address
    return Variant(
        release=known[0] if known else Release(container["Config"]["Image"], "unknown"),
        history=known[1:],
        serving=bool(state["Running"] and address and routed),
        container=container["Id"],
        address=address,
        started=state["StartedAt"],
        status=state["Status"],
        checked=routed and int(server.get("srv_check_health", 0)) >= CHECKED,
    )
