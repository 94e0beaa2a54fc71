from __future__ import annotations

import json

import pytest
from modelyard.github.api import GitHubError
from modelyard.github.handover import hand_over, main

HEAD = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a report, in which one stands, and a file for the summary."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/report.md").write_text("# The model\n")
    return tmp_path


def test_the_report_is_shown_and_its_pull_request_noted(folder, monkeypatch, capsys):
    monkeypatch.setenv("PULL_REQUEST", "7")
    monkeypatch.setenv("HEAD_SHA", HEAD)
    main([])
    assert json.loads((folder / "reports/pull-request.json").read_text()) == {"number": 7, "head": HEAD}
    assert (folder / "summary").read_text() == "# The model\n"
    assert "pull request 7 at 0123456" in capsys.readouterr().out


def test_without_a_pull_request_only_the_summary_is_written(folder):
    hand_over(folder / "reports", "", HEAD)
    assert not (folder / "reports/pull-request.json").exists()
    assert (folder / "summary").read_text() == "# The model\n"


def test_a_run_that_ended_early_has_nothing_to_show(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert hand_over(tmp_path / "reports", "", "") == []


def test_a_report_beyond_the_limit_of_the_summary_is_cut(folder):
    (folder / "reports/report.md").write_text("é" * 1_200_000)
    hand_over(folder / "reports", "", "")
    assert 900_000 < (folder / "summary").stat().st_size <= 1_000_000


@pytest.mark.parametrize(("number", "head"), [("7; rm -rf /", HEAD), ("0", HEAD), ("7", "main"), ("-1", HEAD)])
def test_what_is_no_number_or_no_commit_is_refused(folder, number, head):
    with pytest.raises(GitHubError, match="a number and a commit are needed"):
        hand_over(folder / "reports", number, head)
    assert not (folder / "reports/pull-request.json").exists()
