"""Issues and labels over REST."""

from __future__ import annotations

from . import shapes
from .http import REPO, Refused, Request, Response, Route
from .pulls import LONGEST_BODY, author_of
from .state import Issue

LONGEST_TITLE = 256


def list_issues(request: Request) -> Response:
    """Issues, and pull requests too, open ones unless asked otherwise, the newest first."""
    request.needs("read", "issues")
    shelf, query = request.github.shelf(request.repository), request.query
    wanted = {name for name in query.get("labels", "").split(",") if name}
    pulls = [shapes.pull(request.github, one) | {"pull_request": {}} for one in shelf.pulls.values()]
    found = [*(shapes.issue(request.github, request.repository, one) for one in shelf.issues.values()), *pulls]
    chosen = [
        one
        for one in found
        if query.get("state", "open") in ("all", one["state"])
        and wanted <= {str(label["name"]) for label in one["labels"]}
    ]
    chosen.sort(key=lambda one: int(one["number"]), reverse=query.get("direction", "desc") == "desc")
    return request.page(chosen)


def get_issue(request: Request) -> Response:
    """One issue."""
    request.needs("read", "issues")
    return Response(200, shapes.issue(request.github, request.repository, _issue(request)))


def create_issue(request: Request) -> Response:
    """A new issue; its labels are made where they are not there."""
    request.needs("write", "issues")
    given, shelf = request.json(), request.github.shelf(request.repository)
    _check(given.get("title"), given.get("body") or "")
    labels = list(map(str, given.get("labels") or []))
    for name in labels:
        shelf.labels.setdefault(name, {"name": name, "color": "ededed", "description": ""})
    number = request.github.next_number(request.repository)
    issue = Issue(number, given["title"], given.get("body") or "", author_of(request), labels)
    shelf.issues[number] = issue
    return Response(201, shapes.issue(request.github, request.repository, issue))


def update_issue(request: Request) -> Response:
    """An issue with another title, body or state; the reason counts only where the state changes."""
    request.needs("write", "issues")
    issue, given = _issue(request), request.json()
    title, body = given.get("title", issue.title), given.get("body", issue.body)
    state, reason = given.get("state", issue.state), given.get("state_reason")
    _check(title, body)
    if state not in ("open", "closed") or reason not in (None, "completed", "not_planned", "reopened", "duplicate"):
        raise Refused(422, "Validation Failed", [{"resource": "Issue", "field": "state", "code": "invalid"}])
    if state != issue.state:
        issue.state_reason = reason or ("completed" if state == "closed" else "reopened")
    issue.title, issue.body, issue.state = title, body, state
    return Response(200, shapes.issue(request.github, request.repository, issue))


def get_label(request: Request) -> Response:
    """One label."""
    request.needs("read", "issues", "pull-requests")
    label = request.github.shelf(request.repository).labels.get(request.given["name"])
    if not label:
        raise Refused(404, "Not Found")
    return Response(200, label)


def create_label(request: Request) -> Response:
    """A new label."""
    request.needs("write", "issues", "pull-requests")
    given, labels = request.json(), request.github.shelf(request.repository).labels
    if not given.get("name"):
        raise Refused(422, "Validation Failed", [{"resource": "Label", "field": "name", "code": "missing_field"}])
    if given["name"] in labels:
        raise Refused(422, "Validation Failed", [{"resource": "Label", "field": "name", "code": "already_exists"}])
    label = {key: str(given.get(key, "")) for key in ("name", "color", "description")}
    labels[label["name"]] = label
    return Response(201, label)


def _issue(request: Request) -> Issue:
    found = request.github.shelf(request.repository).issues.get(int(request.given["number"]))
    if not found:
        raise Refused(404, "Not Found")
    return found


def _check(title: object, body: object) -> None:
    if not isinstance(title, str) or not title.strip():
        raise Refused(422, "Validation Failed", [{"resource": "Issue", "field": "title", "code": "missing_field"}])
    if len(title) > LONGEST_TITLE or not isinstance(body, str) or len(body) > LONGEST_BODY:
        raise Refused(422, "Validation Failed", [{"resource": "Issue", "field": "body", "code": "too_long"}])


ROUTES = [
    Route("GET", REPO + r"/issues", list_issues),
    Route("POST", REPO + r"/issues", create_issue),
    Route("GET", REPO + r"/issues/(?P<number>\d+)", get_issue),
    Route("PATCH", REPO + r"/issues/(?P<number>\d+)", update_issue),
    Route("GET", REPO + r"/labels/(?P<name>[^/]+)", get_label),
    Route("POST", REPO + r"/labels", create_label),
]
