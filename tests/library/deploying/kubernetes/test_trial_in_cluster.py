"""Canaries in a cluster, by the verb `deploy`: bad ones are rolled back, good ones promoted, and production serves."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from modelyard.deploying import deploy, watch

from flight_delays import project

V1, V2 = "registry.example/model:v1", "registry.example/model:v2"


@pytest.fixture
def deployed(kubectl, monkeypatch):
    """The verb `deploy` with arguments; its exit status and the record that it wrote."""
    for name, value in kubectl.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(watch, "PAUSE", 0.0)
    settings = Path("pyproject.toml")
    settings.write_text(re.sub(r'deploy_target = "\w+"', 'deploy_target = "kubernetes"', settings.read_text()))

    def run(*arguments: str) -> tuple[int, dict]:
        with pytest.raises(SystemExit) as ended:
            deploy.main(list(arguments), project)
        return ended.value.code, json.loads(Path("reports/deploy.json").read_text())

    return run


def canary(deployed):
    return deployed("canary", "--image", V2, "--version", "2.0.0", "--bundle-sha256", "b" * 64)


@pytest.fixture
def production(deployed, service):
    """Production, where the first version serves alone."""
    service.arriving = 600
    status, record = deployed("canary", "--image", V1, "--version", "1.0.0")
    assert (status, record["result"]) == (0, "deployed")
    return deployed


def images(cluster) -> set[str]:
    return {one["spec"]["containers"][0]["image"] for one in cluster.of("pods")}


def test_a_healthy_canary_is_promoted_and_no_request_fails(production, cluster, service):
    status, record = canary(production)
    assert (status, record["result"]) == (0, "promoted"), record["reason"]
    assert images(cluster) == {V2}
    assert cluster.weights() == {"stable": 100, "canary": 0}
    assert service.clients["failed"] == 0
    assert service.clients["answered"] > 500
    assert {one["weight"] for one in record["decisions"]} == {10, 50}
    status, record = production("rollback")
    assert (status, record["serves"]["version"]) == (0, "1.0.0")
    assert images(cluster) == {V1}
    assert production("status")[0] == 0


# kubectl where the cluster answers before it listens to all of its streams, which happens on a busy machine
LATE = """#!/bin/sh
if [ "$1" = exec ] && [ "$(wc -l < {told})" -lt {times} ]; then
  echo late >> {told}
  echo 'E1130 02:50:37.495909   14633 websocket.go:296] Unknown stream id 3, discarding message' >&2
  echo 'error: closed all streams' >&2
  exit 1
fi
exec {kubectl} "$@"
"""


def listen_late(folder: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let so many of the next commands in pods end as kubectl's do that are late; the others are the real one's."""
    path, told = folder / "late/kubectl", folder / "told"
    path.parent.mkdir()
    told.touch()
    path.write_text(LATE.format(told=told, times=times, kubectl=shutil.which("kubectl")))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


def test_a_pod_whose_answer_is_lost_is_asked_again(production, cluster):
    cluster.mute = 3
    status, record = canary(production)
    assert (status, record["result"]) == (0, "promoted"), record["reason"]


def test_a_pod_is_asked_again_where_kubectl_listens_late(production, tmp_path, monkeypatch):
    listen_late(tmp_path, monkeypatch, 3)
    status, record = canary(production)
    assert (status, record["result"]) == (0, "promoted"), record["reason"]
    assert (tmp_path / "told").read_text() == "late\n" * 3


def test_a_pod_that_kubectl_never_hears_is_told(production, cluster, tmp_path, monkeypatch):
    listen_late(tmp_path, monkeypatch, 10**6)
    status, record = canary(production)
    assert (status, record["result"]) == (1, "rolled back"), record["reason"]
    assert "printed no answer 4 times ('closed all streams')" in record["reason"]
    assert images(cluster) == {V1}


def test_a_pod_that_is_never_heard_is_told_and_production_goes_on(production, cluster, service):
    cluster.mute = 10**6
    status, record = canary(production)
    assert (status, record["result"]) == (1, "rolled back"), record["reason"]
    assert "printed no answer 4 times ('')" in record["reason"]
    assert images(cluster) == {V1}
    assert record["serves"]["version"] == "1.0.0"
    assert service.clients["failed"] == 0


@pytest.mark.parametrize(("fault", "question"), [("failing", "errors"), ("slow", "latency"), ("shifted", "scores")])
def test_a_bad_canary_is_rolled_back(production, cluster, service, fault, question):
    getattr(service, fault).add(V2)
    status, record = canary(production)
    assert (status, record["result"]) == (1, "rolled back")
    assert question in record["reason"]
    assert images(cluster) == {V1}
    assert cluster.weights() == {"stable": 100, "canary": 0}
    assert record["serves"]["version"] == "1.0.0"


def test_a_canary_that_is_started_again_is_rolled_back(production, cluster, service):
    answer = service.answer

    def restarting(pod, task):
        if task["path"] == "/metrics" and cluster.weights()["canary"]:
            cluster.restart("canary")
        return answer(pod, task)

    cluster.answer = restarting
    status, record = canary(production)
    assert (status, record["reason"]) == (1, "the canary ended and was started again")
    assert images(cluster) == {V1}
