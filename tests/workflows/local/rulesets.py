"""Rulesets over REST: what a rule must be, for which targets, and on which plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .allowed import (
    Check,
    administers,
    between,
    checked,
    enterprise,
    invalid,
    is_bool,
    is_text,
    kept,
    list_of,
    one_of,
    paid,
    sees,
    table,
)
from .http import REPO, Refused, Request, Response, Route

UPGRADE = "Upgrade to GitHub Pro or make this repository public to enable this feature."
PULL_REQUEST = table(
    {
        "dismiss_stale_reviews_on_push": is_bool,
        "require_code_owner_review": is_bool,
        "require_last_push_approval": is_bool,
        "required_approving_review_count": between(0, 10),
        "required_review_thread_resolution": is_bool,
    },
    {"allowed_merge_methods": lambda value: bool(value) and list_of(one_of("merge", "squash", "rebase"))(value)},
)
STATUS_CHECKS = table(
    {
        "required_status_checks": list_of(table({"context": is_text}, {"integration_id": between(1, 2**31)})),
        "strict_required_status_checks_policy": is_bool,
    },
    {"do_not_enforce_on_create": is_bool},
)
MERGE_QUEUE = table(
    {
        "check_response_timeout_minutes": between(1, 360),
        "grouping_strategy": one_of("ALLGREEN", "HEADGREEN"),
        "max_entries_to_build": between(0, 100),
        "max_entries_to_merge": between(0, 100),
        "merge_method": one_of("MERGE", "SQUASH", "REBASE"),
        "min_entries_to_merge": between(0, 100),
        "min_entries_to_merge_wait_minutes": between(0, 360),
    }
)
# What a rule's parameters must be, and the targets that it is for; None where it takes none
RULES: Mapping[str, tuple[Check | None, tuple[str, ...]]] = {
    "creation": (None, ("branch", "tag")),
    "update": (None, ("branch", "tag")),
    "deletion": (None, ("branch", "tag")),
    "non_fast_forward": (None, ("branch", "tag")),
    "required_linear_history": (None, ("branch",)),
    "required_signatures": (None, ("branch", "tag")),
    "pull_request": (PULL_REQUEST, ("branch",)),
    "required_status_checks": (STATUS_CHECKS, ("branch", "tag")),
    "merge_queue": (MERGE_QUEUE, ("branch",)),
}
ACTOR = table(
    {"actor_type": one_of("Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey", "User")},
    {
        "actor_id": lambda value: value is None or type(value) is int,
        "bypass_mode": one_of("always", "pull_request", "exempt"),
    },
)
REFS = table({"ref_name": table({"include": list_of(is_text), "exclude": list_of(is_text)})})


def _offers_rulesets(request: Request) -> None:
    if not paid(request):
        raise Refused(403, UPGRADE)


def _ruleset(request: Request) -> dict[str, Any]:
    found = kept(request)["rulesets"].get(int(request.given["ruleset"]))
    if not found:
        raise Refused(404, "Not Found")
    return found


def list_rulesets(request: Request) -> Response:
    """The rulesets, without their rules."""
    sees(request)
    _offers_rulesets(request)
    hidden = ("rules", "conditions", "bypass_actors")
    found = kept(request)["rulesets"].values()
    return request.page([{key: value for key, value in one.items() if key not in hidden} for one in found])


def get_ruleset(request: Request) -> Response:
    """One ruleset; only administrators see who may bypass it."""
    sees(request)
    _offers_rulesets(request)
    found = dict(_ruleset(request))
    if not request.token or "administration" not in request.github.permissions(request.token):
        del found["bypass_actors"]
    return Response(200, found)


def create_ruleset(request: Request) -> Response:
    """A new ruleset; its name must be its own."""
    administers(request)
    _offers_rulesets(request)
    return Response(201, _set_ruleset(request, request.github.next_id()))


def change_ruleset(request: Request) -> Response:
    """Another content for a ruleset."""
    administers(request)
    _offers_rulesets(request)
    return Response(200, _set_ruleset(request, _ruleset(request)["id"]))


def _set_ruleset(request: Request, number: int) -> dict[str, Any]:
    fields: dict[str, Check] = {
        "target": one_of("branch", "tag"),
        "bypass_actors": list_of(ACTOR),
        "conditions": REFS,
        "rules": list_of(lambda rule: isinstance(rule, dict)),
    }
    enforcement = one_of("active", "disabled", *(["evaluate"] if kept(request)["plan"] == "enterprise" else []))
    given = {"target": "branch", "bypass_actors": [], "rules": []} | checked(
        request, table({"name": is_text, "enforcement": enforcement}, fields)
    )
    for place, rule in enumerate(given["rules"]):
        _check_rule(request, rule, given["target"], f"/rules/{place}")
    if any(one.get("bypass_mode") == "pull_request" and given["target"] != "branch" for one in given["bypass_actors"]):
        raise invalid("/bypass_actors")
    others = [one for one in kept(request)["rulesets"].values() if one["id"] != number]
    if any(one["name"] == given["name"] for one in others):
        raise Refused(422, "Validation Failed", [{"message": "Name must be unique"}])
    made = {
        **given,
        "id": number,
        "source_type": "Repository",
        "source": request.repository.name,
        "node_id": f"RRS_{number}",
        "rules": [_shown(rule) for rule in reversed(given["rules"])],  # in an order of its own
        "bypass_actors": [{"actor_id": None, "bypass_mode": "always", **one} for one in given["bypass_actors"]],
        "current_user_can_bypass": "never",
        "created_at": "2026-11-01T00:00:00.000Z",
        "updated_at": "2026-11-01T00:00:00.000Z",
        "_links": {"self": {"href": f"{request.github.url}/repos/{request.repository.name}/rulesets/{number}"}},
    }
    kept(request)["rulesets"][number] = made
    return made


def _check_rule(request: Request, rule: Mapping[str, Any], target: str, where: str) -> None:
    check, targets = RULES.get(rule.get("type", ""), (None, ()))
    extra = rule.keys() - {"type", *(["parameters"] if check else [])}
    if target not in targets or extra or (check and not check(rule.get("parameters"))):
        raise invalid(where)
    if rule["type"] == "merge_queue" and not (kept(request)["organisation"] and enterprise(request)):
        raise Refused(422, "Validation Failed", [{"message": "Invalid rule 'merge_queue': "}])


def _shown(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule with what GitHub adds to it."""
    added = {
        "pull_request": {"required_reviewers": [], "allowed_merge_methods": ["merge", "squash", "rebase"]},
        "required_status_checks": {"do_not_enforce_on_create": False},
    }.get(rule["type"])
    return {**rule, "parameters": {**added, **rule["parameters"]}} if added else dict(rule)


ROUTES = [
    Route("GET", REPO + r"/rulesets", list_rulesets),
    Route("POST", REPO + r"/rulesets", create_ruleset),
    Route("GET", REPO + r"/rulesets/(?P<ruleset>\d+)", get_ruleset),
    Route("PUT", REPO + r"/rulesets/(?P<ruleset>\d+)", change_ruleset),
]
