from __future__ import annotations

from typing import Any

import pytest
from modelyard.deploying.compose.reading import number, parse_servers, parse_statistics, read_state, traffic_of
from modelyard.deploying.metrics import Traffic
from modelyard.deploying.state import DeployedVersion, dump_versions, load_versions

OLD, NEW = DeployedVersion("name@sha256:1", "1.1.0", "a" * 64), DeployedVersion("name@sha256:2", "1.2.0", "b" * 64)
SERVERS = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_check_health
3 service 1 stable 172.18.0.3 2 0 90 100 2
3 service 2 canary 172.18.0.4 {canary} 0 10 0 1

"""


def container(service: str, address: str = "", releases: str = "", **state: Any) -> dict[str, Any]:
    """What `docker inspect` says of a container, as far as it is read."""
    labels = {"com.docker.compose.service": service, "modelyard.releases": releases}
    return {
        "Id": f"{service}-id",
        "Config": {"Labels": labels, "Image": "name@sha256:9"},
        "State": {"Running": True, "Status": "running", "StartedAt": "2026-01-02T03:04:05Z"} | state,
        "NetworkSettings": {"Networks": {"inside": {"IPAddress": address}}},
    }


def test_the_state_is_read_from_labels_addresses_and_the_router() -> None:
    there = [
        container("router", "172.18.0.2"),
        container("stable", "172.18.0.3", dump_versions([OLD])),
        container("canary", "172.18.0.4", dump_versions([NEW, OLD])),
    ]
    state = read_state(there, SERVERS.format(canary=2))
    assert state.stable
    assert state.canary
    assert (state.stable.release, state.stable.history, state.stable.serving) == (OLD, (), True)
    assert (state.canary.release, state.canary.history, state.canary.serving) == (NEW, (OLD,), True)
    assert (state.weights, state.router) == ((90, 10), True)
    # the router takes one that is new to it for well
    assert (state.stable.checked, state.canary.checked) == (True, False)


@pytest.mark.parametrize(
    ("address", "router", "running"), [("172.18.0.9", 2, True), ("172.18.0.4", 0, True), ("", 2, False)]
)
def test_a_container_serves_only_where_the_router_knows_this_very_one_and_it_is_well(
    address: str, router: int, running: bool
) -> None:
    there = [container("canary", address, dump_versions([NEW]), Running=running)]
    state = read_state(there, SERVERS.format(canary=router))
    assert state.canary
    assert not state.canary.serving


def test_an_empty_host_has_no_state() -> None:
    state = read_state([], "")
    assert (state.stable, state.canary, state.weights, state.router) == (None, None, (100, 0), False)


def test_a_container_that_is_not_ours_is_known_by_its_image() -> None:
    state = read_state([container("stable", "172.18.0.3")], "")
    assert state.stable
    assert state.stable.release == DeployedVersion("name@sha256:9", "unknown")


@pytest.mark.parametrize("label", ["", "null", "3", "[{}]", '{"image": 1}', "[1]"])
def test_a_label_that_is_none_of_ours_holds_no_release(label: str) -> None:
    assert load_versions(label) == ()


def test_labels_come_back_as_they_went() -> None:
    assert load_versions(dump_versions([NEW, OLD])) == (NEW, OLD)


def test_a_router_that_says_nothing_has_no_servers() -> None:
    assert parse_servers("") == {}
    assert parse_servers("No such backend.\n") == {}


STATISTICS = """# pxname,svname,scur,econ,eresp,wretr,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,
clients,FRONTEND,2,,,,0,100,0,0,0,
service,stable,1,0,0,0,0,70,0,0,0,
service,canary,0,1,1,2,0,30,0,3,4,
service,BACKEND,1,1,1,2,0,100,0,3,4,
"""


def test_the_router_counts_what_a_service_cannot_see() -> None:
    traffic = traffic_of(parse_statistics(STATISTICS)["canary"])
    assert traffic == Traffic(requests=30 + 3 + 4 + 1, failed=4 + 1 + 2, refused=3)  # 5xx, no connection, tried again


def test_a_server_without_figures_has_no_traffic() -> None:
    assert traffic_of({}) == Traffic()
    assert number({"scur": ""}, "scur") == 0


def test_only_servers_of_the_service_are_statistics_of_variants() -> None:
    assert set(parse_statistics(STATISTICS)) == {"stable", "canary", "BACKEND"}
