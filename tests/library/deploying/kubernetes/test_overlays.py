"""What the manifests in `deploy/kubernetes` promise, read from what kubectl makes of each overlay."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cluster_sample import CLUSTER_SAMPLE
from ruamel.yaml import YAML

KUBERNETES = CLUSTER_SAMPLE / "deploy/kubernetes"
OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())
VARIANTS = ("stable", "canary")
DRAIN = 20  # seconds that the service takes at most to answer what it has taken

Object = dict[str, Any]
# a person's machine may have no kubectl; a runner has one, and there the manifests are always looked at
pytestmark = pytest.mark.skipif(
    not (shutil.which("kubectl") or os.environ.get("CI")), reason="kubectl is not on the PATH"
)


@pytest.fixture(scope="module", params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    """The objects of an overlay."""
    command = ["kubectl", "kustomize", KUBERNETES / "overlays" / request.param]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(YAML(typ="safe").load_all(done.stdout))


def of(objects: list[Object], kind: str) -> dict[str, Object]:
    """The objects of a kind, by their variant."""
    found = [one for one in objects if one["kind"] == kind]
    return {one["metadata"]["labels"].get("variant", ""): one for one in found}


def containers(objects: list[Object]) -> list[Object]:
    pods = [one["spec"]["template"]["spec"] for one in of(objects, "Deployment").values()]
    return [one for pod in pods for one in [*pod["containers"], *pod.get("initContainers", [])]]


def pod(objects: list[Object], variant: str) -> Object:
    spec: Object = of(objects, "Deployment")[variant]["spec"]["template"]["spec"]
    return spec


def test_there_are_a_staging_and_a_production():
    assert OVERLAYS == ["production", "staging"]


def test_each_variant_has_what_it_needs_and_nothing_is_left_over(objects):
    kinds = sorted((one["kind"], one["metadata"]["labels"].get("variant", "")) for one in objects)
    each = ("ConfigMap", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service")
    shared = ("HTTPRoute", "NetworkPolicy", "ServiceAccount")
    assert kinds == sorted([(kind, variant) for kind in each for variant in VARIANTS] + [(kind, "") for kind in shared])


def test_no_process_is_root_or_can_become_it(objects):
    for variant in VARIANTS:
        context = pod(objects, variant)["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(objects):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_no_pod_reaches_its_node_or_the_cluster(objects):
    account = of(objects, "ServiceAccount")[""]
    assert account["automountServiceAccountToken"] is False
    for variant in VARIANTS:
        spec = pod(objects, variant)
        assert spec["serviceAccountName"] == account["metadata"]["name"]
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        kinds = [next(key for key in volume if key != "name") for volume in spec["volumes"]]
        assert set(kinds) <= {"configMap", "secret", "emptyDir"}


def test_each_container_has_requests_and_limits(objects):
    for container in containers(objects):
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory", "ephemeral-storage"}


def test_the_prediction_log_fits_its_volume_and_the_volume_its_limit(objects):
    for variant in VARIANTS:
        log = configuration(objects, variant)["log"]
        volumes = {one["name"]: one for one in pod(objects, variant)["volumes"]}
        (container,) = pod(objects, variant)["containers"]
        (volume,) = (one["name"] for one in container["volumeMounts"] if one["mountPath"] == log["folder"])
        room = mebibytes(volumes[volume]["emptyDir"]["sizeLimit"])
        assert log["file_mb"] * log["files"] < room < mebibytes(container["resources"]["requests"]["ephemeral-storage"])


def mebibytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def configuration(objects: list[Object], variant: str) -> Object:
    """What serving.json says in the ConfigMap that the variant's pods mount."""
    mounted = [one["configMap"]["name"] for one in pod(objects, variant)["volumes"] if "configMap" in one]
    maps = {one["metadata"]["name"]: one for one in objects if one["kind"] == "ConfigMap"}
    (name,) = mounted
    read: Object = json.loads(maps[name]["data"]["serving.json"])
    return read


def test_both_variants_serve_alike_but_for_their_name(objects):
    stable, canary = (configuration(objects, variant) for variant in VARIANTS)
    assert stable.pop("variant") == "stable"
    assert canary.pop("variant") == "canary"
    assert stable == canary
    assert stable["default"] in stable["models"]


def test_a_change_of_the_configuration_restarts_the_pods(objects):
    names = {one["metadata"]["name"] for one in objects if one["kind"] == "ConfigMap"}
    assert all(re.search(r"-[a-z0-9]{10}$", name) for name in names)


