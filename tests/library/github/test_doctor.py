from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from library.bare import BARE, LIBRARY_PATH
from modelyard.errors import GitError
from modelyard.github.api import GitHubError
from modelyard.github.doctor import main, origin
from sample import SAMPLE

ALLOWED = json.loads((SAMPLE / ".github/repository.json").read_text())["actions"]["selected"]["patterns_allowed"]
OWNERS = "/policy.yaml @acme/data\n"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch, github) -> Path:
    """A folder with this project's settings, in which the tests run, and a team that exists."""
    folder = tmp_path / "flights"
    shutil.copytree(SAMPLE / ".github", folder / ".github")
    (folder / "CODEOWNERS").write_text(OWNERS)
    monkeypatch.chdir(folder)
    github.accounts["orgs/acme/teams/data"] = {"id": 70, "slug": "data"}
    return folder


@pytest.fixture
def run(capsys):
    """What doctor printed for its arguments, and its status."""

    def act(*arguments: str) -> tuple[str, int]:
        try:
            main(["--repository", "acme/flights", *arguments])
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        shown = capsys.readouterr()
        return shown.out + shown.err, status

    return act


def lines(text: str) -> list[str]:
    """The lines of a diff."""
    return [line for line in text.splitlines() if line[:1] in "+~-" and line]


def test_a_plan_is_shown_and_nothing_is_written(run, github):
    printed, status = run()
    assert status == 0
    assert github.written == []
    assert printed.startswith("acme/flights: public, of an organisation\n")
    assert printed.endswith("nothing was changed: `make github APPLY=1` makes it so\n")
    rules = "deletion, non_fast_forward, pull_request, required_status_checks"
    shown = lines(printed)
    for line in (
        "~ allow_merge_commit: true -> false",
        "~ delete_branch_on_merge: unset -> true",
        '~ secret_scanning: "disabled" -> "enabled"',
        "~ vulnerability_alerts: false -> true",
        "~ automated_security_fixes: false -> true",
        '~ actions: allowed_actions: "all" -> "selected"',
        f"~ allowed actions: patterns_allowed: unset -> {json.dumps(ALLOWED)}",
        '~ workflow token: default_workflow_permissions: "write" -> "read"',
        "+ environment production",
        "+ environment release: deploys from branch main",
        f"+ ruleset main (branch, active): {rules}",
        "+ ruleset review (branch, active): pull_request",
        "+ ruleset tags (tag, active): deletion, non_fast_forward, update",
        "+ ruleset versions (tag, active): creation",
        "+ ruleset merge queue (branch, disabled): merge_queue",
    ):
        assert line in shown


def test_what_is_applied_is_there_and_planning_again_shows_nothing(run, github):
    printed, status = run("--apply")
    assert (status, printed.splitlines()[-1]) == (0, "applied")
    assert {one["name"] for one in github.rulesets.values()} == {"main", "review", "tags", "versions", "merge queue"}
    assert github.repository["delete_branch_on_merge"] is True
    assert github.repository["security_and_analysis"]["secret_scanning"] == {"status": "enabled"}
    assert github.permissions == {"enabled": True, "allowed_actions": "selected", "sha_pinning_required": True}
    assert github.selected["patterns_allowed"] == ALLOWED
    assert github.workflow == {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": True}
    assert (github.alerts, github.fixes) == (True, True)
    kinds = {rule["type"]: rule for rule in github.environments["production"]["protection_rules"]}
    assert kinds["required_reviewers"]["reviewers"] == [{"type": "Team", "reviewer": {"id": 70}}]
    assert [(one["type"], one["name"]) for one in github.policies["staging"]] == [("branch", "main")]
    written = len(github.written)
    assert run("--check") == ("acme/flights: public, of an organisation\nnothing to change\n", 0)
    assert run("--apply")[1] == 0
    assert len(github.written) == written


def test_check_ends_with_1_where_something_differs(run):
    assert run("--check")[1] == 1


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda rules: rules.update(enforcement="disabled"), '~ ruleset main: enforcement: "disabled" -> "active"'),
        (
            lambda rules: rules["conditions"]["ref_name"]["exclude"].append("refs/heads/x"),
            '~ ruleset main: exclude: ["refs/heads/x"] -> []',
        ),
        (
            lambda rules: rules["bypass_actors"].append({"actor_id": 5, "actor_type": "RepositoryRole"}),
            '~ ruleset main: bypass_actors: [{"actor_id": 5, "actor_type": "RepositoryRole"}] -> []',
        ),
        (lambda rules: rules["rules"].append({"type": "required_signatures"}), "- ruleset main: required_signatures"),
        (
            lambda rules: rules["rules"].remove({"type": "deletion"}),
            "+ ruleset main: deletion",
        ),
        (
            lambda rules: _checks(rules).update(strict_required_status_checks_policy=False),
            "~ ruleset main: required_status_checks.strict_required_status_checks_policy: false -> true",
        ),
    ],
)
def test_what_somebody_changed_in_a_ruleset_is_shown_and_put_right(run, github, change, line):
    run("--apply")
    ours = next(one for one in github.rulesets.values() if one["name"] == "main")
    change(ours)
    before = len(github.written)
    assert lines(run()[0]) == [line]
    assert run("--apply")[1] == 0
    assert github.written[before:] == [f"PUT /repos/acme/flights/rulesets/{ours['id']}"]
    assert run()[0].endswith("nothing to change\n")


