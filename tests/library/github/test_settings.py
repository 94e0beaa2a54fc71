from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from modelyard.github.api import GitHubError
from modelyard.github.settings import Environment, read_settings
from modelyard.github.status import CONTEXT
from sample import SAMPLE

# What GitHub's API takes in a rule: its parameters, those that must be given first
RULES = {
    "creation": ((), ()),
    "deletion": ((), ()),
    "non_fast_forward": ((), ()),
    "required_linear_history": ((), ()),
    "required_signatures": ((), ()),
    "update": ((), ("update_allows_fetch_and_merge",)),
    "pull_request": (
        (
            "dismiss_stale_reviews_on_push",
            "require_code_owner_review",
            "require_last_push_approval",
            "required_approving_review_count",
            "required_review_thread_resolution",
        ),
        ("allowed_merge_methods", "dismissal_restriction", "required_reviewers"),
    ),
    "required_status_checks": (
        ("required_status_checks", "strict_required_status_checks_policy"),
        ("do_not_enforce_on_create",),
    ),
    "merge_queue": (
        (
            "check_response_timeout_minutes",
            "grouping_strategy",
            "max_entries_to_build",
            "max_entries_to_merge",
            "merge_method",
            "min_entries_to_merge",
            "min_entries_to_merge_wait_minutes",
        ),
        (),
    ),
}


@pytest.fixture
def own():
    """The settings of this project."""
    return read_settings(SAMPLE)


@pytest.fixture
def folder(tmp_path):
    """A project's folder with its own settings, and how to change them."""

    def write(change: dict[str, Any] | None = None, ruleset: Any = None) -> Path:
        known = json.loads((SAMPLE / ".github/repository.json").read_text())
        (tmp_path / ".github/rulesets").mkdir(parents=True)
        (tmp_path / ".github/repository.json").write_text(json.dumps(known | (change or {})))
        if ruleset is not None:
            (tmp_path / ".github/rulesets/one.json").write_text(json.dumps(ruleset))
        return tmp_path

    return write


def rule(settings, ruleset: str, kind: str) -> dict[str, Any]:
    found = next(one for one in settings.rulesets if one["name"] == ruleset)
    return next(one.get("parameters", {}) for one in found["rules"] if one["type"] == kind)


def test_the_rulesets_are_in_the_form_of_the_api(own):
    assert {one["name"] for one in own.rulesets} == {"main", "review", "tags", "versions", "merge queue"}
    for ruleset in own.rulesets:
        assert ruleset["target"] in ("branch", "tag")
        assert ruleset["enforcement"] in ("active", "disabled")
        for one in ruleset["rules"]:
            required, optional = RULES[one["type"]]
            given = one.get("parameters", {}).keys()
            assert set(required) <= given <= {*required, *optional}


def test_nothing_gets_to_main_past_the_checks_for_nobody(own):
    main = next(one for one in own.rulesets if one["name"] == "main")
    assert main["bypass_actors"] == []
    assert {one["type"] for one in main["rules"]} >= {"deletion", "non_fast_forward", "pull_request"}
    checks = rule(own, "main", "required_status_checks")
    assert checks["strict_required_status_checks_policy"]
    assert [one["context"] for one in checks["required_status_checks"]] == ["ci", "model"]


