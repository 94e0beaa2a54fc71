"""The plan: what is to change so that a repository has the settings that are wanted.

Only what is wanted is compared, so whatever else GitHub answers, or has by default, is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .api import Client, GitHubError
from .changes import Change, Request, shown
from .environments import plan_environments
from .plans import FEATURES, Place
from .rulesets import plan_rulesets
from .settings import Settings

TOGETHER = {"squash_merge_commit_title", "squash_merge_commit_message"}  # GitHub takes the one only with the other
PROTECTING = "security_and_analysis"
CONFLICT = 409  # what GitHub answers where the organisation has decided otherwise


def make_plan(
    github: Client, place: Place, found: Mapping[str, Any], wanted: Settings, owners: tuple[str, ...]
) -> list[Change]:
    """All changes, in the order in which they are to be made; rulesets come last. Nothing is written.

    found: what GitHub says of the repository.
    """
    return [
        *_plan_repository(place, found, wanted.repository),
        *_plan_alerts(github, place, wanted),
        *_plan_actions(github, place, wanted.actions),
        *plan_environments(github, place, wanted.environments, owners),
        *plan_rulesets(github, place, wanted.rulesets),
    ]


def _plan_repository(place: Place, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Change]:
    aim = dict(wanted)
    if not FEATURES["auto-merge"].possible(place):
        aim.pop("allow_auto_merge", None)
    protecting = aim.pop(PROTECTING, {})
    if not FEATURES["secret scanning"].possible(place):
        protecting = {}
    before: dict[str, Any] = {key: found.get(key) for key in aim}
    lines = [f"~ {key}: {shown(before[key])} -> {shown(aim[key])}" for key in aim if before[key] != aim[key]]
    body = {key: aim[key] for key in aim if before[key] != aim[key]}
    if body.keys() & TOGETHER:
        body |= {key: aim[key] for key in TOGETHER & aim.keys()}
    there = found.get(PROTECTING) or {}
    lacking = {key: one for key, one in protecting.items() if (there.get(key) or {}).get("status") != one["status"]}
    for key, one in lacking.items():
        lines.append(f"~ {key}: {shown((there.get(key) or {}).get('status'))} -> {shown(one['status'])}")
    if lacking:
        body[PROTECTING] = lacking
    if body:
        yield Change(tuple(lines), (Request("PATCH", f"/repos/{place.repository}", body),))


def _plan_alerts(github: Client, place: Place, wanted: Settings) -> Iterator[Change]:
    alerts = f"/repos/{place.repository}/vulnerability-alerts"
    fixes = f"/repos/{place.repository}/automated-security-fixes"
    fixing = bool((github.find(fixes) or {}).get("enabled"))
    both = [
        ("vulnerability_alerts", alerts, github.exists(alerts), wanted.vulnerability_alerts),
        ("automated_security_fixes", fixes, fixing, wanted.automated_security_fixes),  # which take the alerts
    ]
    for name, path, there, aim in both:
        if there != aim:
            line = f"~ {name}: {shown(there)} -> {shown(aim)}"
            yield Change((line,), (Request("PUT" if aim else "DELETE", path),))


def _plan_actions(github: Client, place: Place, wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
    path = f"/repos/{place.repository}/actions/permissions"
    found = github.request("GET", path)
    aim = dict(wanted["permissions"])
    if not FEATURES["selected actions"].possible(place):
        aim["allowed_actions"] = "all"
    if "sha_pinning_required" not in found:
        aim.pop("sha_pinning_required", None)  # a server that does not have it yet
    yield from _subset("actions", path, found, aim)
    if aim.get("allowed_actions") == "selected":
        listed = {}
        if found.get("allowed_actions") == "selected":
            listed = github.request("GET", f"{path}/selected-actions")
        yield from _subset("allowed actions", f"{path}/selected-actions", listed, wanted["selected"])
    workflow = github.request("GET", f"{path}/workflow")
    yield from _subset("workflow token", f"{path}/workflow", workflow, wanted["workflow"])


def _subset(title: str, path: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Change]:
    """One PUT of all that is wanted there, where any of it is another."""
    different = [key for key, value in wanted.items() if _order(found.get(key)) != _order(value)]
    if different:
        lines = (f"~ {title}: {key}: {shown(found.get(key))} -> {shown(wanted[key])}" for key in different)
        yield Change(tuple(lines), (Request("PUT", path, dict(wanted)),))


def _order(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def apply(github: Client, changes: list[Change]) -> list[str]:
    """Make the changes, one after the other; what the organisation's own settings forbid, a line each.

    Raises GitHubError that says how far it came.
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
                f"{number} of {len(changes)} changes are made, then: {error}. Mend that and run this again: "
                "it goes on where it stopped",
                error.status,
            ) from None
    return forbidden
