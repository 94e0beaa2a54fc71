"""What is known of GitHub without a token, with one that may see little, and if GitHub does not answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from modelyard.github.api import GitHubError
from modelyard.maturity.hub import NO_REPOSITORY, NO_TOKEN, Hub, ask
from sample import SAMPLE

NAME = "acme/flights"


@pytest.fixture
def root(tmp_path) -> Path:
    shutil.copytree(SAMPLE / ".github", tmp_path / ".github")
    (tmp_path / "CODEOWNERS").write_text("/policy.yaml @acme/data\n")
    return tmp_path


def test_nothing_is_asked_without_a_repository_or_a_token(github, root, monkeypatch):
    assert ask(root, "") == Hub((NO_REPOSITORY,))
    monkeypatch.delenv("GITHUB_TOKEN")
    assert ask(root, NAME) == Hub((NO_TOKEN,))
    assert github.asked == []


def test_a_token_that_may_not_see_the_settings_still_reads_files_and_issues(github, root):
    github.repository["permissions"] = {"admin": False, "push": True}
    found = ask(root, NAME)
    assert (found.rulesets, found.access, found.alerts) == (None, None, None)
    assert (found.runs, found.incidents) == ((), ())
    (note,) = found.notes
    assert note.startswith("settings on GitHub are not known: the token's owner has push on acme/flights")


def test_settings_that_are_not_as_wanted_are_told_apart(github, root):
    github.accounts["orgs/acme/teams/data"] = {"id": 70, "slug": "data"}
    found = ask(root, NAME)
    assert found.notes == ()
    assert found.rulesets[0].startswith("+ ruleset main")
    assert any("default_workflow_permissions" in line for line in found.access)
    assert "+ environment production" in found.access
    assert found.alerts == (
        "~ vulnerability_alerts: false -> true",
        "~ automated_security_fixes: false -> true",
    )


def test_a_private_repository_whose_plan_has_no_rules_lacks_them(github, root):
    github.private("free")
    found = ask(root, NAME)
    assert found.rulesets[0] == "rulesets require a public repository, or the plan Pro, Team or Enterprise"
    assert found.access[0].startswith("environments with branch and tag patterns require")


def test_issues_that_nobodys_workflow_wrote_are_none(github, root):
    known = {"number": 1, "state": "open", "labels": [{"name": "incident"}], "title": "alert: Slow"}
    github.issues.append({**known, "body": "I think that it is slow"})
    github.issues.append({**known, "body": f"<!-- modelyard-incident alert {'a' * 64} -->", "pull_request": {}})
    assert ask(root, NAME).incidents == ()


def test_a_github_that_does_not_answer_is_an_error(github, root, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    github.scripted += [(503, {"message": "No server is available"}, {})] * 3
    with pytest.raises(GitHubError, match="503"):
        ask(root, NAME)
