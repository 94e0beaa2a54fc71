"""Self-hosted runners of a repository, its variables, and whose runs wait for an approval, over REST."""

from __future__ import annotations

from typing import Any

from .allowed import administers, checked, kept, one_of, sees, table
from .http import REPO, Refused, Request, Response, Route

POLICIES = ("first_time_contributors_new_to_github", "first_time_contributors", "all_external_contributors")


def get_approval(request: Request) -> Response:
    """Which contributors' first runs, or all of them, wait for an approval; no private repository has that."""
    administers(request, "read")
    _public(request)
    return Response(200, {"approval_policy": kept(request)["approval"]})


def set_approval(request: Request) -> Response:
    """Others wait; 409 where the organisation has decided it."""
    administers(request)
    _public(request)
    given = checked(request, table({"approval_policy": one_of(*POLICIES)}))
    if kept(request).get("approval_by_organisation"):
        raise Refused(409, "The organization does not allow to change the approval policy")
    kept(request)["approval"] = given["approval_policy"]
    return Response(204)


def list_runners(request: Request) -> Response:
    """The repository's own runners, not those of its organisation."""
    administers(request, "read")
    runners = [
        {"id": number, "name": name, "os": "linux", "status": "online", "busy": False, "labels": _labels(labels)}
        for number, (name, labels) in enumerate(request.github.shelf(request.repository).machines.items(), start=1)
    ]
    return Response(200, {"total_count": len(runners), "runners": runners})


def get_variable(request: Request) -> Response:
    """A variable of the repository; 404 where only its organisation has it."""
    _reads_variables(request)
    name = request.given["name"].upper()
    if name not in request.github.variables:
        raise Refused(404, "Not Found")
    return Response(200, {"name": name, "value": request.github.variables[name]})


def list_of_organisation(request: Request) -> Response:
    """The variables that the repository has from its organisation."""
    _reads_variables(request)
    found = [{"name": name, "value": value} for name, value in kept(request)["variables"].items()]
    return Response(200, {"total_count": len(found), "variables": found})


def _labels(names: list[str]) -> list[dict[str, Any]]:
    """As GitHub shows them: those that each such runner has, and what its owner gave it."""
    usual = [{"name": name, "type": "read-only"} for name in ("self-hosted", "Linux", "X64")]
    return [*usual, *({"name": name, "type": "custom"} for name in names)]


def _public(request: Request) -> None:
    if request.repository.private:
        raise Refused(422, "Validation Failed", "Fork PR approval is not allowed for private repositories.")


def _reads_variables(request: Request) -> None:
    """Variables are nobody's but those who may have them, in a public repository too."""
    sees(request)
    granted = request.github.permissions(request.token) if request.token else {}
    if "variables" not in granted:
        refused = Refused(403, "Resource not accessible by personal access token")
        refused.response.headers["X-Accepted-GitHub-Permissions"] = "variables=read"
        raise refused


ROUTES = [
    Route("GET", REPO + r"/actions/permissions/fork-pr-contributor-approval", get_approval),
    Route("PUT", REPO + r"/actions/permissions/fork-pr-contributor-approval", set_approval),
    Route("GET", REPO + r"/actions/runners", list_runners),
    Route("GET", REPO + r"/actions/variables/(?P<name>\w+)", get_variable),
    Route("GET", REPO + r"/actions/organization-variables", list_of_organisation),
]
