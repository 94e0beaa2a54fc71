"""Reviews of pull requests over REST, and what a look at a change asks for: what it compares, and who may do what."""

from __future__ import annotations

import base64

from .allowed import kept
from .http import REPO, Refused, Request, Response, Route

ROLES = ("admin", "maintain", "write", "triage", "read")


def list_reviews(request: Request) -> Response:
    """The reviews of a pull request, the oldest first."""
    request.needs("read", "pull-requests")
    number = int(request.given["number"])
    found = [one for one in request.github.shelf(request.repository).reviews if one.number == number]
    return request.page(
        [
            {
                "id": one.id,
                "user": {"login": one.author, "type": "User"},
                "state": one.state,
                "commit_id": one.commit,
                "body": one.body,
            }
            for one in found
        ]
    )


def list_events(request: Request) -> Response:
    """What became of a pull request beside its commits: when it was made to go into another branch."""
    request.needs("read", "issues", "pull-requests")
    number = int(request.given["number"])
    moves = request.github.shelf(request.repository).moves
    return request.page([{"event": "base_ref_changed", "created_at": when} for one, when in moves if one == number])


def compare(request: Request) -> Response:
    """Where two commits parted."""
    request.needs("read", "contents")
    git = request.repository.git
    base = git("merge-base", request.given["base"], request.given["head"])
    return Response(200, {"merge_base_commit": {"sha": base}, "status": "diverged"})


def get_tree(request: Request) -> Response:
    """All files and folders of a commit."""
    request.needs("read", "contents")
    listed = request.repository.git("ls-tree", "-r", "-t", "-z", request.repository.sha(request.given["commit"]))
    entries = []
    for line in filter(None, listed.split("\0")):
        mode, kind, rest = line.split(" ", 2)
        sha, path = rest.split("\t", 1)
        entries.append({"path": path, "mode": mode, "type": kind, "sha": sha})
    return Response(200, {"sha": request.given["commit"], "tree": entries, "truncated": False})


def get_blob(request: Request) -> Response:
    """The content of a file by its hash."""
    request.needs("read", "contents")
    content = request.repository.git("cat-file", "blob", request.given["sha"])
    return Response(200, {"encoding": "base64", "content": base64.encodebytes(content.encode()).decode()})


def get_permission(request: Request) -> Response:
    """What a person may do here: the owner everything, others what their role says, strangers read what is public."""
    request.needs("read", "metadata")
    login, settings = request.given["login"], kept(request)
    usual = "admin" if login == request.repository.owner and not settings["organisation"] else "read"
    role = settings.get("roles", {}).get(login, usual)
    if role not in ROLES:
        raise Refused(404, f"{login} is not a user")
    simple = {"maintain": "write", "triage": "read"}.get(role, role)
    return Response(200, {"permission": simple, "role_name": role, "user": {"login": login}})


ROUTES = [
    Route("GET", REPO + r"/pulls/(?P<number>\d+)/reviews", list_reviews),
    Route("GET", REPO + r"/issues/(?P<number>\d+)/events", list_events),
    Route("GET", REPO + r"/compare/(?P<base>\w+)\.\.\.(?P<head>\w+)", compare),
    Route("GET", REPO + r"/git/trees/(?P<commit>\w+)", get_tree),
    Route("GET", REPO + r"/git/blobs/(?P<sha>\w+)", get_blob),
    Route("GET", REPO + r"/collaborators/(?P<login>[^/]+)/permission", get_permission),
]
