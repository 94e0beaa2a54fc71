"""The plan: the changes that give a repository the wanted settings.

Only the wanted settings are compared; others that GitHub returns are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .api import Client, GitHubError
from .changes import ApiCall, Change, shown
from .environments import plan_environments
from .plans import FEATURES, Place
from .rulesets import plan_rulesets
from .runners import plan_approval
from .settings import Settings

TOGETHER = {"squash_merge_commit_title", "squash_merge_commit_message"}  # GitHub accepts them only together
PROTECTING = "security_and_analysis"
CONFLICT = 409  # GitHub's status if a setting of the organisation forbids the change


def make_plan(
    github: Client, place: Place, current: Mapping[str, Any], wanted: Settings, owners: tuple[str, ...]
) -> list[Change]:
    """All changes, in the order in which they are to be made; rulesets come last. Nothing is written.

    current: the repository as GitHub describes it.
    """
    return [
        *_plan_repository(place, current, wanted.repository),
        *plan_alerts(github, place, wanted),
        *plan_actions(github, place, wanted.actions),
        *plan_approval(github, place),
        *plan_environments(github, place, wanted.environments, owners),
        *plan_rulesets(github, place, wanted.rulesets),
    ]


def _plan_repository(place: Place, current: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Change]:
    target = dict(wanted)
    if not FEATURES["auto-merge"].possible(place):
        target.pop("allow_auto_merge", None)
    protecting = target.pop(PROTECTING, {})
    if not FEATURES["secret scanning"].possible(place):
        protecting = {}
    values: dict[str, Any] = {key: current.get(key) for key in target}
    lines = [f"~ {key}: {shown(values[key])} -> {shown(target[key])}" for key in target if values[key] != target[key]]
    body = {key: target[key] for key in target if values[key] != target[key]}
    if body.keys() & TOGETHER:
        body |= {key: target[key] for key in TOGETHER & target.keys()}
    protections = current.get(PROTECTING) or {}
    lacking = {
        key: one for key, one in protecting.items() if (protections.get(key) or {}).get("status") != one["status"]
    }
    for key, one in lacking.items():
        lines.append(f"~ {key}: {shown((protections.get(key) or {}).get('status'))} -> {shown(one['status'])}")
    if lacking:
        body[PROTECTING] = lacking
    if body:
        yield Change(tuple(lines), (ApiCall("PATCH", f"/repos/{place.repository}", body),))


def plan_alerts(github: Client, place: Place, wanted: Settings) -> Iterator[Change]:
    """The changes of what GitHub says of packages with known faults."""
    alerts = f"/repos/{place.repository}/vulnerability-alerts"
    fixes = f"/repos/{place.repository}/automated-security-fixes"
    fixes_enabled = bool((github.find(fixes) or {}).get("enabled"))
    switches = [
        ("vulnerability_alerts", alerts, github.exists(alerts), wanted.vulnerability_alerts),
        ("automated_security_fixes", fixes, fixes_enabled, wanted.automated_security_fixes),  # require the alerts
    ]
    for name, path, current, target in switches:
        if current != target:
            line = f"~ {name}: {shown(current)} -> {shown(target)}"
            yield Change((line,), (ApiCall("PUT" if target else "DELETE", path),))


def plan_actions(github: Client, place: Place, wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
    """The changes of what workflows and their token may do."""
    path = f"/repos/{place.repository}/actions/permissions"
    current = github.request("GET", path)
    target = dict(wanted["permissions"])
    if not FEATURES["selected actions"].possible(place):
        target["allowed_actions"] = "all"
    if "sha_pinning_required" not in current:
        target.pop("sha_pinning_required", None)  # a server that does not have it yet
    yield from _subset("actions", path, current, target)
    if target.get("allowed_actions") == "selected":
        listed = {}
        if current.get("allowed_actions") == "selected":
            listed = github.request("GET", f"{path}/selected-actions")
        yield from _subset("allowed actions", f"{path}/selected-actions", listed, wanted["selected"])
    workflow = github.request("GET", f"{path}/workflow")
    yield from _subset("workflow token", f"{path}/workflow", workflow, wanted["workflow"])


def _subset(title: str, path: str, current: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Change]:
    """One PUT of all wanted values, if any of them differs."""
    different = [key for key, value in wanted.items() if _order(current.get(key)) != _order(value)]
    if different:
        lines = (f"~ {title}: {key}: {shown(current.get(key))} -> {shown(wanted[key])}" for key in different)
        yield Change(tuple(lines), (ApiCall("PUT", path, dict(wanted)),))


def _order(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def apply(github: Client, changes: list[Change]) -> list[str]:
    """Make the changes in order. Returns those that the organisation's settings forbid, a line each.

    Raises GitHubError that says how many changes were made.
    """
    forbidden = []
    for number, change in enumerate(changes):
        try:
            for request in change.requests:
                github.request(request.method, request.path, request.body)
        except GitHubError as error:
            if error.status == CONFLICT:
                forbidden.append(str(error))
                continue
            raise GitHubError(
                f"{number} of {len(changes)} changes are made, then: {error}. Fix that and run this again: "
                "it resumes where it stopped",
                error.status,
            ) from None
    return forbidden
