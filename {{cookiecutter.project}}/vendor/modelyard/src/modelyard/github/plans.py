"""What GitHub offers a repository, by its visibility, its owner and the plan that is paid for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .api import Client, GitHubError

PLANS = ("free", "pro", "team", "enterprise")
TOKEN = (
    "create a fine-grained personal access token for this repository with the permissions Administration (read and "  # noqa: S105
    "write) and Variables (read), or a classic one with the scope repo, and run `GH_TOKEN=... make github`; with "
    "GitHub's own command line, `GH_TOKEN=$(gh auth token) make github`"
)


@dataclass(frozen=True)
class Place:
    """A repository, and what decides which features it has. plan: None if it does not matter."""

    repository: str
    organisation: bool
    visibility: str
    plan: str | None
    plan_source: str

    @property
    def public(self) -> bool:
        """Whether everybody may read it; then the plan does not matter."""
        return self.visibility == "public"

    def __str__(self) -> str:
        owner = "an organisation" if self.organisation else "a person"
        plan = f", plan {self.plan} ({self.plan_source})" if self.plan else ""
        return f"{self.repository}: {self.visibility}, of {owner}{plan}"


@dataclass(frozen=True)
class Feature:
    """A feature that not every repository can have: what it requires, and what to do instead."""

    title: str
    possible: Callable[[Place], bool]
    needs: str
    instead: str


def _paid(place: Place) -> bool:
    return place.public or place.plan in ("pro", "team", "enterprise")


def _enterprise(place: Place) -> bool:
    return place.public or place.plan == "enterprise"


_PAID = "a public repository, or the plan Pro, Team or Enterprise"
_ENTERPRISE = "a public repository, or the plan Enterprise"
FEATURES: Mapping[str, Feature] = {
    "rulesets": Feature(
        "rulesets", _paid, _PAID,
        "GitHub does not block a merge: check that `ci` and `model` are green before you merge; the push to main "
        "retrains, and fails if the committed model differs. Whoever may push can make, move and delete tags: a "
        "deployment refuses those that `make history` finds wrong, commits that are not on main, and other images",
    ),
    "code owners": Feature(
        "code owners", _paid, _PAID,
        "ask the people in CODEOWNERS for a review by hand; `model` is red until they approve what judges a change",
    ),
    "auto-merge": Feature("auto-merge", _paid, _PAID, "merge by hand when the checks are green"),
    "environments": Feature(
        "environments with branch and tag patterns", _paid, _PAID,
        "deployments run from any branch whose workflow says so, and see its secrets, those that sign included: give "
        "write access to nobody who may not deploy, or keep these secrets out of the repository and deploy by hand",
    ),
    "reviewers": Feature(
        "reviewers that a deployment waits for", _enterprise, _ENTERPRISE,
        "whoever may make a tag of a version, or start deploy.yml, deploys; the canary holds a bad one back",
    ),
    "attestations": Feature(
        "attestations of releases", _enterprise, _ENTERPRISE,
        "sign releases (docs/releases.md): a deployment then refuses an image without that signature",
    ),
    "selected actions": Feature(
        "a list of allowed actions", _enterprise, _ENTERPRISE,
        "any action may be used, pinned by its commit; code owners review .github/",
    ),
    "secret scanning": Feature(
        "secret scanning", lambda place: place.public, "a public repository, or GitHub Secret Protection",
        "where you have bought it, switch it on in the settings under Advanced Security",
    ),
    "merge queue": Feature(
        "a merge queue", lambda place: place.organisation and _enterprise(place),
        "an organisation, and a public repository or the plan Enterprise",
        "a pull request is brought up to date with main before it merges, which the ruleset `main` asks for",
    ),
}  # fmt: skip


def impossible(place: Place) -> list[str]:
    """The features that the repository cannot have, a line each, with what to do instead."""
    missing = [one for one in FEATURES.values() if not one.possible(place)]
    return [f"{one.title}: requires {one.needs}. Instead: {one.instead}" for one in missing]


def survey(github: Client, repository: str, plan: str | None) -> tuple[Place, dict[str, Any]]:
    """A repository's place, and GitHub's description of it. Raises GitHubError if the token may not change settings."""
    if github.token is None:
        raise GitHubError(f"there is no token in GH_TOKEN or GITHUB_TOKEN: {TOKEN}")
    answer = github.find(f"/repos/{repository}")
    if answer is None:
        raise GitHubError(f"there is no repository {repository}, or the token may not see it: {TOKEN}", 404)
    granted = answer.get("permissions") or {}
    if not granted.get("admin"):
        level = next((name for name in ("maintain", "push", "triage", "pull") if granted.get(name)), "no right")
        raise GitHubError(
            f"the token's owner has {level} on {repository}, and its settings require admin: ask an administrator to "
            "run this, or for that role. The token of a workflow never has it",
            403,
        )
    visibility = answer.get("visibility") or ("private" if answer["private"] else "public")
    organisation = answer["owner"]["type"] == "Organization"
    plan_and_source = (plan, "as given") if plan else _plan(github, repository, visibility, organisation)
    return Place(repository, organisation, visibility, *plan_and_source), answer


def _plan(github: Client, repository: str, visibility: str, organisation: bool) -> tuple[str | None, str]:
    """The plan of a repository that is not public, and how that is known."""
    if visibility == "public":
        return None, ""
    if visibility == "internal":
        return "enterprise", "only it has internal repositories"
    owner = repository.partition("/")[0]
    account = github.find(f"/orgs/{owner}") if organisation else github.find("/user")
    name = ((account or {}).get("plan") or {}).get("name")
    if name in PLANS and str(account["login"]).lower() == owner.lower():
        return name, "as GitHub says"
    try:
        github.request("GET", f"/repos/{repository}/rulesets")
    except GitHubError as error:
        if error.status == 403 and "upgrade" in str(error).lower():
            return "free", "because GitHub offers no rulesets"
        raise
    return ("team" if organisation else "pro"), "at least, because GitHub offers rulesets; --plan says otherwise"
