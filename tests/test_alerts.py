"""Prometheus' own tools and servers read the rules, configurations and dashboards that a generated project brings."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from alerting import (
    PROJECT,
    PROMETHEUS,
    Pager,
    Replica,
    Shipper,
    Targets,
    alertmanager,
    ask,
    prometheus,
    read,
    serve,
    write,
)
from library import github_server
from modelyard.production.relay import Relay, listen
from sample import SAMPLE

from projects import BIN, ROOT, run

TRIED = ROOT / "tests/alerts.test.yml"
TRIED_OF_DAYS = ROOT / "tests/alerts_of_days.test.yml"
RUNBOOKS = PROJECT / "docs/runbooks.md"
DASHBOARDS = sorted((PROJECT / "deploy/grafana/dashboards").glob("*.json"))
TOOLS = ("promtool", "amtool", "prometheus", "prometheus-alertmanager")
LONGEST = 60.0  # seconds for one step of the alerts' run, on a busy machine; 3 to 8 on an idle one

# a person's machine may lack them, the one that judges a change has them
missing = [tool for tool in TOOLS if not shutil.which(tool)]
pytestmark = [
    pytest.mark.xdist_group("alerts"),  # one run of all alerts, not one for each worker
    pytest.mark.skipif(bool(missing) and not os.environ.get("CI"), reason=f"not on the PATH: {', '.join(missing)}"),
]


def test_the_rules_are_rules_and_fire_when_they_should(tmp_path: Path) -> None:
    assert "23 rules found" in run(["promtool", "check", "rules", "--lint-fatal", "alerts.yml"], PROMETHEUS)
    shutil.copy(PROMETHEUS / "alerts.yml", tmp_path)
    for tried in (TRIED, TRIED_OF_DAYS):
        assert "SUCCESS" in run(["promtool", "test", "rules", shutil.copy(tried, tmp_path)], tmp_path)


def rules() -> list[dict[str, Any]]:
    return [rule for group in read(PROMETHEUS / "alerts.yml")["groups"] for rule in group["rules"]]


def test_each_alert_is_tried_and_says_what_happened_and_what_to_do() -> None:
    tried = TRIED.read_text()
    for rule in rules():
        name = rule["alert"]
        assert re.search(rf'alertname(: |="){name}\b', tried), f"{name} is not tried"
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "action", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/runbooks.md#{name.lower()}"


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    _, *sections = re.split(r"^## ", RUNBOOKS.read_text(), flags=re.MULTILINE)
    assert [section.split("\n")[0] for section in sections] == [rule["alert"] for rule in rules()]
    for section in sections:
        assert re.findall(r"^- \*\*(.*?)\*\*: ", section, re.MULTILINE) == ["Means", "Look at", "Do"]


@pytest.mark.parametrize(
    "changed", ["code=~", "> 0.2", "answered_by!=", "count by (stage, variant, model, bundle)", "> 3600"]
)
def test_a_rule_that_is_changed_fails_its_test(tmp_path: Path, changed: str) -> None:
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / "alerts.yml").read_text()
    other = {"code=~": "code!~", "> 0.2": "> 20", "answered_by!=": "answered_by=", "> 3600": "> 600"}
    assert changed in text
    (tmp_path / "alerts.yml").write_text(text.replace(changed, other.get(changed, "count by (stage)")))
    assert "FAILED" in run(["promtool", "test", "rules", shutil.copy(TRIED, tmp_path)], tmp_path, ok=False)


def test_the_configurations_are_read_by_what_they_are_for(tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "serving.key").write_text("secret")
    assert "SUCCESS" in run(["promtool", "check", "config", "prometheus.yml"], tmp_path)
    assert "3 receivers" in run(["amtool", "check-config", "alertmanager.yml"], tmp_path)
    # Debian's Prometheus is built without the discovery of pods; the rest of that file it reads
    cluster = read(PROMETHEUS / "prometheus.kubernetes.yml")
    jobs, beside = cluster["scrape_configs"], read(PROMETHEUS / "prometheus.yml")
    for job in jobs[:2]:
        assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
        job["file_sd_configs"] = [{"files": ["targets.yml"]}]
    assert "SUCCESS" in run(["promtool", "check", "config", write(tmp_path / "p.yml", cluster)], tmp_path)
    for job in jobs[:2]:
        del job["file_sd_configs"], job["relabel_configs"]
    del beside["scrape_configs"][0]["file_sd_configs"], beside["scrape_configs"][1]["static_configs"]
    assert cluster == beside


@dataclass
class Course:
    """What came of the faults. heard: how often a receiver was told of an alert, and that it is over. pages: what
    the pager got. events: what GitHub got from the relay. panels: how many series each query of a panel had.
    """

    heard: dict[tuple[str, str], int]
    pages: list[tuple[str, Any]]
    events: list[dict[str, Any]]
    refused: int
    panels: dict[str, int]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Everything breaks that an alert is for, then the whole service is gone, then all is well again."""
    folder = tmp_path_factory.mktemp("alerts")
    github = github_server.GitHub()
    targets = {"a": Replica(), "b": Replica(odd="4567"), "c": Replica()}
    targets |= {f"ship-{fault}": Shipper(fault) for fault in ("store", "slow", "down", "unwatched")}
    made = Course({}, [], github.events, 0, {})
    for name, text in (("relay.key", "webhook"), ("github.key", github_server.TOKEN)):
        (folder / name).write_text(text)
    with ExitStack() as stack:
        port = stack.enter_context(serve(github_server.serve(github))).server_port
        relay = Relay(
            github_server.REPOSITORY, folder / "github.key", folder / "relay.key", None, f"http://127.0.0.1:{port}"
        )
        relayed = stack.enter_context(serve(listen(relay, "127.0.0.1:0"))).server_port
        scraped = stack.enter_context(serve(ThreadingHTTPServer(("127.0.0.1", 0), Targets), targets=targets))
        pager = stack.enter_context(serve(ThreadingHTTPServer(("127.0.0.1", 0), Pager)))
        manager = stack.enter_context(alertmanager(folder, pager.server_port, relayed))
        address = stack.enter_context(prometheus(folder, scraped.server_port, targets, relayed, manager))

        def until(done: Callable[[], bool], what: str) -> None:
            ends = time.monotonic() + LONGEST
            while not done():
                assert time.monotonic() < ends, f"{what}: {sorted(made.heard)}; {relay.metrics()}"
                time.sleep(0.1)
                while not pager.taken.empty():  # type: ignore[attr-defined]
                    made.pages.append(pager.taken.get())  # type: ignore[attr-defined]
                made.heard = heard(made)

        until(lambda: all(scraped.scrapes.get(name, 0) > 2 for name in targets), "Prometheus scrapes")  # type: ignore[attr-defined]
        assert made.heard == {}
        github.scripted = [(502, {"message": "Bad gateway"}, {})] * 2
        names = {rule["alert"] for rule in rules()}
        for name in ("a", "ship-store", "ship-slow", "ship-down", "ship-unwatched"):
            targets[name].healthy = False
        targets["b"].healthy = False
        targets["c"].up = False
        until(lambda: {(name, "firing") for name in names - {"ServiceGone"}} <= made.heard.keys(), "not all fire")
        unwatched = 'ALERTS{alertname="FiguresStale", stage="unwatched", model="", alertstate="firing"}'
        until(lambda: bool(ask(address, unwatched)), "nobody misses the figures that were never made")
        made.panels = {query: len(ask(address, substituted(query))) for query in queries()}
        for name in "abc":
            targets[name].up = False
        until(lambda: ("ServiceGone", "firing") in made.heard, "nobody says that the service is gone")
        for one in targets.values():
            one.healthy = True
        for name in "abc":
            targets[name].up = True
        until(lambda: {(name, "resolved") for name in names} <= made.heard.keys(), "not all are over")
        made.refused = relay.metrics().count('failures_total{status="502"} 2')
    return made


