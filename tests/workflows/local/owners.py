"""Accounts, organisations and teams over REST, and what GitHub finds wrong in CODEOWNERS."""

from __future__ import annotations

from typing import Any

from .allowed import kept, sees
from .http import REPO, Refused, Request, Response, Route


def list_owner_faults(request: Request) -> Response:
    """What is wrong in CODEOWNERS of the default branch: owners that nobody is."""
    sees(request)
    settings, repository = kept(request), request.repository
    there = repository.files(repository.default_branch)
    path = next((one for one in (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS") if one in there), None)
    if path is None:
        raise Refused(404, "Not Found")
    known = {f"@{name}" for name in settings["accounts"].values()}
    known |= {f"@{repository.owner}/{name}" for name in settings["teams"].values()}
    errors = []
    for number, line in enumerate(repository.read(repository.default_branch, path).splitlines(), 1):
        for owner in line.partition("#")[0].split()[1:]:
            if owner not in known:
                hint = f"make sure {owner} exists and has write access to the repository"
                place = {"line": number, "column": line.index(owner) + 1, "source": line, "path": path}
                errors.append({**place, "kind": "Unknown owner", "suggestion": hint, "message": "Unknown owner"})
    return Response(200, {"errors": errors})


def _owned_by(request: Request, owner: str) -> dict[str, Any]:
    """The settings of a repository of that owner, for what is asked of accounts."""
    for repository in request.github.repositories.values():
        if repository.owner == owner:
            given = {"owner": owner, "repo": repository.name.partition("/")[2]}
            return kept(Request(request.github, "GET", "/", given))
    raise Refused(404, "Not Found")


def get_organisation(request: Request) -> Response:
    """An organisation; its plan is for who administers it."""
    settings = _owned_by(request, request.given["name"])
    if not settings["organisation"]:
        raise Refused(404, "Not Found")
    shown: dict[str, Any] = {"login": request.given["name"], "id": 1, "type": "Organization"}
    if request.token and "organization_plan" in request.github.permissions(request.token):
        shown["plan"] = {"name": settings["plan"], "seats": 5}
    return Response(200, shown)


def get_team(request: Request) -> Response:
    """A team of an organisation."""
    for number, name in _owned_by(request, request.given["name"])["teams"].items():
        if name == request.given["team"]:
            return Response(200, {"id": number, "slug": name})
    raise Refused(404, "Not Found")


def get_account(request: Request) -> Response:
    """An account that some repository knows."""
    name = request.given["name"]
    for repository in request.github.repositories.values():
        owner, _, repo = repository.name.partition("/")
        settings = kept(Request(request.github, "GET", "/", {"owner": owner, "repo": repo}))
        for number, known in settings["accounts"].items():
            if known == name:
                return Response(200, {"login": name, "id": number, "type": "User"})
    raise Refused(404, "Not Found")


ROUTES = [
    Route("GET", REPO + r"/codeowners/errors", list_owner_faults),
    Route("GET", r"/orgs/(?P<name>[^/]+)", get_organisation),
    Route("GET", r"/orgs/(?P<name>[^/]+)/teams/(?P<team>[^/]+)", get_team),
    Route("GET", r"/users/(?P<name>[^/]+)", get_account),
]
