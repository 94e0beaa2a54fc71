from __future__ import annotations

import json
from pathlib import Path

import pytest
from modelyard.deploying.record import Record, describe
from modelyard.deploying.state import DeployedVersion, State, Variant
from modelyard.deploying.trial import Counts, Trial, judge
from modelyard.judging.canary import Canary

OLD, NEW = DeployedVersion("name@sha256:1", "1.1.0"), DeployedVersion("name@sha256:2", "1.2.0")


def record() -> Record:
    _, decision = judge(Canary(), Trial(Counts(20, 6, 0, 20), Counts(180, 0, 0, 180)), 0.1)
    return Record(
        "canary", "production", NEW, "rolled back", "errors\nharmful", OLD, ["start", "``` no end"], [decision]
    )


def test_both_files_hold_the_decision(tmp_path: Path) -> None:
    record().write(tmp_path / "reports/deploy.json")
    found = json.loads((tmp_path / "reports/deploy.json").read_text())
    assert found["decisions"][0]["findings"][0]["counts"] == "6/20 beside 0/180"
    text = (tmp_path / "reports/deploy.md").read_text()
    assert "**production:** canary 1.2.0: rolled back." in text
    assert "Stable serves 1.1.0 (name@sha256:1)." in text
    assert "| errors | 6/20 beside 0/180 |" in text
    assert "''' no end" in text


def test_a_workflow_gets_the_summary_and_what_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    record().write(tmp_path / "reports/deploy.json")
    assert (tmp_path / "summary").read_text() == (tmp_path / "reports/deploy.md").read_text()
    assert (tmp_path / "output").read_text() == "result=rolled back\nserves=1.1.0\nreason=errors harmful\n"


def test_a_stage_is_described_for_people() -> None:
    state = State(Variant(OLD, (), True), Variant(NEW, (OLD,), False, status="exited"), (90, 10))
    assert describe(state) == [
        "stable: 1.1.0 (name@sha256:1), serves, 90 % of requests",
        "canary: 1.2.0 (name@sha256:2), does not serve (exited), 10 % of requests",
        "  before it: 1.1.0",
    ]
    assert describe(State(OLD and Variant(OLD, (), True)))[1] == "canary: none, 0 % of requests"
    assert "nothing has been deployed" in describe(State(router=False))[0]
