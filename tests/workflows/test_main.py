"""What a push to main starts: the committed model is trained again from its source, and must come out as committed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from projects import ROOT, clone_of, generate, made_once, make_small, run

from .hosted import Hosted, share_bytecode, step, why
from .local import GitHub


def test_a_push_to_main_proves_what_is_committed(kept: Path) -> None:
    told = json.loads((kept / "run.json").read_text())
    assert told["conclusion"] == "success", told["log"][-3000:]
    assert told["jobs"]["prove"]["steps"]["Prove"] == "success"
    assert "**Identical:**" in told["summary"]
    assert told["caches"], "main's cache is what pull requests start from"


def test_a_hand_edited_metric_turns_main_red(hosted: Hosted, tmp_path: Path) -> None:
    clone = clone_of(hosted.project, tmp_path)
    path = clone.root / "evaluation/metrics.json"
    metrics = json.loads(path.read_text())
    metrics["holdout"]["roc_auc"]["value"] = 0.99
    path.write_text(json.dumps(metrics, indent=1) + "\n")
    clone.run("dvc", "commit", "-f")
    clone.commit("Improve the model")
    assert "up to date" in clone.run("dvc", "status")  # DVC believes it
    hosted.github.push(hosted.repository, "main", clone.root)
    (run,) = hosted.deliver(("train.yml",))
    assert run.conclusion == "failure"
    assert step(run, "prove", "Prove") == "failure"
    assert "**Different:**" in run.summary
    assert "roc_auc" in run.jobs["prove"].log
    assert "0.99" in run.jobs["prove"].log


def test_a_poisoned_cache_does_not_make_a_forged_model_true(hosted: Hosted, tmp_path: Path) -> None:
    clone = clone_of(hosted.project, tmp_path)
    # another learning rate is given the outputs of this one, in the run-cache and in dvc.lock
    clone.run("sed", "-i", "s/learning_rate: 0.1$/learning_rate: 0.001/", "params.yaml")
    clone.run("dvc", "commit", "-f")
    clone.commit("Learn slowly")
    assert "up to date" in clone.run("dvc", "repro")
    hosted.poison(clone.root / ".dvc/cache")
    hosted.github.push(hosted.repository, "main", clone.root)
    (run,) = hosted.deliver(("train.yml",))
    assert run.conclusion == "failure"
    assert step(run, "prove", "Prove") == "failure"
    assert "**Different:**" in run.summary


@pytest.mark.longest
@pytest.mark.parametrize(("name", "task"), [("m", "classification"), ("churn-model", "regression")])  # no default name
def test_a_fresh_project_is_green_on_its_first_push(
    name: str, task: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project, _ = generate(tmp_path / "fresh", {"project": name, "task": task})
    github = GitHub(tmp_path / "github")
    try:
        share_bytecode(github, made_once("classification", tmp_path_factory))
        github.env["LOCAL_GITHUB_ENVIRONMENT"] = str(tmp_path / "environment")  # which the first job makes
        repository = github.create(f"octo/{name}")
        github.push(repository, "main", project.root)
        runs = {run.file: run for run in github.deliver()}
    finally:
        github.stop()
    ended = {file: run.conclusion for file, run in runs.items()}
    assert ended == {"ci.yml": "success", "train.yml": "success", "report.yml": "skipped"}, why(*runs.values())
    ci = runs["ci.yml"]
    assert {job_name for job_name, job in ci.jobs.items() if job.conclusion == "success"} >= {"lint", "package", "ci"}
    assert "skipped" not in {job.conclusion for job in ci.jobs.values()}
    assert "0 failed, 0 skipped" in ci.summary
    assert {"tests-3.11", "wheel"} == set(ci.artifacts)
    assert set(ci.artifacts["tests-3.11"]) == {"reports/junit.xml", "coverage.xml"}
    assert "nothing to prove" in runs["train.yml"].summary.lower()


def test_a_pull_request_is_tried_on_this_machine_before_there_is_any_lock(tmp_path: Path) -> None:
    project, _ = generate(tmp_path / "fresh", {})
    make_small(project)
    project.commit("Take a few months")
    project.git("checkout", "--quiet", "-b", "try")
    params = project.root / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace("learning_rate: 0.1\n", "learning_rate: 0.001\n"))
    project.commit("Learn slowly")
    params.write_text(before.replace("max_leaf_nodes: 31", "max_leaf_nodes: 30"))  # not committed
    printed = run(["make", "--no-print-directory", "pull-request", f"PROJECT={project.root}"], ROOT)
    first, last = printed.split("train.yml on pull_request: ")[1:]
    assert first.startswith("failure\n  scope: success\n  train: failure in ['Gate']\n")
    assert "log_loss not worse than the champion's by 0.001 or more | worse by 0.0" in first
    assert last.startswith("success\n")
    assert "train.yml on workflow_dispatch: success" in last  # with the dvc.lock that was committed
    assert printed.count("----- comment ") == 1
    assert "✅ May merge" in last
