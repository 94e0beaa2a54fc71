"""The verb `deploy` on an engine whose answers a test sets; see engine.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from modelyard.deploying import deploy
from modelyard.deploying.compose import stage
from modelyard.deploying.state import DeployedVersion, dump_versions, load_versions

OLD, NEW = ("--image", "old", "--version", "1.0.0"), ("--image", "new", "--version", "1.1.0")


@pytest.fixture
def old(engine: Any) -> Any:
    """An engine on which 1.0.0 serves."""
    assert engine.deploy("canary", *OLD)[0] == 0
    return engine


def test_the_first_version_is_brought_up_alone(engine: Any) -> None:
    status, record = engine.deploy("staging", *OLD)
    assert (status, record["stage"], record["result"]) == (0, "staging", "deployed")
    assert record["serves"]["version"] == "1.0.0"
    assert engine.serves() == {"stable": "old"}
    assert engine.state()["config"] == "global\n"


def test_a_router_that_does_not_listen_at_once_is_waited_for(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.set(deaf=3)
    status, record = engine.deploy("staging", *OLD)
    assert (status, record["result"]) == (0, "deployed"), record["reason"]
    engine.set(deaf=10**6)
    monkeypatch.setattr(stage, "LISTENS", 0.1)
    status, record = engine.deploy("staging", *NEW)
    assert (status, record["result"]) == (2, "failed")
    assert record["reason"].startswith("the router's runtime API did not answer the deployment: ConnectionRefused")


def test_a_healthy_canary_is_promoted(old: Any) -> None:
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"]) == (0, "promoted")
    requests = record["decisions"][-1]["requests"]
    assert record["reason"] == f"1.1.0 (new) serves alone: nothing harmful in {requests} requests"
    assert old.serves() == {"stable": "new"}
    assert old.state()["weights"] == {"stable": 100, "canary": 0}
    assert record["decisions"][-1]["word"] == "promote"
    assert {"give stable 90 % of requests and canary 10 %", "remove canary"} <= set(record["lines"])


def test_what_policy_says_of_serving_reaches_the_container_with_the_bundles_that_it_needs(old: Any) -> None:
    serving = Path("deploy/compose/serving.json")
    serving.write_text('{"models": {"flights": {"bundle": null, "shadow": null}}, "rows": 7}')
    with Path("policy.yaml").open("a") as policy:
        policy.write(
            "serving: {deadline_ms: 50, fallback: v1.0.0, shadow: v1.1.0,"
            " split: {version: v0.9.0, key: X-Customer, share: 0.25}}\n"
        )
    old.set(images={**old.state()["images"], "new:0.9.0": "10001:10001"})
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"]) == (0, "promoted"), record["reason"]
    # what is known here by its digest, and what is looked for where the version itself is from; none from itself
    assert old.state()["lent"] == {"1.0.0": "old", "0.9.0": "new:0.9.0"}
    assert "  the bundle of 0.9.0 was copied" in record["lines"]
    made = old.state()["containers"]["stable"]["serving"]
    split = {"bundle": "/var/lib/bundles/0.9.0", "key": "X-Customer", "share": 0.25}
    flights = {"bundle": None, "shadow": None, "fallback": "/var/lib/bundles/1.0.0", "split": split}
    assert made == {"models": {"flights": flights}, "rows": 7, "deadline_ms": 50.0, "variant": "stable"}


def test_a_store_of_policy_has_the_pipelines_image_of_the_version_ship_the_log(old: Any) -> None:
    without = Path("policy.yaml").read_text()
    assert "ship" not in old.state()["containers"]
    Path("policy.yaml").write_text(f"{without}monitor: {{store: s3://logs/flights}}\n")
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"]) == (0, "promoted"), record["reason"]
    assert old.state()["ships"] == {"SHIP_IMAGE": "new-pipeline:1.1.0", "SHIP_STORE": "s3://logs/flights"}
    assert "  new-pipeline:1.1.0 ships the log" in record["lines"]
    Path("policy.yaml").write_text(f"{without}monitor: {{store: /srv/logs}}\n")
    old.set(images={**old.state()["images"], "pipe@sha256:1": "10001:10001"})
    old.deploy("canary", *OLD, "--pipeline-image", "pipe@sha256:1")
    assert old.state()["ships"]["SHIP_IMAGE"] == "pipe@sha256:1"
    assert (old.state()["ships"]["SHIP_STORE"], old.state()["ships"]["SHIP_FOLDER"]) == ("/var/lib/store", "/srv/logs")
    Path("policy.yaml").write_text(without)
    old.deploy("canary", *NEW)
    assert "ship" not in old.state()["containers"]


def test_a_version_serves_also_where_its_log_cannot_be_shipped(old: Any) -> None:
    with Path("policy.yaml").open("a") as policy:
        policy.write("monitor: {store: s3://logs/flights}\n")
    old.set(stubborn_shipper=True)
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"]) == (0, "promoted"), record["reason"]
    assert any(line.startswith("  the log is not shipped, and waits on the host") for line in record["lines"])


def test_a_bundle_that_cannot_be_had_is_named_and_what_served_goes_on(old: Any) -> None:
    with Path("policy.yaml").open("a") as policy:
        policy.write("serving: {shadow: v9.0.0}\n")
    old.set(images={**old.state()["images"], "registry.example/unknown@sha256:1": "10001:10001"})
    status, record = old.deploy("canary", "--image", "registry.example/unknown@sha256:1", "--version", "1.1.0")
    assert (status, record["result"]) == (1, "rolled back")
    said = "policy.yaml, serving: the bundle of v9.0.0 is to come from registry.example/unknown:9.0.0: "
    assert record["reason"].startswith(said)
    assert old.serves() == {"stable": "old"}


def test_a_canary_is_asked_only_when_the_router_has_seen_it_well(old: Any) -> None:
    old.set(unchecked=3)
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"]) == (0, "promoted"), record["reason"]


def test_a_bad_canary_is_rolled_back(old: Any) -> None:
    old.set(breaks=0.5)
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"]) == (1, "rolled back")
    assert record["reason"] == "errors harmful beside stable's"
    assert old.serves() == {"stable": "old"}
    assert "errors" in Path("reports/deploy.md").read_text()


def test_a_canary_whose_container_goes_is_rolled_back(old: Any) -> None:
    old.set(dies="canary")
    status, record = old.deploy("canary", *NEW)
    assert (status, record["reason"]) == (1, "the canary is gone")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("broken", "does not become ready, its container is exited:\nthe last words"),
        ("wrong", "0.75, and 0.5 is right"),
    ],
)
def test_a_version_that_fails_before_its_trial_is_rolled_back(old: Any, image: str, said: str) -> None:
    status, record = old.deploy("canary", "--image", image, "--version", "1.1.0")
    assert status == 1
    assert said in record["reason"]
    assert old.serves() == {"stable": "old"}


def test_without_weights_a_version_takes_over_after_its_smoke_test(old: Any) -> None:
    Path("policy.yaml").write_text("canary: {weights: []}\n")
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"], record["decisions"]) == (0, "deployed", [])


def test_what_serves_already_is_no_change(old: Any) -> None:
    status, record = old.deploy("canary", *OLD)
    assert (status, record["lines"]) == (0, [])


def left(engine: Any, weights: tuple[int, int], image: str = "new", version: str = "1.1.0") -> None:
    """Leave a canary behind, as a deployment does that is killed."""
    there = engine.state()["containers"]
    known = load_versions(there["stable"]["labels"]["modelyard.releases"])
    label = dump_versions([DeployedVersion(image, version), *known])
    canary = {"id": "c", "image": image, "labels": {"modelyard.releases": label}, "address": "10.0.0.3"}
    engine.set(
        containers={**there, "canary": {**canary, "status": "running"}},
        weights=dict(zip(("stable", "canary"), weights, strict=True)),
    )


def test_a_trial_that_was_killed_begins_anew(old: Any) -> None:
    left(old, (90, 10))
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"]) == (0, "promoted")
    assert record["lines"][0] == "the canary serves already: its trial starts again"


def test_a_promotion_that_was_killed_is_gone_on_with(old: Any) -> None:
    left(old, (0, 100))
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"], record["decisions"]) == (0, "promoted", [])


def test_another_canary_goes_first(old: Any) -> None:
    left(old, (50, 50), "broken", "1.0.5")
    status, record = old.deploy("canary", *NEW)
    assert status == 0
    assert record["lines"][0] == "another canary was left there, 1.0.5 (broken): removing it first"


def test_a_canary_can_be_promoted_and_rolled_back_by_hand(old: Any) -> None:
    left(old, (90, 10))
    assert old.deploy("promote")[1]["result"] == "promoted"
    assert old.serves() == {"stable": "new"}
    left(old, (90, 10), "wrong", "1.2.0")
    assert old.deploy("rollback")[1]["reason"] == "the canary 1.2.0 (wrong) is gone"
    assert old.deploy("rollback")[1]["serves"]["version"] == "1.0.0"
    assert old.serves() == {"stable": "old"}


def test_there_must_be_something_to_promote_or_to_go_back_to(old: Any) -> None:
    status, record = old.deploy("promote")
    assert (status, record["result"]) == (2, "failed")
    assert "there is no canary in" in record["reason"]
    assert "remembers no earlier version" in old.deploy("rollback")[1]["reason"]


def test_a_way_back_that_fails_too_says_so(old: Any) -> None:
    left(old, (90, 10))
    old.set(stubborn=True)
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"]) == (2, "failed")
    assert "the router did not set the weight of stable: Permission denied" in record["reason"]
    assert "and the rollback failed too" in record["reason"]
    assert old.serves()["stable"] == "old"


def test_a_host_that_goes_away_is_told_with_what_to_do_when_it_is_back(old: Any) -> None:
    old.set(leaves="/metrics")
    status, record = old.deploy("canary", *NEW)
    assert (status, record["result"], record["serves"]) == (2, "failed", None)
    assert record["reason"].startswith("the connection to the host failed: ")
    assert "and the rollback failed too: docker failed: Cannot connect to the Docker daemon" in record["reason"]
    assert record["reason"].endswith("run `make deploy ARGS=rollback`")
    old.set(gone=False, leaves="")
    assert old.deploy("rollback")[1]["reason"] == "the canary 1.1.0 (new) is gone"


def test_a_lock_that_is_taken_is_told_with_its_holder(old: Any) -> None:
    old.lock()
    status, record = old.deploy("canary", *NEW)
    assert status == 2
    assert "is under way (action canary, by ada); wait for its end" in record["reason"]
    assert old.serves() == {"stable": "old"}


def test_asking_takes_no_lock(old: Any) -> None:
    old.lock()
    status, record = old.deploy("status")
    assert (status, record["lines"][0]) == (0, "stable: 1.0.0 (old), serves, 100 % of requests")
    assert old.deploy("smoke", *OLD)[0] == 0
    assert "production serves 1.0.0 (old), not 1.1.0 (new)" in old.deploy("smoke", *NEW)[1]["reason"]


def test_an_empty_host_has_a_status_and_nothing_else(engine: Any) -> None:
    assert engine.deploy("status")[1]["reason"] == "no router runs: nothing has been deployed to this stage yet"
    assert "there is nothing to rollback; give --image" in engine.deploy("rollback")[1]["reason"]


def test_an_image_that_no_registry_has_is_named(old: Any) -> None:
    record = old.deploy("canary", "--image", "unknown", "--version", "2.0.0")[1]
    assert "the registry has no such image; check its digest" in record["reason"]


def test_an_image_is_pulled_where_it_is_not_there(old: Any) -> None:
    assert old.deploy("promote", "--image", "name@sha256:1", "--version", "2.0.0")[0] == 0
    assert ["pull", "--quiet", "name@sha256:1"] in old.state()["calls"]


def test_an_image_without_a_user_by_number_is_refused(old: Any) -> None:
    old.set(images={**old.state()["images"], "rooted": ""})
    record = old.deploy("canary", "--image", "rooted", "--version", "2.0.0")[1]
    assert "rooted runs as root: an image with its user by number" in record["reason"]


def test_a_new_configuration_is_brought_to_the_router(old: Any) -> None:
    Path("deploy/compose/haproxy.cfg").write_text("global\n# more\n")
    assert old.deploy("canary", *OLD)[1]["lines"] == ["give the router its new configuration"]
    assert old.state()["config"] == "global\n# more\n"
    assert any(call[:3] == ["kill", "--signal", "USR2"] for call in old.state()["calls"])


def test_the_keys_go_to_their_volume_and_into_no_command(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_KEYS", "keys-7f3a")
    monkeypatch.setenv("DEPLOY_API_KEY", "one-7f3a")
    engine.deploy("staging", *OLD)
    assert engine.state()["prepared"] == {"user": "10001:10001", "keys": "keys-7f3a"}
    assert not any("7f3a" in part for call in engine.state()["calls"] for part in call)


def test_probe_rows_can_come_from_a_bundle(old: Any, tmp_path: Path) -> None:
    (tmp_path / "probe.json").write_text('{"rows": [{"x": 1}], "answers": [0.25]}')
    record = old.deploy("smoke", "--bundle", str(tmp_path))[1]
    assert "0.5, and 0.25 is right" in record["reason"]
    assert "probe.json: no such file" in old.deploy("smoke", "--bundle", "nowhere")[1]["reason"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("canary", "--image", "new"), "canary needs --image and --version"),
        (("staging",), "staging needs --image and --version"),
        (("promote", "--image", "new"), "--image needs --version"),
    ],
)
def test_what_is_missing_is_asked_for(engine: Any, given: tuple[str, ...], said: str) -> None:
    status, record = engine.deploy(*given)
    assert status == 2
    assert said in record["reason"]


def test_who_deploys_is_known_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "ada")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    assert deploy._actor() == "ada, run 42"
