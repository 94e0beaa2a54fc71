"""`make prove` in a generated project: what a person can forge does not pass, and what is honest does.

Each proof retrains on all of the sample, so there are few of them, and of one task. The tests of the library judge many
more forgeries on less data.
"""

from __future__ import annotations

import json

import pytest

from projects import Project

METRICS = "evaluation/metrics.json"
pytestmark = pytest.mark.parametrize(
    "project", [pytest.param("classification", marks=pytest.mark.xdist_group("classification"))], indirect=True
)


def proven(project: Project, *arguments: str, ok: bool = True) -> tuple[str, dict]:
    """What `make prove` printed, and what it wrote for other programs."""
    printed = project.run("make", "prove", f"ARGS={' '.join(arguments)}", ok=ok)
    return printed, json.loads((project.root / "reports/prove.json").read_text())


def forged_metrics(project: Project) -> tuple[float, bytes]:
    """The area under the ROC curve as it is, and the metrics with a better one."""
    metrics = json.loads((project.root / METRICS).read_text())
    honest = metrics["holdout"]["roc_auc"]["value"]
    metrics["holdout"]["roc_auc"]["value"] = 0.99
    return honest, (json.dumps(metrics, indent=1) + "\n").encode()


def roc_auc(project: Project) -> float:
    return json.loads((project.root / METRICS).read_text())["holdout"]["roc_auc"]["value"]


def test_a_poisoned_run_cache_changes_nothing(clone: Project) -> None:
    """What `dvc commit` wrote of an edited metric stays in the run-cache when Git has long forgotten it."""
    honest, forged = forged_metrics(clone)
    (clone.root / METRICS).write_bytes(forged)
    clone.run("dvc", "commit", "--force", "--quiet")
    clone.git("checkout", "--quiet", ".")
    (clone.root / "dvc.lock").unlink()
    assert "Stage 'evaluate' is cached - skipping run" in clone.run("dvc", "repro")
    assert roc_auc(clone) == 0.99  # plain `dvc repro` believes it
    clone.git("checkout", "--quiet", ".")
    clone.run("dvc", "checkout", "--quiet")
    printed, told = proven(clone)
    assert "identical: retraining from the source gave the same bytes" in printed
    assert told["verdict"] == "identical"
    assert roc_auc(clone) == honest


def test_a_stale_lock_names_the_parameter(clone: Project) -> None:
    params = clone.root / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.1", "learning_rate: 0.2"))
    clone.commit("Learn faster")
    printed, told = proven(clone, ok=False)
    assert "params.yaml: model.gradient_boosting.learning_rate: 0.1000 in dvc.lock, 0.2000 in the commit" in printed
    assert (told["verdict"], told["sides"]) == ("different", ["in dvc.lock", "in the commit"])


def test_a_tree_with_changes_is_refused_and_its_commit_can_be_named(clone: Project) -> None:
    params = clone.root / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.1", "learning_rate: 0.2"))
    printed, told = proven(clone, ok=False)
    assert "these files differ from HEAD: params.yaml" in printed
    assert "Running stage" not in printed
    assert told["verdict"] == "unjudged"
    _, told = proven(clone, "--ref", "HEAD~1")  # the generated project, before its pipeline ran
    assert told["verdict"] == "nothing"
