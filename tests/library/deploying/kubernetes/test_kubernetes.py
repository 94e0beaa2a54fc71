"""The real kubectl takes the steps of a deployment, in a cluster whose API server is a stand-in."""

from __future__ import annotations

import tomllib

import pytest
from cluster_sample import CLUSTER_SAMPLE
from modelyard.deploying.failure import DeployError
from modelyard.deploying.kubernetes.cluster import enter, render
from modelyard.deploying.plan import SetWeights, Start, previous_release, serve
from modelyard.deploying.state import DeployedVersion

V1 = DeployedVersion("registry.example/model:v1", "1.0.0", "a" * 64)
V2 = DeployedVersion("registry.example/model:v2", "2.0.0", "b" * 64)
PROJECT = tomllib.loads((CLUSTER_SAMPLE / "pyproject.toml").read_text())["project"]["name"]
NAME = f"{PROJECT}-serving"
HOLDER = {"action": "canary", "by": "me"}


def back(stage):
    release = previous_release(stage.read())
    return stage.follow(lambda now: serve(now, release))


@pytest.fixture
def stage(kubectl):
    """A stage in which nothing runs yet."""
    with enter(kubectl, "production", 0.0, {}, None, HOLDER, lambda _: None) as entered:
        yield entered


def test_an_empty_namespace_gets_what_both_variants_need(stage, cluster):
    state = stage.read()
    assert (state.stable, state.canary, state.weights, state.router) == (None, None, (100, 0), True)
    assert [one["kind"] for one in cluster.of("services")] == ["Service", "Service"]
    assert cluster.of("networkpolicies")
    assert not cluster.of("deployments")


def test_the_first_version_serves_alone_and_the_next_takes_over_through_a_canary(stage, cluster, service):
    state = stage.follow(lambda now: serve(now, V1))
    assert state.stable.release == V1
    assert state.stable.serving
    assert state.canary is None
    state = stage.follow(lambda now: serve(now, V2))
    assert state.stable.release == V2
    assert state.stable.history == (V1,)
    assert state.weights == (100, 0)
    assert not [one for one in cluster.of("pods") if one["metadata"]["labels"]["variant"] == "canary"]
    images = {one["spec"]["containers"][0]["image"] for one in cluster.of("pods")}
    assert images == {V2.image}
    assert service.clients["failed"] == 0


def test_what_is_applied_names_the_image_and_each_variants_own_configuration(stage, cluster):
    stage.take(Start("stable", V1, ()))
    stage.take(Start("canary", V2, (V1,)))
    pods = {one["metadata"]["labels"]["variant"]: one["spec"] for one in cluster.of("pods")}
    assert pods["stable"]["containers"][0]["image"] == V1.image
    assert pods["canary"]["containers"][0]["image"] == V2.image
    maps = {one["metadata"]["name"]: one["data"]["serving.json"] for one in cluster.of("configmaps")}
    for name, spec in pods.items():
        (mounted,) = [one["configMap"]["name"] for one in spec["volumes"] if "configMap" in one]
        assert f'"variant": "{name}"' in maps[mounted]


def test_weights_change_in_the_route_alone(stage, cluster):
    stage.take(Start("stable", V1, ()))
    stage.take(Start("canary", V2, (V1,)))
    cluster.done.clear()
    stage.shift((90, 10))
    assert cluster.weights() == {"stable": 90, "canary": 10}
    assert cluster.done == [f"PATCH httproutes {NAME}"]
    assert stage.read().weights == (90, 10)


def test_who_gets_more_requests_has_pods_for_them_first(stage, cluster):
    stage.take(Start("stable", V1, ()))
    stage.take(Start("canary", V2, (V1,)))
    stage.kubectl.ask("scale", f"deployment/{NAME}-stable", "--replicas=6")
    stage.take(SetWeights((50, 50)))
    replicas = {one["metadata"]["labels"]["variant"]: one["spec"]["replicas"] for one in cluster.of("deployments")}
    assert replicas == {"stable": 6, "canary": 3}
    stage.take(SetWeights((0, 100)))
    assert cluster.objects["deployments", f"{NAME}-canary"]["spec"]["replicas"] == 6
    stage.take(Start("stable", V2, (V1,)))  # an apply leaves the number to the autoscaler
    assert cluster.objects["deployments", f"{NAME}-stable"]["spec"]["replicas"] == 6


def test_a_canary_that_goes_takes_all_that_is_its_own_along(stage, cluster):
    stage.follow(lambda now: serve(now, V1))
    stage.take(Start("canary", V2, (V1,)))
    stage.take(SetWeights((50, 50)))
    state = back(stage)
    assert state.stable.release == V1
    assert state.weights == (100, 0)
    for kind in ("deployments", "horizontalpodautoscalers", "poddisruptionbudgets", "configmaps", "pods"):
        assert {one["metadata"]["labels"]["variant"] for one in cluster.of(kind)} == {"stable"}, kind
    assert len(cluster.of("services")) == 2  # the route names both


