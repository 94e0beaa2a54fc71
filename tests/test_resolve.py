"""Two branches that changed the model, merged by a person who does what the messages say."""

from __future__ import annotations

import json

import pytest

from projects import Project

pytestmark = pytest.mark.xdist_group("classification")
RESULTS = {"dvc.lock", "evaluation/metrics.json"}


def change(project: Project, branch: str, old: str, new: str) -> None:
    """A branch from where the project is, with one change in params.yaml."""
    project.git("checkout", "--quiet", "-b", branch)
    path = project.root / "params.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    project.run("make", "pipeline")
    project.commit(branch)


def unmerged(project: Project) -> set[str]:
    """The files that are unmerged in the index."""
    return {line.partition("\t")[2] for line in project.git("ls-files", "--unmerged").splitlines()}


def merge(project: Project, branch: str) -> str:
    """What a merge with conflicts printed."""
    somebody = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    return project.run("git", *somebody, "merge", branch, ok=False)


def params(project: Project) -> dict:
    """The parameters that the bundle was made with."""
    return json.loads((project.root / "bundle/manifest.json").read_text())["params"]


def test_two_branches_that_changed_the_model_are_merged_by_following_the_messages(small_clone: Project) -> None:
    project = small_clone
    change(project, "fewer-trees", "max_iter: 30\n", "max_iter: 20\n")
    project.git("checkout", "--quiet", "main")
    project.run("dvc", "checkout", "--quiet")
    change(project, "fewer-draws", "bootstrap: 200", "bootstrap: 150")
    merge(project, "fewer-trees")
    assert unmerged(project) > RESULTS

    for command in ("stale", "pipeline"):
        printed = project.run("make", command, ok=False)
        assert "error: a merge left two versions of dvc.lock, evaluation/" in printed
        assert "To make them from the merged sources, run `make resolve`" in printed
        assert "Traceback" not in printed
    assert "run `make resolve`" in project.run("make", "report")
    assert "run `make resolve`" in (project.root / "reports/report.md").read_text()
    printed = project.run("make", "resolve")
    assert "made from the merged sources, and added to Git's index: dvc.lock, evaluation/" in printed
    assert unmerged(project) == set()
    project.commit("Merge")

    made = params(project)
    assert (made["model"]["gradient_boosting"]["max_iter"], made["evaluate"]["bootstrap"]) == (20, 150)
    assert "dvc.lock is up to date" in project.run("make", "stale")
    assert "Running stage" not in project.run("make", "pipeline")
    assert project.git("status", "--porcelain") == ""
