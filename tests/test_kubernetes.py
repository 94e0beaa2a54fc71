"""The Kubernetes manifests of a generated project, held against the schemas of Kubernetes and of the Gateway API.

What the manifests promise is tested in `tests/library/deploying`.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from npm import node, npm
from ruamel.yaml import YAML
from test_rendering import render, texts

from projects import ROOT, Project, generate, made_once, run

TEMPLATE = ROOT / "{{cookiecutter.project}}"
GATEWAY = ROOT / "tests/gateway"
OVERLAYS = ("staging", "production")
VERSIONS = ("1.32", "1.35", "1.37")  # the oldest that has all that is used, the one asked for, the newest
ROUTE = {  # the fields that a route may have here: the schema of the Gateway API lets unknown ones pass
    "": {"apiVersion", "kind", "metadata", "spec"},
    "metadata": {"name", "namespace", "labels"},
    "spec": {"parentRefs", "hostnames", "rules"},
    "spec.parentRefs": {"name", "namespace", "sectionName", "port"},
    "spec.rules": {"matches", "backendRefs", "timeouts"},
    "spec.rules.matches": {"path", "method"},
    "spec.rules.matches.path": {"type", "value"},
    "spec.rules.backendRefs": {"name", "port", "weight"},
}

Object = dict[str, Any]


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the manifests in a project of another name and a large-letter owner."""
    answers = {"project": "zebra-crossings", "github_owner": "Zebra-Org", "deploy_target": "kubernetes"}
    return render(tmp_path_factory.mktemp("kubernetes"), answers) / "deploy/kubernetes"


def rendered(kubernetes: Path, overlay: str) -> list[Object]:
    """The objects that kubectl makes of an overlay."""
    printed = run(["kubectl", "kustomize", kubernetes / "overlays" / overlay], kubernetes)
    return list(YAML(typ="safe").load_all(printed))


def unknown(value: Any, path: str = "") -> list[str]:
    """The fields of a route that are not known, by their path."""
    if isinstance(value, list):
        return [found for one in value for found in unknown(one, path)]
    if not isinstance(value, dict) or path not in ROUTE:
        return []
    found = [f"{path}.{key}" for key in set(value) - ROUTE[path]]
    return found + [more for key, one in value.items() for more in unknown(one, f"{path}.{key}".lstrip("."))]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_object_keeps_the_schema_strictly(kubernetes: Path, overlay: str, version: str) -> None:
    checked = 0
    for one in rendered(kubernetes, overlay):
        if one["apiVersion"].startswith("gateway."):
            assert unknown(one) == []
        else:
            kubernetes_validate.validate(one, version, strict=True)
            checked += 1
    assert checked == 12


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """The objects of the cluster on which trials run."""
    folder = render(tmp_path_factory.mktemp("dask"), {"scale": "cluster"}) / "deploy/cluster"
    return list(YAML(typ="safe").load_all(run(["kubectl", "kustomize", folder], folder)))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_cluster_for_trials_keeps_the_schema_strictly(dask: list[Object], version: str) -> None:
    for one in dask:
        kubernetes_validate.validate(one, version, strict=True)
    assert [one["kind"] for one in dask] == [
        *("ConfigMap", "Service", "Deployment", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy"),
    ]


def test_the_cluster_for_trials_speaks_tls_to_itself_only(dask: list[Object]) -> None:
    deployments = [one for one in dask if one["kind"] == "Deployment"]
    (policy,) = [one["spec"] for one in dask if one["kind"] == "NetworkPolicy"]
    (ours,) = [one["podSelector"]["matchLabels"] for one in policy["ingress"][0]["from"]]
    assert policy["podSelector"]["matchLabels"] == ours
    for pod in (one["spec"]["template"] for one in deployments):
        assert ours.items() <= pod["metadata"]["labels"].items()
        (container,) = pod["spec"]["containers"]
        command = container["command"]
        assert command[command.index("--dashboard-address") + 1] == "127.0.0.1:0"
        assert {"tls", "tls://cluster-scheduler:8786"} & set(command)
        assert container["securityContext"]["readOnlyRootFilesystem"]
        (secret,) = [one["secret"] for one in pod["spec"]["volumes"] if "secret" in one]
        assert secret["secretName"] == "cluster-tls"
    settings = YAML(typ="safe").load(dask[0]["data"]["dask.yaml"])["distributed"]
    assert settings["comm"]["require-encryption"]


def test_what_the_deployer_may_do_keeps_the_schema_and_no_secret_is_among_it(kubernetes: Path) -> None:
    objects = list(YAML(typ="safe").load_all(kubernetes / "deployer.yaml"))
    for one in objects:
        kubernetes_validate.validate(one, "1.35", strict=True)
    allowed = {resource for rule in objects[1]["rules"] for resource in rule["resources"]}
    assert "secrets" not in allowed
    assert not any("*" in words for rule in objects[1]["rules"] for words in rule.values())
    wanted = {one["kind"].lower().rstrip("y") for one in rendered(kubernetes, "production")}
    assert all(any(name.startswith(kind) for name in allowed) for kind in wanted)


def test_the_check_finds_a_field_that_is_not_there(kubernetes: Path) -> None:
    objects = {one["kind"]: one for one in rendered(kubernetes, "staging")}
    objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinesProbe"):
        kubernetes_validate.validate(objects["Deployment"], "1.35", strict=True)
    objects["HTTPRoute"]["spec"]["rules"][0]["backendRefs"][0]["wieght"] = 1
    assert unknown(objects["HTTPRoute"]) == ["spec.rules.backendRefs.wieght"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Object]], str]:
    """What the schema of the Gateway API finds wrong in routes."""
    folder = shutil.copytree(GATEWAY, tmp_path_factory.mktemp("gateway") / "gateway")
    npm(folder, "install", "--ignore-scripts")

    def check(routes: list[Object]) -> str:
        paths = [folder / f"{number}.json" for number in range(len(routes))]
        for path, route in zip(paths, routes, strict=True):
            path.write_text(json.dumps(route))
        return node(folder / "validate.mjs", *paths)

    return check