def test_a_version_that_does_not_become_ready_says_why_and_stable_goes_on(stage, cluster):
    stage.follow(lambda now: serve(now, V1))
    cluster.broken[V2.image] = "ImagePullBackOff"
    with pytest.raises(
        DeployError, match=r"canary does not become ready: ImagePullBackOff: said by a test\n.*a line of"
    ):
        stage.take(Start("canary", V2, (V1,)))
    assert not stage.read().canary.serving
    state = back(stage)
    assert state.canary is None
    assert state.stable.serving


def test_a_version_that_answers_wrongly_fails_the_smoke_test(stage, service):
    service.wrong.add(V2.image)
    with pytest.raises(DeployError, match="1 of 1 probe rows are answered otherwise"):
        stage.take(Start("stable", V2, ()))
    with pytest.raises(DeployError, match="/model says bundle"):
        stage.take(Start("stable", DeployedVersion(V1.image, "1.0.0", "f" * 64), ()))


def test_an_image_that_somebody_else_put_there_is_not_taken_for_ours(stage, cluster):
    stage.take(Start("stable", V1, ()))
    there = cluster.objects["deployments", f"{NAME}-stable"]
    there["spec"]["template"]["spec"]["containers"][0]["image"] = "other/image:9"
    stable = stage.read().stable
    assert stable.release == DeployedVersion("other/image:9", "unknown")
    assert stable.history == (V1,)


def test_counters_of_a_pod_that_went_or_was_started_again_are_not_lost(stage, cluster, service):
    stage.take(Start("stable", V1, ()))
    stage.take(Start("canary", V2, (V1,)))
    stage.shift((50, 50))
    before = stage.traffic()
    assert before["stable"].requests > 0
    stage.kubectl.ask("scale", f"deployment/{NAME}-stable", "--replicas=3")
    stage.agent.forget()
    stage.traffic()
    stage.kubectl.ask("scale", f"deployment/{NAME}-stable", "--replicas=1")
    service.counted.clear()
    stage.agent.forget()
    cluster.restart("stable")
    cluster.restart("canary")
    service.arriving = 0
    after = stage.traffic()
    assert after["stable"].requests > before["stable"].requests
    assert after["canary"].requests >= before["canary"].requests
    assert after["stable"].failed == 0
    assert stage.read().canary.started == "1"


def test_the_metrics_that_are_asked_for_next_are_those_of_the_traffic(stage):
    stage.take(Start("stable", V1, ()))
    stage.take(Start("canary", V2, (V1,)))
    traffic = stage.traffic()
    text = stage.agent.ask(host="stable", path="/metrics")["text"]
    assert f'code="200"}} {traffic["stable"].requests}' in text
    assert stage.agent.ask(host="stable", path="/metrics")["text"] != text


def test_only_one_deployment_has_the_lock(kubectl):
    with enter(kubectl, "production", 0.0, {}, None, HOLDER, lambda _: None):
        with (
            pytest.raises(DeployError, match=r"another deployment holds the lease .* \(action canary, by me\)"),
            enter(kubectl, "production", 0.0, {}, None, HOLDER, lambda _: None),
        ):
            pass
        with enter(kubectl, "production", 0.0, {}, None, None, lambda _: None) as looked:  # who only looks needs none
            assert looked.read().router
    with enter(kubectl, "production", 0.0, {}, None, HOLDER, lambda _: None):
        pass


def test_the_lock_of_a_deployment_that_was_killed_runs_out(kubectl, cluster):
    with enter(kubectl, "production", 0.0, {}, None, HOLDER, lambda _: None) as stage:
        (lease,) = cluster.of("leases")
        lease["spec"]["renewTime"] = "2026-01-01T00:00:00.000000Z"
        with enter(kubectl, "production", 0.0, {}, None, {"by": "another"}, lambda _: None):
            stage.agent.alive.__self__._renewed -= 60
            with pytest.raises(DeployError, match="the object has been modified"):
                stage.agent.idle(0)


def test_a_stage_without_an_overlay_is_refused(kubectl):
    with pytest.raises(DeployError, match="there is no such stage; there are: production, staging"):
        render(kubectl, "testing")


def test_what_the_account_may_not_do_is_said(kubectl, cluster):
    cluster.forbidden.add(("PATCH", "services"))
    with (
        pytest.raises(DeployError, match=r"(?s)forbidden.*deploy/kubernetes/deployer.yaml lists what it needs"),
        enter(kubectl, "production", 0.0, {}, None, HOLDER, lambda _: None),
    ):
        pass
    (lease,) = cluster.of("leases")
    assert lease["spec"]["leaseDurationSeconds"] == 1  # given back
