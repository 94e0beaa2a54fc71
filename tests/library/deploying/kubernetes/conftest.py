"""A cluster that a stand-in for its API server keeps, and services in its pods that answer as a test says."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cluster_sample import CLUSTER_SAMPLE
from modelyard.deploying.kubernetes import cluster as cluster_module
from modelyard.deploying.kubernetes.kubectl import Kubectl

BUNDLES = {"v1": "a" * 64, "v2": "b" * 64}


def load(name: str) -> ModuleType:
    """A module beside this file: tests are in no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


standin = load("standin")


@dataclass
class Service:
    """What the pods of the cluster are: they count requests, which come with each look at the metrics.

    failing, slow, shifted: images, of whose requests every fifth fails, is slow, or all of whose scores are high.
    """

    cluster: Any = None
    failing: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    shifted: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    arriving: int = 100  # requests between two looks at one variant
    counted: dict[str, Counter[str]] = field(default_factory=dict)
    clients: Counter[str] = field(default_factory=Counter)

    def answer(self, pod: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
        """What a pod says to a request of the deployment."""
        image = pod["spec"]["containers"][0]["image"]
        variant = pod["metadata"]["labels"]["variant"]
        version = image.rpartition(":")[2]
        if task["path"] == "/metrics":
            self._arrive()
            return {"status": 200, "text": self._text(pod)}
        if task["path"] == "/model":
            return {"status": 200, "text": f'{{"bundle": "{BUNDLES.get(version, "c" * 64)}"}}'}
        if task["path"] == "/predict":
            value = 0.5 if image in self.wrong else 0.25
            text = f'{{"variant": "{variant}", "fallback": null, "predictions": [{{"prediction": {value}}}]}}'
            return {"status": 200, "text": text}
        return {"status": 200, "text": "{}"}

    def _arrive(self) -> None:
        for variant, weight in self.cluster.weights().items():
            pods = [one for one in self.cluster.of("pods") if one["metadata"]["labels"]["variant"] == variant]
            share = self.arriving * weight // 100
            ready = [one for one in pods if one["status"]["conditions"][0]["status"] == "True"]
            if share and not ready:
                self.clients["failed"] += share
            for number in range(share if ready else 0):
                pod = ready[number % len(ready)]
                image = pod["spec"]["containers"][0]["image"]
                bad = image in self.failing and number % 5 == 0
                counted = self.counted.setdefault(pod["metadata"]["uid"], Counter())
                counted["500" if bad else "200"] += 1
                counted["slow"] += image in self.slow and number % 5 == 0
                counted[f"score {9 if image in self.shifted else number % 10}"] += 1
                self.clients["failed" if bad else "answered"] += 1

    def _text(self, pod: dict[str, Any]) -> str:
        counted = self.counted.get(pod["metadata"]["uid"], Counter())
        total = counted["200"] + counted["500"]
        lines = [
            f'modelyard_http_requests_total{{path="/predict",code="{code}"}} {counted[code]}' for code in ("200", "500")
        ]
        lines.append('modelyard_http_requests_total{path="/readyz",code="503"} 7')
        lines += [
            f'modelyard_http_request_duration_seconds_bucket{{path="/predict",le="0.1"}} {total - counted["slow"]}',
            f'modelyard_http_request_duration_seconds_bucket{{path="/predict",le="+Inf"}} {total}',
        ]
        up_to = 0
        for number in range(10):
            up_to += counted[f"score {number}"]
            lines.append(f'modelyard_prediction_score_bucket{{model="m",le="{(number + 1) / 10}"}} {up_to}')
        return "\n".join(lines)


@pytest.fixture
def service() -> Service:
    """What runs in the pods."""
    return Service()


@pytest.fixture
def cluster(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty namespace, and in the current folder the manifests; nothing waits longer than it must."""
    if not (shutil.which("kubectl") or os.environ.get("CI")):
        pytest.skip("kubectl is not on the PATH")
    (tmp_path / "deploy").mkdir()
    shutil.copytree(CLUSTER_SAMPLE / "deploy/kubernetes", tmp_path / "deploy/kubernetes")
    shutil.copy(CLUSTER_SAMPLE / "pyproject.toml", tmp_path / "pyproject.toml")
    shutil.copy(CLUSTER_SAMPLE / "policy.yaml", tmp_path / "policy.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster_module, "SETTLE", 0.0)
    monkeypatch.setattr(cluster_module, "PAUSE", 0.0)
    made = standin.Cluster(service.answer)
    made.probe = {"rows": [{"x": 1}], "answers": [0.25]}
    service.cluster = made
    with standin.serve(made) as server:
        made.kubeconfig = server.kubeconfig
        yield made
    assert made.refused == []


@pytest.fixture
def kubectl(cluster: Any, tmp_path: Path) -> Kubectl:
    """The real kubectl, which asks the cluster."""
    (tmp_path / "kubeconfig").write_text(cluster.kubeconfig)
    return Kubectl({"PATH": os.environ["PATH"], "KUBECONFIG": str(tmp_path / "kubeconfig"), "HOME": str(tmp_path)})