def heard(made: Course) -> dict[tuple[str, str], int]:
    """How often each alert was told, to whom it may concern."""
    told = [(sent["groupLabels"]["alertname"], sent["status"]) for _, sent in made.pages]
    told += [(one["client_payload"]["subject"].split()[0], one["client_payload"]["status"]) for one in made.events]
    return {one: told.count(one) for one in told}


def test_each_alert_comes_and_goes(course: Course) -> None:
    expected = {(rule["alert"], status) for rule in rules() for status in ("firing", "resolved")}
    assert course.heard.keys() == expected


def test_a_page_reaches_a_person_and_says_what_happened(course: Course) -> None:
    pages = {sent["groupLabels"]["alertname"]: sent for path, sent in course.pages if path == "/page"}
    assert pages.keys() == {rule["alert"] for rule in rules() if rule["labels"]["severity"] == "page"}
    (alert,) = pages["LogLinesLost"]["alerts"]
    assert alert["annotations"]["summary"].startswith("ship-store (store) has given up ")
    assert alert["annotations"]["runbook"] == "docs/runbooks.md#loglineslost"
    tickets = {sent["groupLabels"]["alertname"] for path, sent in course.pages if path == "/ticket"}
    assert tickets == {rule["alert"] for rule in rules() if rule["labels"].get("source") == "monitor"}


def test_the_relay_makes_one_event_of_an_incident_though_github_was_away(course: Course) -> None:
    assert course.refused
    told = [(one["client_payload"]["key"], one["client_payload"]["status"]) for one in course.events]
    assert len(told) == len(set(told))
    assert {key for key, status in told if status == "firing"} == {key for key, status in told if status == "resolved"}
    names = {key.partition("alertname=")[2].partition(",")[0] for key, _ in told}
    assert names == {rule["alert"] for rule in rules() if rule["labels"].get("source") != "monitor"}


def panels() -> list[dict[str, Any]]:
    return [one for path in DASHBOARDS for one in json.loads(path.read_text())["panels"] if one["type"] != "row"]


def queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def substituted(query: str) -> str:
    """A query with the variables that Grafana fills in."""
    filled = query.replace("$stage", ".*").replace("$model", ".*").replace("$__rate_interval", "5s")
    assert "$" not in filled
    return filled


def test_each_query_of_each_panel_returns_data(course: Course) -> None:
    assert len(queries()) > 20
    assert [query for query, found in course.panels.items() if not found] == []


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_is_one_that_grafana_can_show(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    (source,) = read(PROJECT / "deploy/grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] == "row" or panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert set(re.findall(r"\$(?!__)(\w+)", " ".join(queries()))) <= variables


def test_the_stack_mounts_what_is_there_and_opens_nothing_to_others() -> None:
    file = SAMPLE / "deploy/compose/monitoring.yaml"
    stack = json.loads(run([BIN / "docker-compose", "--file", file, "config", "--format", "json"], SAMPLE))
    assert {"prometheus", "alertmanager", "grafana", "relay"} == stack["services"].keys()
    assert stack["networks"]["inside"]["name"] == f"{SAMPLE.name}-production_inside"
    for name, service in stack["services"].items():
        assert re.search(r":v?\d+\.\d+|@sha256:", service["image"]), name
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}, name
        for mount in service["volumes"]:
            path = Path(mount["source"])
            if mount["type"] == "bind" and path.suffix not in (".key", ".lock"):
                assert path.exists(), path
                assert mount["read_only"], path
