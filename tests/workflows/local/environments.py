"""Environments over REST: who reviews a deployment, and from which branches and tags there may be one."""

from __future__ import annotations

from typing import Any

from .allowed import (
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

BRANCHES = table({"protected_branches": is_bool, "custom_branch_policies": is_bool})
REVIEWER = table({"type": one_of("User", "Team"), "id": between(1, 2**53)})
PLAN = (
    "Failed to create the environment protection rule. Please ensure the billing plan supports the {} protection rule."
)


def _environment(request: Request) -> dict[str, Any]:
    found = kept(request)["environments"].get(request.given["environment"])
    if not found:
        raise Refused(404, "Not Found")
    return found


def get_environment(request: Request) -> Response:
    """An environment as it is shown: its protection as a list of rules."""
    sees(request)
    found, settings = _environment(request), kept(request)
    rules: list[dict[str, Any]] = []
    if found.get("wait_timer"):
        rules.append({"id": 1, "node_id": "GA_1", "type": "wait_timer", "wait_timer": found["wait_timer"]})
    if found.get("reviewers"):
        known = {"User": settings["accounts"], "Team": settings["teams"]}
        reviewers = [
            {"type": one["type"], "reviewer": {"id": one["id"], "name": known[one["type"]][one["id"]]}}
            for one in found["reviewers"]
        ]
        alone = found.get("prevent_self_review", False)
        rules.append({"id": 2, "type": "required_reviewers", "prevent_self_review": alone, "reviewers": reviewers})
    if found.get("deployment_branch_policy"):
        rules.append({"id": 3, "node_id": "GA_3", "type": "branch_policy"})
    shown = {"id": 9, "name": request.given["environment"], "protection_rules": rules, "can_admins_bypass": True}
    return Response(200, {**shown, "deployment_branch_policy": found.get("deployment_branch_policy")})


def set_environment(request: Request) -> Response:
    """An environment, new or other: what is left out is reset."""
    administers(request)
    fields = {
        "wait_timer": between(0, 43_200),
        "prevent_self_review": is_bool,
        "reviewers": lambda value: value is None or (list_of(REVIEWER)(value) and len(value) <= 6),
        "deployment_branch_policy": lambda value: value is None or BRANCHES(value),
    }
    given, settings = checked(request, table({}, fields)), kept(request)
    branches = given.get("deployment_branch_policy")
    if branches and branches["protected_branches"] == branches["custom_branch_policies"]:
        raise Refused(422, "protected_branches and custom_branch_policies cannot have the same value")
    if not enterprise(request) and (given.get("reviewers") or given.get("wait_timer")):
        raise Refused(422, PLAN.format("required reviewers"))
    if not paid(request) and branches:
        raise Refused(422, PLAN.format("branch policy"))
    for one in given.get("reviewers") or []:
        if one["id"] not in settings["teams" if one["type"] == "Team" else "accounts"]:
            raise invalid("/reviewers")
    before = settings["environments"].get(request.given["environment"], {})
    custom = bool(branches and branches["custom_branch_policies"])
    policies = before.get("policies", {}) if custom else {}
    settings["environments"][request.given["environment"]] = {**given, "policies": policies}
    return get_environment(request)


def list_policies(request: Request) -> Response:
    """The patterns of branches and tags that an environment deploys from."""
    sees(request)
    shown = request.page(list(_environment(request)["policies"].values()))
    shown.body = {"total_count": len(_environment(request)["policies"]), "branch_policies": shown.body}
    return shown


def create_policy(request: Request) -> Response:
    """One pattern more; 303 for one that is there."""
    administers(request)
    found = _environment(request)
    if not (found.get("deployment_branch_policy") or {}).get("custom_branch_policies"):
        raise Refused(404, "Not Found")
    given = {"type": "branch"} | checked(request, table({"name": is_text}, {"type": one_of("branch", "tag")}))
    for one in found["policies"].values():
        if (one["type"], one["name"]) == (given["type"], given["name"]):
            raise Refused(303, "See Other")
    number = request.github.next_id()
    found["policies"][number] = {"id": number, "node_id": "GBP", **given}
    return Response(200, found["policies"][number])


def delete_policy(request: Request) -> Response:
    """One pattern less."""
    administers(request)
    if not _environment(request)["policies"].pop(int(request.given["policy"]), None):
        raise Refused(404, "Not Found")
    return Response(204)


ENVIRONMENT = REPO + r"/environments/(?P<environment>[^/]+)"
ROUTES = [
    Route("GET", ENVIRONMENT, get_environment),
    Route("PUT", ENVIRONMENT, set_environment),
    Route("GET", ENVIRONMENT + r"/deployment-branch-policies", list_policies),
    Route("POST", ENVIRONMENT + r"/deployment-branch-policies", create_policy),
    Route("DELETE", ENVIRONMENT + r"/deployment-branch-policies/(?P<policy>\d+)", delete_policy),
]