def _checks(ruleset: dict) -> dict:
    return next(one["parameters"] for one in ruleset["rules"] if one["type"] == "required_status_checks")


def test_the_order_of_checks_and_values_that_are_null_make_no_difference(run, github):
    run("--apply")
    ours = next(one for one in github.rulesets.values() if one["name"] == "main")
    _checks(ours)["required_status_checks"].reverse()
    for check in _checks(ours)["required_status_checks"]:
        check["description"] = None
    assert run()[0].endswith("nothing to change\n")


def test_rulesets_of_other_names_and_of_the_organisation_are_left_alone(run, github):
    github.rulesets[900] = {"id": 900, "name": "theirs", "target": "branch", "source_type": "Repository",
                            "enforcement": "active", "rules": []}  # fmt: skip
    github.rulesets[901] = {"id": 901, "name": "main", "target": "branch", "source_type": "Organization",
                            "enforcement": "active", "rules": []}  # fmt: skip
    assert "+ ruleset main (branch, active)" in run()[0]
    assert "theirs" not in run()[0]


def test_an_environment_keeps_what_is_not_said_of_it(run, github):
    wait = {"id": 1, "type": "wait_timer", "wait_timer": 30}
    github.environments["production"] = {"protection_rules": [wait], "deployment_branch_policy": None}
    github.policies["production"] = []
    printed, _ = run("--apply")
    shown = [line for line in lines(printed) if "production" in line]
    assert shown == [
        '~ environment production: reviewers: unset -> [{"type": "Team", "id": 70}]',
        "~ environment production: deployment_branch_policy: unset -> "
        '{"protected_branches": false, "custom_branch_policies": true}',
        "+ environment production: deploys from branch main",
    ]
    assert github.environments["production"]["protection_rules"][0]["wait_timer"] == 30


def test_a_branch_that_may_not_deploy_any_more_is_removed(run, github):
    run("--apply")
    github.policies["staging"].append({"id": 99, "name": "try/*"})
    assert lines(run()[0]) == ["- environment staging: deploys from branch try/*"]
    assert run("--apply")[1] == 0
    assert [one["name"] for one in github.policies["staging"]] == ["main"]


def test_reviewers_are_the_code_owners_that_github_knows(run, github, project):
    (project / "CODEOWNERS").write_text("# who\n/a @ada @acme/data # both\n/b @ada @nobody a@example.org @acme-bots\n")
    github.accounts["users/ada"] = {"id": 5, "login": "ada", "type": "User"}
    github.accounts["users/acme-bots"] = {"id": 6, "login": "acme-bots", "type": "Organization"}
    run("--apply")
    rules = {rule["type"]: rule for rule in github.environments["production"]["protection_rules"]}
    shown = [(one["type"], one["reviewer"]["id"]) for one in rules["required_reviewers"]["reviewers"]]
    assert shown == [("User", 5), ("Team", 70)]


def test_a_private_repository_of_the_free_plan_gets_what_it_can_have(run, github):
    github.private("free")
    github.ignored = {"allow_auto_merge"}
    printed, status = run("--apply")
    assert status == 0
    assert printed.startswith("acme/flights: private, of an organisation, plan free (as GitHub says)\n")
    for title in ("rulesets", "code owners", "auto-merge", "environments with branch", "reviewers that", "attestations",
                  "a list of", "secret scanning", "a merge queue"):  # fmt: skip
        assert f"\n  {title}" in printed
    assert "GitHub does not block a merge: check that `ci` and `model` are green" in printed
    assert (github.rulesets, github.environments) == ({}, {})
    assert github.permissions == {"enabled": True, "allowed_actions": "all", "sha_pinning_required": True}
    assert run("--check")[1] == 0