def test_a_pod_is_started_watched_and_asked(objects):
    for container in containers(objects):
        port = {one["name"]: one["containerPort"] for one in container["ports"]}["http"]
        assert port == 8000
        for probe, path in (("startupProbe", "/healthz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")):
            assert container[probe]["httpGet"] == {"path": path, "port": "http"}
        slow = container["startupProbe"]
        assert slow["periodSeconds"] * slow["failureThreshold"] >= 30
        ready, alive = container["readinessProbe"], container["livenessProbe"]
        assert ready["periodSeconds"] * ready["failureThreshold"] < alive["periodSeconds"] * alive["failureThreshold"]


def test_a_pod_that_goes_answers_what_it_has_taken(objects):
    for variant in VARIANTS:
        spec = pod(objects, variant)
        (container,) = spec["containers"]
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pause >= 5
        assert spec["terminationGracePeriodSeconds"] >= pause + DRAIN


def test_a_rollout_takes_no_pod_away_before_another_is_ready(objects):
    for deployment in of(objects, "Deployment").values():
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_stable_and_canary_choose_different_pods(objects):
    chosen = {}
    for variant, deployment in of(objects, "Deployment").items():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        chosen[variant] = deployment["spec"]["selector"]["matchLabels"]
        assert chosen[variant].items() <= labels.items()
        assert of(objects, "Service")[variant]["spec"]["selector"] == chosen[variant]
        assert of(objects, "PodDisruptionBudget")[variant]["spec"]["selector"]["matchLabels"] == chosen[variant]
        for spread in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"] == chosen[variant]
    assert chosen["stable"]["variant"] == "stable"
    assert chosen["canary"]["variant"] == "canary"


def test_the_network_policy_holds_for_each_pod_and_lets_nothing_out(objects):
    policy = of(objects, "NetworkPolicy")[""]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == []
    assert all("from" in rule and rule["ports"] for rule in policy["ingress"])
    for deployment in of(objects, "Deployment").values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_a_node_can_always_be_drained(objects):
    for variant, budget in of(objects, "PodDisruptionBudget").items():
        assert "minAvailable" not in budget["spec"]
        assert budget["spec"]["maxUnavailable"] >= 1
        assert of(objects, "HorizontalPodAutoscaler")[variant]["spec"]["minReplicas"] >= 1


def test_autoscalers_and_weights_have_nothing_in_common(objects):
    deployments = of(objects, "Deployment")
    for variant, scaler in of(objects, "HorizontalPodAutoscaler").items():
        assert "replicas" not in deployments[variant]["spec"]  # an apply would undo what the autoscaler did
        assert scaler["spec"]["scaleTargetRef"]["name"] == deployments[variant]["metadata"]["name"]
        assert [one["type"] for one in scaler["spec"]["metrics"]] == ["Resource"]  # of its own pods, not of the route
        assert 1 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]
    scalers = of(objects, "HorizontalPodAutoscaler")
    # at the end of a canary all of the traffic may be its own
    assert scalers["canary"]["spec"]["maxReplicas"] >= scalers["stable"]["spec"]["minReplicas"]


def test_the_route_weighs_the_two_services_and_starts_with_stable_alone(objects):
    services = {variant: one["metadata"]["name"] for variant, one in of(objects, "Service").items()}
    (rule,) = of(objects, "HTTPRoute")[""]["spec"]["rules"]
    weights = {one["name"]: one["weight"] for one in rule["backendRefs"]}
    assert weights == {services["stable"]: 100, services["canary"]: 0}
    assert all(one["port"] == 80 for one in rule["backendRefs"])


def test_from_outside_nobody_reaches_the_inside(objects):
    (rule,) = of(objects, "HTTPRoute")[""]["spec"]["rules"]
    paths = {match["path"]["value"]: match["path"]["type"] for match in rule["matches"]}
    assert "/predict" in paths
    for inside in ("/admin/reload", "/metrics"):
        assert inside not in paths
        assert not any(inside.startswith(path) for path, kind in paths.items() if kind != "Exact")


def test_no_key_stands_in_a_manifest(objects):
    assert not [one for one in objects if one["kind"] == "Secret"]
    for variant in VARIANTS:
        (secret,) = (one["secret"] for one in pod(objects, variant)["volumes"] if "secret" in one)
        keys = Path(configuration(objects, variant)["access"]["keys"])
        (container,) = pod(objects, variant)["containers"]
        assert keys.parent.as_posix() in [one["mountPath"] for one in container["volumeMounts"]]
        assert secret["secretName"]