def test_the_required_check_of_the_code_is_a_job_that_always_reports():
    text = (SAMPLE / ".github/workflows/ci.yml").read_text()
    job = re.search(r"^  ci:\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    assert job
    assert re.search(r"^    if: .*(always|cancelled)\(\)", job[1], re.MULTILINE)
    assert not re.search(r"^    name: ", job[1], re.MULTILINE)


def test_the_required_check_of_the_model_is_posted_by_main_and_by_no_job_of_a_pull_request():
    texts = {path.name: path.read_text() for path in (SAMPLE / ".github/workflows").glob("*.yml")}
    assert [
        name for name, text in texts.items() if re.search(r"^  model:$|^    name: model$", text, re.MULTILINE)
    ] == []
    assert [name for name, text in texts.items() if "statuses: write" in text] == ["report.yml"]
    assert CONTEXT == "model"
    on = texts["report.yml"].partition("\non:")[2].partition("permissions:")[0]
    assert re.findall(r"^  (\w+):", on, re.MULTILINE) == ["workflow_run"]


def test_who_works_alone_can_merge_without_an_approval_on_a_pull_request_only(own):
    review = next(one for one in own.rulesets if one["name"] == "review")
    assert [one["bypass_mode"] for one in review["bypass_actors"]] == ["pull_request"]
    assert rule(own, "review", "pull_request")["require_code_owner_review"]


@pytest.mark.parametrize(
    ("tag", "kept"),
    [("v1.0.0", True), ("flights@v1.2.0", True), ("flights@v1.2.0!", True), ("flights#prod#3", True), ("try", False)],
)
def test_tags_of_releases_and_of_the_registry_stay_as_they_are(own, tag, kept):
    tags = next(one for one in own.rulesets if one["name"] == "tags")
    assert {one["type"] for one in tags["rules"]} == {"deletion", "non_fast_forward", "update"}
    patterns = [re.escape(one).replace(r"\*", "[^/]*") for one in tags["conditions"]["ref_name"]["include"]]
    assert any(re.fullmatch(one, f"refs/tags/{tag}") for one in patterns) is kept


@pytest.mark.parametrize(
    ("tag", "restricted"), [("v1.0.0", True), ("flights@v1.2.0", False), ("vienna@v1.2.0", False), ("v#prod#3", False)]
)
def test_only_administrators_tag_a_version_and_workflows_register(own, tag, restricted):
    versions = next(one for one in own.rulesets if one["name"] == "versions")
    assert [one["actor_id"] for one in versions["bypass_actors"]] == [5]  # GitHub lets no token of a workflow pass
    assert versions["rules"] == [{"type": "creation"}]
    refs = versions["conditions"]["ref_name"]
    applies = {
        kind: any(re.fullmatch(re.escape(one).replace(r"\*", "[^/]*"), f"refs/tags/{tag}") for one in refs[kind])
        for kind in ("include", "exclude")
    }
    assert (applies["include"] and not applies["exclude"]) is restricted


def test_a_pull_request_is_merged_as_the_repository_allows(own):
    methods = {name for name in ("squash", "merge", "rebase") if own.repository[f"allow_{name}_{SUFFIX[name]}"]}
    for ruleset in ("main", "review"):
        assert set(rule(own, ruleset, "pull_request")["allowed_merge_methods"]) == methods


SUFFIX = {"squash": "merge", "merge": "commit", "rebase": "merge"}


def test_every_action_that_is_used_is_allowed_and_pinned(own):
    allowed = own.actions["selected"]["patterns_allowed"]
    used = {
        line.split("#")[0].split(" uses:")[1].strip()
        for path in (SAMPLE / ".github").rglob("*.y*ml")
        for line in path.read_text().splitlines()
        if " uses:" in line.split("#")[0]
    }
    others = {one for one in used if not one.startswith(("./", "actions/", "github/"))}
    patterns = [re.escape(one).replace(r"\*", ".*") for one in allowed]
    assert {one for one in others if not any(re.fullmatch(pattern, one) for pattern in patterns)} == set()
    assert {one for one in used if not one.startswith("./") and not re.search(r"@[0-9a-f]{40}$", one)} == set()


def test_an_export_of_github_reads_as_a_ruleset(folder, own):
    exported = {**own.rulesets[0], "id": 7, "source_type": "Repository", "source": "acme/flights"}
    assert read_settings(folder(ruleset=exported)).rulesets == (own.rulesets[0],)


def test_environments_are_read(own):
    production = next(one for one in own.environments if one.name == "production")
    assert production == Environment("production", True, ("main",), ())
    # a tag's own workflow has none of their secrets
    assert {one.name: (one.branches, one.tags) for one in own.environments} == dict.fromkeys(
        ("release", "staging", "production"), (("main",), ())
    )


ENVIRONMENT = {"required_reviewers": False, "branches": [], "tags": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"repositry": {}}, "repository.json: repositry is no key that is known here; there are: actions, automated"),
        ({"vulnerability_alerts": 1}, "vulnerability_alerts is 1: true or false is needed"),
        ({"repository": []}, "repository is []: a table is needed"),
        ({"actions": {"permissions": {}, "workflow": {}}}, "actions: selected is missing"),
        ({"actions": {"permissions": 1, "selected": {}, "workflow": {}}}, "actions.permissions is 1: a table"),
        ({"environments": []}, "environments is []: a table of them is needed"),
        ({"environments": {"x": {**ENVIRONMENT, "tags": "v*"}}}, "environments.x.tags is 'v*': a list of names"),
        ({"environments": {"x": {**ENVIRONMENT, "branches": [1]}}}, "environments.x.branches is [1]: a list of"),
        ({"environments": {"x": {**ENVIRONMENT, "required_reviewers": "me"}}}, "required_reviewers is 'me': true or"),
        ({"environments": {"x": {}}}, "environments.x: branches is missing"),
    ],
)
def test_a_faulty_setting_is_told_by_file_and_key(folder, change, said):
    with pytest.raises(GitHubError, match=re.escape(said)):
        read_settings(folder(change))


@pytest.mark.parametrize(
    ("ruleset", "said"),
    [
        ([], "one.json is []: a table is needed"),
        ({"name": "x"}, "one.json: bypass_actors is missing"),
        ({"nam": "x"}, "one.json: nam is no key that is known here"),
        (
            {
                "name": "x",
                "target": "tag",
                "enforcement": "active",
                "bypass_actors": [],
                "conditions": {},
                "rules": [1],
            },
            "one.json: rules is [1]: a list of rules with their type is needed",
        ),
    ],
)
def test_a_faulty_ruleset_is_told(folder, ruleset, said):
    with pytest.raises(GitHubError, match=re.escape(said)):
        read_settings(folder(ruleset=ruleset))


def test_without_settings_it_says_where_to_run(tmp_path):
    with pytest.raises(GitHubError, match=r"repository\.json: no such file; run this in the project's root folder"):
        read_settings(tmp_path)


def test_a_file_that_is_no_json_is_told(folder):
    root = folder()
    (root / ".github/repository.json").write_text("{")
    with pytest.raises(GitHubError, match=r"repository\.json is no JSON: Expecting property name"):
        read_settings(root)
