"""Environments: from where a workflow may deploy, and who must agree first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from .api import Client
from .changes import ApiCall, Change, shown
from .plans import FEATURES, Place
from .settings import Environment

PATTERNS = {"protected_branches": False, "custom_branch_policies": True}
MOST_REVIEWERS = 6  # GitHub accepts no more


def plan_environments(
    github: Client, place: Place, wanted: tuple[Environment, ...], owners: tuple[str, ...]
) -> Iterator[Change]:
    """The changes that give the environments the wanted settings; other environments are left alone.

    owners: the code owners as CODEOWNERS names them, who review deployments.
    """
    if not FEATURES["environments"].possible(place):
        return
    reviewers = None
    if FEATURES["reviewers"].possible(place) and any(one.required_reviewers for one in wanted):
        reviewers = list(_reviewers(github, owners))[:MOST_REVIEWERS]
    for environment in wanted:
        change = _plan_one(github, place, environment, reviewers if environment.required_reviewers else None)
        if change.lines:
            yield change


def _plan_one(github: Client, place: Place, wanted: Environment, reviewers: list[dict[str, Any]] | None) -> Change:
    path = f"/repos/{place.repository}/environments/{quote(wanted.name, safe='')}"
    current = github.find(path)
    lines = [] if current else [f"+ environment {wanted.name}"]
    requests = []
    settings = _settings(current or {})
    target = {**settings, "deployment_branch_policy": PATTERNS}
    if reviewers:
        target["reviewers"] = reviewers
    head = f"~ environment {wanted.name}"
    different = [key for key in target if _order(target[key]) != _order(settings[key])]
    lines += [f"{head}: {key}: {shown(settings[key])} -> {shown(target[key])}" for key in different if current]
    if different or not current:
        # GitHub resets a value that is left out, so current values are sent too
        requests.append(ApiCall("PUT", path, {key: value for key, value in target.items() if value is not None}))
    pattern_ids = {}
    if current and settings["deployment_branch_policy"] == PATTERNS:
        listed = github.request("GET", f"{path}/deployment-branch-policies?per_page=100")["branch_policies"]
        pattern_ids = {(one.get("type", "branch"), one["name"]): one["id"] for one in listed}
    patterns = [("branch", name) for name in wanted.branches] + [("tag", name) for name in wanted.tags]
    for kind, name in patterns:
        if (kind, name) not in pattern_ids:
            lines.append(f"+ environment {wanted.name}: deploys from {kind} {name}")
            requests.append(ApiCall("POST", f"{path}/deployment-branch-policies", {"name": name, "type": kind}))
    for (kind, name), number in pattern_ids.items():
        if (kind, name) not in patterns:
            lines.append(f"- environment {wanted.name}: deploys from {kind} {name}")
            requests.append(ApiCall("DELETE", f"{path}/deployment-branch-policies/{number}"))
    return Change(tuple(lines), tuple(requests))


def _settings(environment: Mapping[str, Any]) -> dict[str, Any]:
    """An environment in the form that GitHub accepts, from the form that it returns."""
    rules = {rule["type"]: rule for rule in environment.get("protection_rules") or []}
    review = rules.get("required_reviewers", {})
    reviewers = [{"type": one["type"], "id": one["reviewer"]["id"]} for one in review.get("reviewers") or []]
    return {
        "wait_timer": rules.get("wait_timer", {}).get("wait_timer"),
        "prevent_self_review": review.get("prevent_self_review"),
        "reviewers": reviewers or None,
        "deployment_branch_policy": environment.get("deployment_branch_policy"),
    }


def _order(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def _reviewers(github: Client, owners: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The ids of the code owners. Unknown ones are left out: `codeowners.faults` reports them."""
    for owner in dict.fromkeys(owners):
        organisation, _, team = owner.removeprefix("@").partition("/")
        if "@" in organisation:
            continue  # an email address, which names no account
        account = github.find(f"/orgs/{organisation}/teams/{team}" if team else f"/users/{organisation}")
        if account and (team or account.get("type") == "User"):
            yield {"type": "Team" if team else "User", "id": account["id"]}
