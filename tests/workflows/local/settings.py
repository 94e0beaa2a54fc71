"""A repository's settings over REST: how it merges, its alerts and which actions may run in it.

`Shelf.settings` holds all settings: `organisation` and `plan` of the owner, `accounts` and `teams` by number, and what
was set. `ROUTES` has those of machines, environments, rulesets and owners too; they go in front of the other routes,
because a repository shows more here.
"""

from __future__ import annotations

from collections.abc import Callable

from . import environments, machines, owners, rulesets, shapes
from .allowed import (
    FEATURES,
    REPOSITORY,
    administers,
    checked,
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


def get_repository(request: Request) -> Response:
    """A repository with its settings, of which only administrators see those of security."""
    sees(request)
    settings = kept(request)
    granted = request.github.permissions(request.token) if request.token else {}
    admin = "administration" in granted
    shown = shapes.repository(request.github, request.repository)
    shown["owner"] = {**shown["owner"], "type": "Organization" if settings["organisation"] else "User"}
    shown["permissions"] = {"admin": admin, "push": admin or granted.get("contents") == "write", "pull": True}
    if admin:
        shown["security_and_analysis"] = {key: {"status": value} for key, value in settings["security"].items()}
    return Response(200, {**shown, **settings["repository"]})


def change_repository(request: Request) -> Response:
    """Other settings of a repository."""
    administers(request)
    settings, given = kept(request), request.json()
    security = given.pop("security_and_analysis", {})
    for key, value in given.items():
        if key not in REPOSITORY or not REPOSITORY[key][0](value):
            raise invalid(f"/{key}")
    if "squash_merge_commit_message" in given and "squash_merge_commit_title" not in given:
        raise Refused(422, "squash_merge_commit_title is required with squash_merge_commit_message")
    methods = {**settings["repository"], **given}
    if not any(methods[f"allow_{name}"] for name in ("squash_merge", "merge_commit", "rebase_merge")):
        raise Refused(422, "Validation Failed", [{"message": "Sorry, you need to allow at least one merge strategy."}])
    if not table({}, dict.fromkeys(FEATURES, table({"status": one_of("enabled", "disabled")})))(security):
        raise invalid("/security_and_analysis")
    if security and request.repository.private:
        raise Refused(422, "Secret scanning is not available for this repository.")
    if not paid(request):
        given.pop("allow_auto_merge", None)  # taken without a word
    settings["repository"] |= given
    settings["security"] |= {key: one["status"] for key, one in security.items()}
    return get_repository(request)


def _switch(name: str, value: bool) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        administers(request)
        if name == "fixes" and value and not kept(request)["alerts"]:
            raise Refused(422, "Vulnerability alerts must be enabled to configure automated security fixes.")
        kept(request)[name] = value
        return Response(204)

    return answer


def get_alerts(request: Request) -> Response:
    """Nothing where alerts are on, and 404 where they are off."""
    administers(request, "read")
    if not kept(request)["alerts"]:
        raise Refused(404, "Vulnerability alerts are disabled.")
    return Response(204)


def get_fixes(request: Request) -> Response:
    """Whether security updates are on."""
    administers(request, "read")
    return Response(200, {"enabled": kept(request)["fixes"], "paused": False})


def get_permissions(request: Request) -> Response:
    """Which actions may run."""
    administers(request, "read")
    return Response(200, kept(request)["permissions"])


def set_permissions(request: Request) -> Response:
    """Other actions may run."""
    administers(request)
    allowed = {"allowed_actions": one_of("all", "local_only", "selected"), "sha_pinning_required": is_bool}
    kept(request)["permissions"] |= checked(request, table({"enabled": is_bool}, allowed))
    return Response(204)


def get_selected(request: Request) -> Response:
    """The actions that are allowed by name; 409 where all are."""
    administers(request, "read")
    if kept(request)["permissions"]["allowed_actions"] != "selected":
        raise Refused(409, "Allowed actions are not set to selected for this repository")
    return Response(200, kept(request)["selected"])


def set_selected(request: Request) -> Response:
    """Other actions by name."""
    administers(request)
    get_selected(request)
    fields = {"github_owned_allowed": is_bool, "verified_allowed": is_bool, "patterns_allowed": list_of(is_text)}
    kept(request)["selected"] |= checked(request, table({}, fields))
    return Response(204)


def get_workflow(request: Request) -> Response:
    """What the token of a workflow may do unless it says otherwise."""
    administers(request, "read")
    return Response(200, kept(request)["workflow"])


def set_workflow(request: Request) -> Response:
    """The token of a workflow may do something else."""
    administers(request)
    fields = {"default_workflow_permissions": one_of("read", "write"), "can_approve_pull_request_reviews": is_bool}
    kept(request)["workflow"] |= checked(request, table({}, fields))
    return Response(204)


ROUTES = [
    Route("GET", REPO, get_repository),
    Route("PATCH", REPO, change_repository),
    Route("GET", REPO + r"/vulnerability-alerts", get_alerts),
    Route("PUT", REPO + r"/vulnerability-alerts", _switch("alerts", True)),
    Route("DELETE", REPO + r"/vulnerability-alerts", _switch("alerts", False)),
    Route("GET", REPO + r"/automated-security-fixes", get_fixes),
    Route("PUT", REPO + r"/automated-security-fixes", _switch("fixes", True)),
    Route("DELETE", REPO + r"/automated-security-fixes", _switch("fixes", False)),
    Route("GET", REPO + r"/actions/permissions", get_permissions),
    Route("PUT", REPO + r"/actions/permissions", set_permissions),
    Route("GET", REPO + r"/actions/permissions/selected-actions", get_selected),
    Route("PUT", REPO + r"/actions/permissions/selected-actions", set_selected),
    Route("GET", REPO + r"/actions/permissions/workflow", get_workflow),
    Route("PUT", REPO + r"/actions/permissions/workflow", set_workflow),
    *machines.ROUTES,
    *environments.ROUTES,
    *rulesets.ROUTES,
    *owners.ROUTES,
]
