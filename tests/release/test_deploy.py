"""Deployments with the real engine, over real ssh, of the real service, under the requests of clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import Project, made_once
from release.drill import FAULTS, Drill, docker, drill, kill, wait_until

pytestmark = pytest.mark.xdist_group("images")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return made_once("classification", tmp_path_factory)


@pytest.fixture(scope="module")
def stage(made: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    """A stage in which 1.0.0 serves; each test leaves it so."""
    with drill(made, tmp_path_factory.mktemp("drill")) as here:
        here.deploy("canary", *here.version("old", "1.0.0"))
        assert here.record()["result"] == "deployed"
        yield here


@pytest.fixture(autouse=True)
def _serves_again(stage: Drill) -> Iterator[None]:
    yield
    assert serving(stage) == "1.0.0"


def serving(stage: Drill) -> str:
    """The version that stable serves alone."""
    stage.deploy("status")
    assert "canary: none, 0 % of requests" in stage.record()["lines"]
    version: str = stage.record()["serves"]["version"]
    return version


def show(capsys: pytest.CaptureFixture[str], *texts: object) -> None:
    with capsys.disabled():
        print("", *texts, sep="\n")


def test_a_healthy_canary_is_promoted_and_rolled_back_again_without_a_failed_request(
    stage: Drill, capsys: pytest.CaptureFixture[str]
) -> None:
    with stage.clients() as answers:
        stage.deploy("canary", *stage.version("new", "1.1.0"))
        promoted = stage.record()
        stage.deploy("rollback")
    decisions = [line for line in promoted["lines"] if line.startswith("canary at")]
    show(capsys, decisions[-1], f"promotion and rollback: {answers}")
    assert (promoted["result"], promoted["serves"]["version"]) == ("promoted", "1.1.0")
    assert promoted["decisions"][-1]["requests"] >= 200
    assert answers.failed.total() == 0
    assert answers.good["canary"] > 200


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_canary_is_rolled_back(stage: Drill, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    with stage.clients() as answers:
        stage.deploy("canary", *stage.version(fault, "1.2.0"), ok=False)
    record = stage.record()
    show(capsys, *[line for line in record["lines"] if line.startswith("canary at")][-1:], f"{fault}: {answers}")
    assert (record["result"], record["serves"]["version"]) == ("rolled back", "1.0.0")
    assert record["reason"].startswith(fault)
    assert record["decisions"][-1]["requests"] <= 400
    assert answers.failed.total() <= (record["decisions"][-1]["requests"] + 20 if fault == "errors" else 0)


def test_a_deployment_that_is_killed_leaves_the_old_version_and_is_gone_on_with(
    stage: Drill, capsys: pytest.CaptureFixture[str]
) -> None:
    with stage.clients() as answers:
        with stage.begun("canary", *stage.version("new", "1.1.0"), until="give stable 90 %") as first:
            said = stage.deploy("rollback", ok=False)
            assert f"another deployment to {stage.project.root.name}-{stage.stage} is under way (action canary" in said
            kill(first)
        stage.deploy("canary", *stage.version("new", "1.1.0"), "--wait", "60")
        record = stage.record()
        stage.deploy("rollback")
    show(capsys, f"killed in its trial, then gone on with: {answers}")
    assert "the canary serves already: its trial starts again" in record["lines"]
    assert record["result"] == "promoted"
    assert answers.failed.total() == 0


def test_a_promotion_that_is_killed_can_be_undone(stage: Drill, capsys: pytest.CaptureFixture[str]) -> None:
    with stage.clients() as answers:
        with stage.begun("promote", *stage.version("new", "1.1.0"), until="start stable") as first:
            kill(first)
        stage.deploy("rollback", "--wait", "60")
    show(capsys, f"killed in its promotion, then undone: {answers}")
    assert answers.failed.total() == 0


def test_a_version_has_the_bundle_of_another_beside_it_where_policy_says_so(stage: Drill) -> None:
    policy = stage.project.root / "policy.yaml"
    before = policy.read_text()
    beside = "serving: {deadline_ms: 150, shadow: v1.0.0, split: {version: v1.0.0, key: X-Customer, share: 0.5}}\n"
    policy.write_text(before.partition("serving:")[0] + beside)
    try:
        with stage.clients() as answers:
            stage.deploy("canary", *stage.version("new", "1.1.0"))
            record, container = stage.record(), stage.container("stable")
            made = json.loads(docker("exec", container, "cat", "/tmp/serving.json"))  # noqa: S108
            there = docker("exec", container, "ls", "/var/lib/bundles/1.0.0").split()
            ask = (
                "import urllib.request as u; r = u.Request('http://127.0.0.1:8000/metrics', headers={'X-API-Key': "
                f"'{stage.key}'}}); print(u.urlopen(r).read().decode())"
            )
            metrics = docker("exec", container, "python3", "-c", ask)
            stage.deploy("rollback")
    finally:
        policy.write_text(before)
    assert (record["result"], record["serves"]["version"]) == ("promoted", "1.1.0"), record["reason"]
    (model,) = made["models"].values()
    assert made["deadline_ms"] == 150
    assert model["split"] == {"bundle": "/var/lib/bundles/1.0.0", "key": "X-Customer", "share": 0.5}
    assert {"manifest.json", "model.onnx"} <= set(there)
    assert "modelyard_shadow_predictions_total" in metrics
    assert answers.failed.total() == 0


def test_a_canary_whose_container_dies_is_rolled_back(stage: Drill) -> None:
    with stage.begun("canary", *stage.version("new", "1.1.0"), until="give stable 90 %") as process:
        docker("kill", stage.container("canary"))
        assert process.wait(60) == 1
    assert stage.record()["result"] == "rolled back"
    assert "the canary" in stage.record()["reason"]


def test_a_host_that_goes_away_goes_on_serving_and_can_be_rolled_back_afterwards(
    stage: Drill, capsys: pytest.CaptureFixture[str]
) -> None:
    with stage.clients() as answers:
        with stage.begun("canary", *stage.version("new", "1.1.0"), until="give stable 90 %") as process:
            assert process.stdout
            stage.host.stop()
            try:
                assert process.wait(120) == 2
            finally:
                stage.host.start()
            said, record = process.stdout.read(), stage.record()
        assert "canary: 1.1.0" in stage.deploy("status")
        assert stage.record()["lines"][0].startswith("stable: 1.0.0")
        stage.deploy("rollback", "--wait", "90")
    show(capsys, record["reason"], f"the host went away in a trial: {answers}")
    assert record["result"] == "failed"
    assert "the connection to the host failed" in record["reason"]
    assert "run `make deploy ARGS=rollback`" in record["reason"]
    assert f"failed: {record['reason']}" in said
    assert "Traceback" not in said
    assert answers.failed.total() == 0


def test_an_image_that_does_not_serve_never_gets_a_request(stage: Drill) -> None:
    said = stage.deploy("canary", "--image", "haproxy:local", "--version", "1.3.0", ok=False)
    assert "an image with its user by number" in said
    said = stage.deploy("canary", *stage.version("new", "1.3.0"), "--bundle-sha256", "0" * 64, ok=False)
    assert "the image is not the one of this release" in said
    assert stage.record()["result"] == "rolled back"


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"DOCKER_HOST": "ssh://127.0.0.1:9"}, "check the host and its port in DOCKER_HOST"),
        ({"DEPLOY_KNOWN_HOSTS": "other ssh-ed25519 AAAA"}, "its key is not known"),
        ({"DEPLOY_SSH_KEY": "no key"}, "it refuses the key"),
        ({"DOCKER_HOST": ""}, "DOCKER_HOST is not set"),
    ],
)
def test_a_host_that_cannot_be_reached_is_a_clear_error(stage: Drill, spoiled: dict[str, str], said: str) -> None:
    printed = stage.deploy("canary", *stage.version("new", "1.1.0"), ok=False, **spoiled)
    assert said in printed
    assert "Traceback" not in printed
    assert stage.environment["DEPLOY_SSH_KEY"].split("\n")[2] not in printed


def test_the_containers_may_do_no_more_than_they_need(stage: Drill) -> None:
    for name in ("stable", "router"):
        (found,) = json.loads(docker("inspect", stage.container(name)))
        limits = found["HostConfig"]
        assert limits["ReadonlyRootfs"]
        assert limits["CapDrop"] == ["ALL"]
        assert limits["SecurityOpt"] == ["no-new-privileges:true"]
        assert limits["Memory"]
        assert limits["PidsLimit"]
        published = [one for ports in found["NetworkSettings"]["Ports"].values() for one in ports or []]
        assert [one["HostPort"] for one in published] == ([str(stage.port)] if name == "router" else [])
    assert docker("exec", stage.container("stable"), "id", "-u").strip() == "10001"
    # what was answered is in the prediction log, on a volume of the variant's own
    wait_until(lambda: docker("exec", stage.container("stable"), "ls", "/var/lib/predictions").strip() != "")


def test_a_router_with_another_configuration_keeps_every_connection(
    stage: Drill, capsys: pytest.CaptureFixture[str]
) -> None:
    config: Path = stage.project.root / "deploy/compose/haproxy.cfg"
    text = config.read_text()
    with stage.clients() as answers:
        config.write_text(text + "# another\n")
        stage.deploy("rollback", ok=False)  # there is nothing to go back to, but the router is seen to
        config.write_text(text)
        stage.deploy("rollback", ok=False)
    show(capsys, f"two new configurations of the router: {answers}")
    assert answers.failed.total() == 0