def test_the_route_keeps_the_schema_of_the_gateway_api(
    kubernetes: Path, gateway: Callable[[list[Object]], str]
) -> None:
    routes = [one for overlay in OVERLAYS for one in rendered(kubernetes, overlay) if one["kind"] == "HTTPRoute"]
    assert len(routes) == len(OVERLAYS)
    assert gateway(routes) == ""
    wrong = [copy.deepcopy(routes[0]) for _ in range(3)]
    wrong[0]["spec"]["rules"][0]["backendRefs"][0]["weight"] = -1
    wrong[1]["spec"]["rules"][0]["matches"][0]["path"]["type"] = "Prefix"
    wrong[2]["spec"]["hostnames"] = ["Not A Name"]
    assert [line.rpartition("spec/")[2].split()[0] for line in gateway(wrong).splitlines()] == [
        "rules/0/backendRefs/0/weight",
        "rules/0/matches/0/path/type",
        "hostnames/0",
    ]


def test_the_name_of_the_project_stands_in_one_folder(kubernetes: Path) -> None:
    named = [name for name, text in texts(kubernetes).items() if "zebra" in text.lower()]
    assert sorted(named) == ["project/canary.json", "project/kustomization.yaml", "project/stable.json"]
    for one in rendered(kubernetes, "production"):
        assert one["metadata"]["name"].startswith("zebra-crossings-serving")
        if one["kind"] == "Deployment":
            (container,) = one["spec"]["template"]["spec"]["containers"]
            assert container["image"] == "ghcr.io/zebra-org/zebra-crossings:unreleased"
    plain = {name: text for name, text in texts(TEMPLATE / "deploy/kubernetes").items() if "project/" not in name}
    assert {name: text for name, text in texts(kubernetes).items() if "project/" not in name} == plain


def test_two_projects_in_one_namespace_stay_apart(kubernetes: Path, tmp_path: Path) -> None:
    other = render(tmp_path, {"project": "other-name", "deploy_target": "kubernetes"}) / "deploy/kubernetes"
    ours, theirs = rendered(kubernetes, "production"), rendered(other, "production")
    names = [{(one["kind"], one["metadata"]["name"]) for one in objects} for objects in (ours, theirs)]
    assert not names[0] & names[1]
    for one in ours:
        if one["kind"] == "Deployment":
            chosen = one["spec"]["selector"]["matchLabels"]
            for pod in (each for each in theirs if each["kind"] == "Deployment"):
                assert not chosen.items() <= pod["spec"]["template"]["metadata"]["labels"].items()


def strictly(sent: Object) -> None:
    """Raises ValueError where an object has a field that is not known, or a value of another type."""
    try:
        if sent["apiVersion"].startswith("gateway."):
            assert unknown(sent) == []
        else:
            kubernetes_validate.validate(sent, "1.35", strict=True)
    except (AssertionError, kubernetes_validate.ValidationError) as error:
        raise ValueError(str(error)) from None


def answer(pod: Object, task: Object) -> Object:
    """A service that answers as it should, to a bundle without probe rows."""
    variant = pod["metadata"]["labels"]["variant"]
    said = {"/model": {"bundle": ""}, "/predict": {"variant": variant, "fallback": None, "predictions": []}}
    return {"status": 200, "text": json.dumps(said.get(task["path"], {}))}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project for Kubernetes, with the environment of another one."""
    made, _ = generate(tmp_path_factory.mktemp("cluster"), {"deploy_target": "kubernetes"}, {"MODELYARD_NO_LOCK": "1"})
    (made.root / ".venv").symlink_to(made_once("classification", tmp_path_factory).root / ".venv")
    return made


@pytest.mark.xdist_group("kubernetes")
def test_a_deployment_sends_nothing_that_kubernetes_does_not_know(project: Project, tmp_path: Path) -> None:
    path = ROOT / "tests/library/deploying/kubernetes/standin.py"
    spec = importlib.util.spec_from_file_location("standin", path)
    assert spec
    assert spec.loader
    standin = sys.modules["standin"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(standin)
    cluster = standin.Cluster(answer, strictly)
    with standin.serve(cluster) as server:
        environment = {"DEPLOY_KUBECONFIG": server.kubeconfig, "HOME": str(tmp_path)}
        for version in ("1.0.0", "2.0.0"):  # the second goes through a canary
            given = ["staging", "--image", f"registry.example/model@sha256:{version[0] * 64}", "--version", version]
            printed = project.run("python", "-m", "flight_delays", "deploy", *given, env=environment)
            assert f"staging: deployed: {version}" in printed
        cluster.check = lambda _: (_ for _ in ()).throw(ValueError('unknown field "spec.replica"'))
        refused = project.run("python", "-m", "flight_delays", "deploy", *given, env=environment, ok=False)
    assert cluster.refused == []
    assert {"PATCH httproutes flight-delays-serving", "DELETE deployments flight-delays-serving-canary"} <= {
        *cluster.done
    }
    assert 'strict decoding error: unknown field "spec.replica"' in refused
