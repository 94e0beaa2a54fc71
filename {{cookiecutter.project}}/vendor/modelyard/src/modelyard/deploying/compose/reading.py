"""The state of a stage, and its traffic, from what Docker and HAProxy print."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ..metrics import Traffic
from ..state import NAMES, DeployedVersion, State, Variant, load_versions

SERVICE = "com.docker.compose.service"  # the label with the name of a container's service
VERSIONS = "modelyard.releases"  # the label with a variant's version and those before it
BACKEND = "service"
RUNNING = "2"  # srv_op_state of a server that passes its checks, or is new
CHECKED = 2  # srv_check_health, at least, after a check that passed: rise + fall - 1 of haproxy.cfg. A new one has rise


def read_state(containers: Sequence[Mapping[str, Any]], servers: str) -> State:
    """The state from `docker inspect` of a stage's containers and HAProxy's `show servers state`."""
    by_name = parse_servers(servers)
    by_service = {service_of(one): one for one in containers}
    router = by_service.get("router")
    variants = {name: _variant(by_service.get(name), by_name.get(name, {})) for name in NAMES}
    stable, canary = (by_name.get(name, {}).get("srv_uweight") for name in NAMES)
    return State(
        stable=variants["stable"],
        canary=variants["canary"],
        weights=(100 if stable is None else int(stable), 0 if canary is None else int(canary)),
        router=router is not None and router["State"]["Running"],
    )


def service_of(container: Mapping[str, Any]) -> str | None:
    """The service of compose.yaml that a container is of."""
    name: str | None = container["Config"]["Labels"].get(SERVICE)
    return name


def _variant(container: Mapping[str, Any] | None, server: Mapping[str, str]) -> Variant | None:
    if container is None:
        return None
    labels, state = container["Config"]["Labels"], container["State"]
    versions = load_versions(labels.get(VERSIONS, ""))
    networks = container["NetworkSettings"]["Networks"]
    address = next((one["IPAddress"] for one in networks.values() if one["IPAddress"]), "")
    routed = server.get("srv_op_state") == RUNNING and server.get("srv_addr") == address
    return Variant(
        release=versions[0] if versions else DeployedVersion(container["Config"]["Image"], "unknown"),
        history=versions[1:],
        serving=bool(state["Running"] and address and routed),
        instance=container["Id"],
        address=address,
        started=state["StartedAt"],
        status=state["Status"],
        checked=routed and int(server.get("srv_check_health", 0)) >= CHECKED,
    )


def parse_servers(text: str) -> dict[str, dict[str, str]]:
    """The lines of HAProxy's `show servers state`, by the name of the server."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    heads = [line[1:] for line in lines if line[0] == "#"]
    if not heads:
        return {}
    rows = [dict(zip(heads[0], line, strict=False)) for line in lines if line[0] != "#" and len(line) > 1]
    return {row["srv_name"]: row for row in rows if "srv_name" in row}


def parse_statistics(text: str) -> dict[str, dict[str, str]]:
    """The lines of HAProxy's `show stat` for the servers of BACKEND, by the name of the server."""
    rows = csv.DictReader(io.StringIO(text.lstrip("# ")))
    return {row["svname"]: row for row in rows if row["pxname"] == BACKEND}


def traffic_of(server: Mapping[str, str]) -> Traffic:
    """The requests in a server's line of statistics; the router's own health checks are not among them.

    Failed are those with a 5xx answer, without a connection, and those for which a connection was tried again.
    """
    answered = sum(number(server, f"hrsp_{code}xx") for code in (1, 2, 3, 4, 5))
    return Traffic(
        requests=answered + number(server, "econ"),
        failed=sum(number(server, name) for name in ("hrsp_5xx", "econ", "wretr")),
        refused=number(server, "hrsp_4xx"),
    )


def number(server: Mapping[str, str], column: str) -> int:
    """A count in a server's line; 0 where HAProxy leaves it empty."""
    return int(server.get(column) or 0)
