"""What `make github` of a generated project does to the settings of its repository."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from projects import Project, generate

from .local import GitHub, settings

ADMINISTRATOR = {"administration": "write", "contents": "write", "variables": "read"}
POLICY = '~ fork pull requests: approval_policy: "first_time_contributors" -> "all_external_contributors"'
CODEOWNERS = "/policy.yaml @acme/data\n/.github/ @acme/data\n"


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of the person Ada, not to be changed."""
    made, _ = generate(tmp_path_factory.mktemp("doctor"), {"github_owner": "ada"}, {"MODELYARD_NO_LOCK": "1"})
    return made


class Clinic:
    """A project with its repository on the local GitHub, and the commands of its owner."""

    def __init__(self, github: GitHub, project: Project, owner: str, private: bool, plan: str) -> None:
        github.server.routes[:0] = settings.ROUTES
        self.github, self.project = github, project
        self.repository = github.create(f"{owner}/flight-delays", private)
        self.kept = github.shelf(self.repository).settings
        self.kept |= {"organisation": owner == "acme", "plan": plan, "accounts": {5: "ada"}, "teams": {70: "data"}}
        self.token = github.token({**ADMINISTRATOR, "organization_plan": "read"})
        project.git("remote", "add", "origin", f"https://github.com/{owner}/flight-delays.git")
        if owner == "acme":
            (project.root / "CODEOWNERS").write_text(CODEOWNERS)
            project.commit("Name the team")
        github.push(self.repository, "main", project.root)

    def make(self, *arguments: str, ok: bool = True) -> str:
        """What `make github` printed."""
        environment = {"GITHUB_API_URL": self.github.url, "GH_TOKEN": self.token, "GITHUB_TOKEN": ""}
        return self.project.run("make", "--no-print-directory", "github", *arguments, env=environment, ok=ok)

    @property
    def rulesets(self) -> dict[str, dict]:
        """The rulesets by name."""
        return {one["name"]: one for one in self.kept.get("rulesets", {}).values()}


@pytest.fixture
def clinic(github: GitHub, generated: Project, tmp_path: Path):
    """How to get a project with its repository: of ada, who is a person, or of acme, an organisation."""

    def act(owner: str = "ada", private: bool = False, plan: str = "free") -> Clinic:
        root = tmp_path / generated.root.name
        shutil.copytree(generated.root, root)
        return Clinic(github, Project(root), owner, private, plan)

    return act


def changes(printed: str) -> list[str]:
    """The lines of a plan."""
    return [line for line in printed.splitlines() if line[:2] in ("+ ", "~ ", "- ")]


def test_plan_apply_and_plan_again_which_shows_nothing(clinic) -> None:
    ada = clinic()
    planned = ada.make()
    rules = "deletion, non_fast_forward, pull_request, required_status_checks"
    assert f"+ ruleset main (branch, active): {rules}" in planned
    assert "~ delete_branch_on_merge: false -> true" in planned
    assert planned.endswith("nothing was changed: `make github APPLY=1` makes it so\n")
    assert ada.rulesets == {}
    applied = ada.make("APPLY=1")
    assert changes(applied) == changes(planned)
    assert applied.endswith("applied\n")
    checks = {rule["type"]: rule.get("parameters") for rule in ada.rulesets["main"]["rules"]}["required_status_checks"]
    assert {one["context"] for one in checks["required_status_checks"]} == {"ci", "model"}
    assert ada.kept["environments"]["production"]["reviewers"] == [{"type": "User", "id": 5}]
    again = ada.make("ARGS=--check")
    assert changes(again) == []
    assert again.endswith("nothing to change\n")


def test_what_somebody_changed_by_hand_is_found_and_put_right(clinic) -> None:
    ada = clinic()
    ada.make("APPLY=1")
    ada.rulesets["main"]["enforcement"] = "disabled"
    ada.kept["workflow"]["default_workflow_permissions"] = "write"
    found = ada.make("ARGS=--check", ok=False)
    assert changes(found) == [
        '~ workflow token: default_workflow_permissions: "write" -> "read"',
        '~ ruleset main: enforcement: "disabled" -> "active"',
    ]
    ada.make("APPLY=1")
    assert changes(ada.make()) == []


@pytest.mark.parametrize(
    ("permissions", "said"),
    [
        ({}, "error: the token's owner has pull on ada/flight-delays, and its settings require admin"),
        (
            {"contents": "write"},
            "error: the token's owner has push on ada/flight-delays, and its settings require admin",
        ),
        ({"administration": "read"}, "changes are made, then: PATCH /repos/ada/flight-delays: GitHub answered 403"),
    ],
)
def test_without_the_rights_it_says_so_and_changes_nothing(clinic, permissions: dict[str, str], said: str) -> None:
    ada = clinic()
    ada.token = ada.github.token(permissions)
    before = ada.make(ok="administration" in permissions)
    assert ("error: " in before) == ("administration" not in permissions)
    settings_before = repr(ada.kept)
    assert said in ada.make("APPLY=1", ok=False)
    assert repr(ada.kept) == settings_before


