"""`make maturity` in a project that was generated and whose pipeline has run."""

from __future__ import annotations

import json

import pytest

from projects import ROOT, Project

pytestmark = pytest.mark.xdist_group("classification")


def test_a_fresh_project_is_judged_by_what_its_pipeline_left(small_clone: Project) -> None:
    printed = small_clone.run("make", "--no-print-directory", "maturity", "ARGS=--badge docs/score.svg")
    told = json.loads((small_clone.root / "reports/maturity.json").read_text())
    by_hand = {one["key"] for one in told["items"] if one["state"] == "by hand"}
    assert by_hand == {"schema", "benefit", "simpler", "slices", "integrated"}
    assert {one["state"] for one in told["items"]} == {"by hand", "missing"}
    assert "score: 0, the least of the four sections\n" in printed
    assert "note: GitHub was not asked: the remote origin is no repository there" in printed
    assert "in log_loss" in next(one for one in told["items"] if one["key"] == "simpler")["evidence"][0]["what"]
    assert ">0 of 7</text>" in (small_clone.root / "docs/score.svg").read_text()
    assert small_clone.git("status", "--porcelain") == "?? docs/score.svg\n"


def test_no_workflow_of_a_project_runs_it() -> None:
    workflows = (ROOT / "{{cookiecutter.project}}/.github").rglob("*.yml")
    assert [path.name for path in workflows if "maturity" in path.read_text()] == []
