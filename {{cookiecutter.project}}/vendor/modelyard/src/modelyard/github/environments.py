"""Environments: from where a workflow may deploy, and who must agree first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from .api import Client
from .changes import Change, Request, shown
from .plans import FEATURES, Place
from .settings import Environment

PATTERNS = {"protected_branches": False, "custom_branch_policies": True}
MOST_REVIEWERS = 6  # GitHub takes no more


def plan_environments(
    github: Client, place: Place, wanted: tuple[Environment, ...], owners: tuple[str, ...]
) -> Iterator[Change]:
    """What makes the environments those that are wanted; others are left alone.

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
    found = github.find(path)
    lines = [] if found else [f"+ environment {wanted.name}"]
    requests = []
    now = _settings(found or {})
    aim = {**now, "deployment_branch_policy": PATTERNS}
    if reviewers:
        aim["reviewers"] = reviewers
    head = f"~ environment {wanted.name}"
    different = [key for key in aim if _order(aim[key]) != _order(now[key])]
    lines += [f"{head}: {key}: {shown(now[key])} -> {shown(aim[key])}" for key in different if found]
    if different or not found:
        # a value that is left out is reset, so what is there goes along
        requests.append(Request("PUT", path, {key: value for key, value in aim.items() if value is not None}))
    there = {}
    if found and now["deployment_branch_policy"] == PATTERNS:
        listed = github.request("GET", f"{path}/deployment-branch-policies?per_page=100")["branch_policies"]
        there = {(one.get("type", "branch"), one["name"]): one["id"] for one in listed}
    patterns = [("branch", name) for name in wanted.branches] + [("tag", name) for name in wanted.tags]
    for kind, name in patterns:
        if (kind, name) not in there:
            lines.append(f"+ environment {wanted.name}: deploys from {kind} {name}")
            requests.append(Request("POST", f"{path}/deployment-branch-policies", {"name": name, "type": kind}))
    for (kind, name), number in there.items():
        if (kind, name) not in patterns:
            lines.append(f"- environment {wanted.name}: deploys from {kind} {name}")
            requests.append(Request("DELETE", f"{path}/deployment-branch-policies/{number}"))
    return Change(tuple(lines), tuple(requests))


def _settings(found: Mapping[str, Any]) -> dict[str, Any]:
    """An environment as GitHub takes it, from how GitHub shows it."""
    rules = {rule["type"]: rule for rule in found.get("protection_rules") or []}
    review = rules.get("required_reviewers", {})
    reviewers = [{"type": one["type"], "id": one["reviewer"]["id"]} for one in review.get("reviewers") or []]
    return {
        "wait_timer": rules.get("wait_timer", {}).get("wait_timer"),
        "prevent_self_review": review.get("prevent_self_review"),
        "reviewers": reviewers or None,
        "deployment_branch_policy": found.get("deployment_branch_policy"),
    }


def _order(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def _reviewers(github: Client, owners: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Code owners by their numbers; who is unknown to GitHub is left out, for that is told of CODEOWNERS itself."""
    for owner in dict.fromkeys(owners):
        organisation, _, team = owner.removeprefix("@").partition("/")
        if "@" in organisation:
            continue  # an address of mail, which says no account
        found = github.find(f"/orgs/{organisation}/teams/{team}" if team else f"/users/{organisation}")
        if found and (team or found.get("type") == "User"):
            yield {"type": "Team" if team else "User", "id": found["id"]}