def test_a_stranger_is_not_told_that_a_private_repository_is_there(clinic) -> None:
    ada = clinic(private=True)
    other = ada.github.create("else/where")
    ada.token = ada.github.token(ADMINISTRATOR, other)
    printed = ada.make("APPLY=1", ok=False)
    assert "error: there is no repository ada/flight-delays, or the token may not see it" in printed


def test_a_private_repository_of_the_free_plan_is_told_what_it_cannot_have(clinic) -> None:
    acme = clinic("acme", private=True)
    printed = acme.make("APPLY=1")
    assert "acme/flight-delays: private, of an organisation, plan free (as GitHub says)" in printed
    assert "rulesets: requires a public repository, or the plan Pro, Team or Enterprise. Instead: " in printed
    assert "reviewers that a deployment waits for: requires a public repository, or the plan Enterprise" in printed
    assert acme.kept["permissions"] == {"enabled": True, "allowed_actions": "all", "sha_pinning_required": True}
    assert (acme.rulesets, acme.kept["environments"]) == ({}, {})
    assert acme.make("ARGS=--check").endswith("nothing to change\n")


def test_a_plan_that_nobody_may_know_is_found_by_what_github_offers(clinic) -> None:
    acme = clinic("acme", private=True)
    acme.token = acme.github.token(ADMINISTRATOR)
    assert "plan free (because GitHub offers no rulesets)" in acme.make()
    acme.kept["plan"] = "team"
    assert "plan team (at least, because GitHub offers rulesets; --plan says otherwise)" in acme.make()


@pytest.mark.parametrize(("plan", "possible"), [("team", False), ("enterprise", True)])
def test_a_paid_plan_gets_what_it_pays_for(clinic, plan: str, possible: bool) -> None:
    acme = clinic("acme", private=True, plan=plan)
    printed = acme.make("APPLY=1")
    assert {"main", "review", "tags"} <= acme.rulesets.keys()
    assert ("merge queue" in acme.rulesets) == possible
    assert ("reviewers" in acme.kept["environments"]["production"]) == possible
    assert ("a merge queue: requires an organisation" in printed) != possible
    assert acme.make("ARGS=--check").endswith("nothing to change\n")


def test_an_organisation_is_told_to_name_a_team(clinic) -> None:
    acme = clinic("acme")
    codeowners = acme.project.root / "CODEOWNERS"
    codeowners.write_text(codeowners.read_text().replace("@acme/data", "@acme"))
    assert "CODEOWNERS names @acme, which is an organisation: a team of it is needed" in acme.make()
    codeowners.write_text(CODEOWNERS.replace("data", "nobody"))
    acme.project.commit("Name another team")
    acme.github.push(acme.repository, "main", acme.project.root)
    assert "CODEOWNERS line 1: Unknown owner: make sure @acme/nobody exists" in acme.make()


def test_without_a_token_it_says_how_to_get_one(clinic) -> None:
    ada = clinic()
    ada.token = ""
    assert "error: there is no token in GH_TOKEN or GITHUB_TOKEN: create a fine-grained" in ada.make(ok=False)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"enforcement": "on"}, "/"),
        ({"enforcement": "evaluate"}, "/"),
        ({"rules": [{"type": "pull_requests"}]}, "/rules/0"),
        ({"rules": [{"type": "pull_request"}]}, "/rules/0"),
        ({"rules": [{"type": "deletion", "parameters": {}}]}, "/rules/0"),
        ({"target": "tag"}, "/rules/2"),
        ({"bypass_actors": [{"actor_id": 5, "actor_type": "Role"}]}, "/"),
        ({"conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"]}}}, "/"),
    ],
)
def test_a_ruleset_that_github_does_not_know_is_refused(clinic, change: dict, where: str) -> None:
    ada = clinic()
    path = ada.project.root / ".github/rulesets/main.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    printed = ada.make("APPLY=1", ok=False)
    assert f"GitHub answered 422 (Validation Failed: Invalid property {where}: data matches no" in printed
    assert ada.make().count("+ ruleset") == 4


def test_own_runners_of_a_public_repository_are_refused_until_outsiders_need_an_approval(clinic) -> None:
    ada = clinic()
    ada.make("APPLY=1")
    ada.github.shelf(ada.repository).machines["gpu-1"] = ["gpu"]
    ada.github.variables["TRAIN_RUNNER"] = '["self-hosted", "gpu"]'
    refused = ada.make(ok=False)
    assert changes(refused) == [POLICY]
    assert '(runner gpu-1; TRAIN_RUNNER is ["self-hosted", "gpu"]), but not everybody outside needs an' in refused
    assert ada.kept["approval"] == "first_time_contributors"
    assert changes(ada.make("APPLY=1")) == [POLICY]
    assert ada.kept["approval"] == "all_external_contributors"
    assert ada.make("ARGS=--check").endswith("nothing to change\n")


def test_own_runners_of_a_private_repository_are_reached_by_no_stranger(clinic) -> None:
    acme = clinic("acme", private=True, plan="team")
    acme.kept["variables"] = {"TRAIN_RUNNER": '"self-hosted"'}
    acme.make("APPLY=1")
    assert acme.make("ARGS=--check").endswith("nothing to change\n")