@pytest.mark.parametrize(("plan", "reviewers"), [("team", False), ("enterprise", True)])
def test_a_paid_plan_gets_rulesets_and_environments_and_enterprise_the_rest(run, github, plan, reviewers):
    github.private(plan)
    printed, status = run("--apply")
    assert status == 0
    assert {"main", "review", "tags"} <= {one["name"] for one in github.rulesets.values()}
    kinds = {rule["type"] for rule in github.environments["production"]["protection_rules"]}
    assert ("required_reviewers" in kinds) is reviewers
    assert ("+ ruleset merge queue" in printed) is reviewers
    assert github.permissions["allowed_actions"] == ("selected" if reviewers else "all")
    assert "rulesets: takes" not in printed


def test_a_person_has_no_merge_queue(run, github, project):
    github.repository["owner"]["type"] = "User"
    (project / "CODEOWNERS").write_text("/a @acme\n")
    github.accounts["users/acme"] = {"id": 8, "login": "acme", "type": "User"}
    printed, status = run("--apply")
    assert status == 0
    assert printed.startswith("acme/flights: public, of a person\n")
    assert "a merge queue: requires an organisation" in printed
    assert "merge queue" not in {one["name"] for one in github.rulesets.values()}


def test_the_plan_of_a_person_is_asked_of_their_token(run, github):
    github.private("pro", organisation=False)
    assert run()[0].startswith("acme/flights: private, of a person, plan pro (as GitHub says)\n")


@pytest.mark.parametrize(
    ("offered", "organisation", "told"),
    [
        (False, True, "plan free (because GitHub offers no rulesets)"),
        (True, True, "plan team (at least, because GitHub offers rulesets; --plan says otherwise)"),
        (True, False, "plan pro (at least, because GitHub offers rulesets; --plan says otherwise)"),
    ],
)
def test_a_plan_that_is_not_told_is_found_by_what_is_offered(run, github, offered, organisation, told):
    github.private("free", organisation)
    github.accounts["orgs/acme"], github.me = {"login": "acme"}, {"login": "else", "plan": {"name": "enterprise"}}
    github.rules_offered = offered
    assert run()[0].splitlines()[0].endswith(told)


def test_the_plan_can_be_given(run, github):
    github.private("team")
    printed, _ = run("--plan", "enterprise")
    assert "plan enterprise (as given)" in printed
    assert "+ ruleset merge queue" in printed


def test_a_plan_that_is_given_wrong_is_told_before_anything_is_written(run, github):
    github.private("free")
    printed, status = run("--plan", "team", "--apply")
    assert status == 2
    assert "error: GET /repos/acme/flights/rulesets: GitHub answered 403 (Upgrade to GitHub Pro" in printed
    assert github.written == []


def test_internal_repositories_are_of_enterprise(run, github):
    github.repository |= {"visibility": "internal", "private": True}
    assert "internal, of an organisation, plan enterprise" in run()[0]


@pytest.mark.parametrize(
    ("granted", "level"), [({"push": True, "pull": True}, "push"), ({"pull": True}, "pull"), ({}, "no right")]
)
def test_without_the_right_it_says_which_and_changes_nothing(run, github, granted, level):
    github.repository["permissions"] = granted
    printed, status = run("--apply")
    assert status == 2
    assert f"error: the token's owner has {level} on acme/flights, and its settings require admin" in printed
    assert github.written == []


def test_a_repository_that_the_token_may_not_see_is_told(run):
    printed, status = run("--repository", "acme/other", "--apply")
    assert status == 2
    assert "there is no repository acme/other, or the token may not see it: create a fine-grained" in printed


def test_without_a_token_it_says_how_to_get_one(run, github, monkeypatch):
    monkeypatch.delenv("GITHUB_TOKEN")
    printed, status = run()
    assert status == 2
    assert "there is no token in GH_TOKEN or GITHUB_TOKEN: create a fine-grained personal access token" in printed
    assert github.asked == []


def test_a_token_that_may_only_read_says_so_at_the_first_write(run, github, monkeypatch):
    changed = github.answer

    def answer(asked):
        if asked.method != "GET":
            github.scripted = [(403, {"message": "Resource not accessible by personal access token"},
                                {"X-Accepted-GitHub-Permissions": "administration=write"})]  # fmt: skip
        return changed(asked)

    monkeypatch.setattr(github, "answer", answer)
    printed, status = run("--apply")
    assert status == 2
    assert re.search(r"error: 0 of \d+ changes are made, then: PATCH /repos/acme/flights: GitHub answered 403", printed)
    assert "which would be administration: write" in printed
    assert len(github.written) == 1


def test_what_github_takes_and_does_not_keep_is_told(run, github):
    github.ignored = {"allow_auto_merge"}
    printed, status = run("--apply")
    assert status == 1
    assert printed.endswith("GitHub accepted it, but these are still to change:\n  ~ allow_auto_merge: unset -> true\n")


