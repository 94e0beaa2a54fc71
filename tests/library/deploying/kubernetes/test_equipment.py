"""What policy.yaml says of serving, in the objects that the real kubectl applies."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from modelyard.deploying.failure import DeployError
from modelyard.deploying.kubernetes.cluster import enter, render
from modelyard.deploying.plan import Start
from modelyard.deploying.state import DeployedVersion

OLD = DeployedVersion("registry.example/model:v1", "1.0.0", "a" * 64)
NEW = DeployedVersion("registry.example/model:v2", "2.0.0", "b" * 64)
POLICY = "serving: {deadline_ms: 50, split: {version: v1.0.0, key: X-Customer, share: 0.25}, shadow: v0.9.0}\n"


@pytest.fixture
def stage(kubectl):
    """A stage in which 1.0.0 serves, and a policy with a split and a shadow."""
    with enter(kubectl, "production", 0.0, {}, None, {"action": "canary", "by": "me"}, lambda _: None) as entered:
        Path("policy.yaml").write_text("serving: {}\n")
        entered.take(Start("stable", OLD, ()))
        Path("policy.yaml").write_text(POLICY)
        yield entered


def test_a_store_of_policy_has_the_log_shipped_beside_the_service(stage, cluster):
    Path("policy.yaml").write_text("monitor: {store: s3://logs/flights}\n")
    stage.take(Start("canary", NEW, (OLD,)))
    spec = pod(cluster, "canary")
    (ship,) = spec["initContainers"]
    assert (ship["name"], ship["image"], ship["restartPolicy"]) == (
        "ship",
        "registry.example/model-pipeline:2.0.0",
        "Always",
    )
    assert ship["command"][1:] == ["ship", "--folder", "/var/lib/predictions"]
    assert {one["mountPath"] for one in ship["volumeMounts"]} == {"/var/lib/predictions", "/tmp"}  # noqa: S108
    assert ship["securityContext"]["readOnlyRootFilesystem"] is True
    assert "initContainers" not in pod(cluster, "stable")
    (policy,) = [
        one for key, one in cluster.objects.items() if key[0] == "networkpolicies" and key[1].endswith("-ship")
    ]
    assert policy["spec"]["egress"][1]["ports"] == [{"protocol": "TCP", "port": 443}]
    assert policy["spec"]["podSelector"]["matchLabels"]["variant"] == "canary"
    stage.remove("canary")
    assert not [key for key in cluster.objects if key[1].endswith("-ship")]


def test_a_store_that_is_a_folder_is_none_for_pods(stage, cluster):
    said = []
    Path("policy.yaml").write_text("monitor: {store: /srv/logs}\n")
    dataclasses.replace(stage, say=said.append).take(Start("canary", NEW, (OLD,)))
    assert "initContainers" not in pod(cluster, "canary")
    assert any("a folder, which pods do not have: the log is not shipped" in line for line in said)


def pod(cluster, variant):
    (found,) = [one for one in cluster.of("pods") if one["metadata"]["labels"]["variant"] == variant]
    return found["spec"]


def settings(cluster, variant):
    (name,) = [one["configMap"]["name"] for one in pod(cluster, variant)["volumes"] if "configMap" in one]
    return name, json.loads(cluster.objects["configmaps", name]["data"]["serving.json"])


def test_the_configuration_says_what_policy_says_under_a_name_of_its_own(stage, cluster):
    before, plain = settings(cluster, "stable")
    stage.take(Start("canary", NEW, (OLD,)))
    name, made = settings(cluster, "canary")
    assert made["deadline_ms"] == 50
    (model,) = made["models"].values()
    assert model["split"] == {"bundle": "/var/lib/bundles/1.0.0", "key": "X-Customer", "share": 0.25}
    assert model["shadow"] == "/var/lib/bundles/0.9.0"
    assert "deadline_ms" not in plain
    Path("policy.yaml").write_text(POLICY.replace("0.25", "0.5"))
    stage.take(Start("canary", NEW, (OLD,)))
    after, made = settings(cluster, "canary")
    assert after != name  # so new pods come
    assert next(iter(made["models"].values()))["split"]["share"] == 0.5
    assert settings(cluster, "stable") == (before, plain)


def test_each_bundle_is_brought_from_its_versions_image_before_the_service_starts(stage, cluster):
    stage.take(Start("canary", NEW, (OLD,)))
    spec = pod(cluster, "canary")
    (service,) = spec["containers"]
    brought = {one["command"][-2]: one["image"] for one in spec["initContainers"]}
    assert brought == {"1.0.0": OLD.image, "0.9.0": "registry.example/model:0.9.0"}
    for one in spec["initContainers"]:
        assert one["securityContext"] == service["securityContext"]
        assert one["resources"] == service["resources"]
        assert one["volumeMounts"] == [{"name": "bundles", "mountPath": "/var/lib/bundles"}]
    assert {"name": "bundles", "mountPath": "/var/lib/bundles", "readOnly": True} in service["volumeMounts"]
    assert "initContainers" not in pod(cluster, "stable")


def test_what_the_manifests_say_too_is_refused(stage):
    path = Path("deploy/kubernetes/project/canary.json")
    path.write_text(path.read_text().replace('"shadow": null', '"shadow": "/mine"'))
    stage.objects[:] = render(stage.kubectl, "production")
    with pytest.raises(DeployError, match=r"shadow is '/mine', and policy\.yaml says serving\.shadow too"):
        stage.take(Start("canary", NEW, (OLD,)))