def test_what_the_organisation_forbids_is_told_and_holds_up_nothing(run, github, monkeypatch):
    usual = github.answer

    def answer(asked):
        if (asked.method, asked.path) == ("PUT", "/repos/acme/flights/actions/permissions/workflow"):
            github.scripted = [(409, {"message": "Conflict"}, {})]
        return usual(asked)

    monkeypatch.setattr(github, "answer", answer)
    printed, status = run("--apply")
    assert status == 1
    assert "but the organisation does not allow:\n  PUT /repos/acme/flights/actions/permissions/workflow" in printed
    assert "main" in {one["name"] for one in github.rulesets.values()}


def test_a_server_without_sha_pinning_is_not_asked_for_it(run, github):
    del github.permissions["sha_pinning_required"]
    assert "sha_pinning_required" not in run()[0]


def test_alerts_can_be_switched_off(run, github, project):
    path = project / ".github/repository.json"
    settings = json.loads(path.read_text()) | {"vulnerability_alerts": False, "automated_security_fixes": False}
    path.write_text(json.dumps(settings))
    github.alerts = True
    printed, _ = run("--apply")
    assert "~ vulnerability_alerts: true -> false" in printed
    assert github.alerts is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "CODEOWNERS is missing: a line such as `/policy.yaml @name` says who must approve a change"),
        ("# none\n/policy.yaml\n", "CODEOWNERS names nobody: write an owner behind each pattern"),
        ("/policy.yaml @ACME\n", "CODEOWNERS names @acme, which is an organisation: a team of it is needed"),
    ],
)
def test_a_codeowners_that_nobody_can_follow_is_told(run, project, text, said):
    run("--apply")
    (project / "CODEOWNERS").unlink()
    if text:
        (project / "CODEOWNERS").write_text(text)
    printed, status = run("--check")
    assert status == 1
    assert f"to be fixed in CODEOWNERS:\n  {said}" in printed


def test_what_github_finds_wrong_with_codeowners_is_told(run, github):
    github.codeowners = [
        {"path": "CODEOWNERS", "line": 4, "kind": "Unknown owner", "suggestion": "make sure @x exists"},
        {"path": "CODEOWNERS", "line": 5, "kind": "Invalid pattern", "suggestion": None},
    ]
    printed, _ = run()
    assert "  CODEOWNERS line 4: Unknown owner: make sure @x exists\n  CODEOWNERS line 5: Invalid pattern\n" in printed


def test_a_codeowners_that_is_not_pushed_yet_is_told(run, github):
    github.codeowners = None
    assert "  CODEOWNERS is not on the default branch: push it\n" in run()[0]


def test_the_codeowners_that_github_takes_first_counts(run, project):
    (project / ".github/CODEOWNERS").write_text("")
    assert f"  {Path('.github/CODEOWNERS')} names nobody" in run()[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/flight-delays.git",
        "https://github.com/acme/flight-delays",
        "https://x-token:abc@github.com/acme/flight-delays/",
        "git@github.com:acme/flight-delays.git",
        "ssh://git@github.com/acme/flight-delays.git",
    ],
)
def test_the_repository_is_that_of_the_remote(project, url):
    subprocess.run(["git", "init", "--quiet"], check=True)
    subprocess.run(["git", "remote", "add", "origin", url], check=True)
    assert origin(project) == "acme/flight-delays"


def test_without_a_remote_it_asks_for_the_repository(project, capsys):
    subprocess.run(["git", "init", "--quiet"], check=True)
    with pytest.raises(GitHubError, match="say which, with --repository owner/name"):
        origin(project)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "--repository owner/name" in capsys.readouterr().err


def test_a_project_in_a_folder_of_its_repository_is_refused(project, monkeypatch, capsys):
    subprocess.run(["git", "init", "--quiet"], check=True)
    (project / "models").mkdir()
    monkeypatch.chdir("models")
    with pytest.raises(SystemExit) as ended:
        main(["--repository", "acme/flights"])
    assert ended.value.code == 2
    assert "GitHub reads .github/ and CODEOWNERS at the top of a repository only" in capsys.readouterr().err


def test_a_repository_of_another_user_is_said_in_the_words_of_git(project, monkeypatch):
    subprocess.run(["git", "init", "--quiet"], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GitError, match="dubious ownership"):
        origin(project)


@pytest.mark.usefixtures("github")
def test_it_runs_with_a_bare_python(project):
    command = [*BARE, "doctor", "--repository", "acme/flights", "--check"]
    environment = {**os.environ, **LIBRARY_PATH}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(r"^\+ ruleset main", done.stdout, re.MULTILINE)
