"""Pull requests, comments, commits and checks over REST."""

from __future__ import annotations

from typing import Any

from . import allowed, reviews, shapes
from .http import REPO, Refused, Request, Response, Route
from .state import PASSED, Check, Comment, PullRequest

LONGEST_BODY = 65_536


def get_user(request: Request) -> Response:
    """Whose token it is; a run's is nobody's."""
    if not request.token:
        raise Refused(401, "Requires authentication")
    if request.token.run:
        raise Refused(403, "Resource not accessible by integration")
    return Response(200, {"login": "author", "type": "User"})


def get_repository(request: Request) -> Response:
    """A repository."""
    request.needs("read", "metadata")
    return Response(200, shapes.repository(request.github, request.repository))


def list_pulls(request: Request) -> Response:
    """Pull requests, open ones unless asked otherwise, the newest first."""
    request.needs("read", "pull-requests")
    query = request.query
    found = [
        pull
        for pull in reversed(request.github.pulls(request.repository))
        if query.get("state", "open") in ("all", pull.state)
        and query.get("head", f"{pull.head.owner}:{pull.branch}") == f"{pull.head.owner}:{pull.branch}"
        and query.get("base", pull.base) == pull.base
    ]
    return request.page([shapes.pull(request.github, pull) for pull in found])


def get_pull(request: Request) -> Response:
    """One pull request."""
    request.needs("read", "pull-requests")
    pull = _pull(request)
    mergeable = {"mergeable": pull.merge_sha() is not None} if pull.state == "open" else {}
    return Response(200, {**shapes.pull(request.github, pull), **mergeable})


def create_pull(request: Request) -> Response:
    """A new pull request; one at most for a head and a base, and from a workflow only where the settings allow it."""
    request.needs("write", "pull-requests")
    if request.token and request.token.run and not allowed.kept(request)["workflow"][allowed.MAY_PROPOSE]:
        raise Refused(403, "GitHub Actions is not permitted to create or approve pull requests.")
    given = request.json()
    missing = [name for name in ("title", "head", "base") if not given.get(name)]
    if missing:
        raise Refused(422, "Validation Failed", [_error("PullRequest", name, "missing_field") for name in missing])
    owner, _, branch = str(given["head"]).rpartition(":")
    repository = request.repository
    head = request.github.fork_owned_by(repository, owner) if owner else repository
    for field, where, name in (("head", head, branch), ("base", repository, given["base"])):
        if not where.find(f"refs/heads/{name}"):
            raise Refused(422, "Validation Failed", [_error("PullRequest", field, "invalid")])
    if head.sha(f"refs/heads/{branch}") == repository.sha(f"refs/heads/{given['base']}"):
        message = f"No commits between {given['base']} and {branch}"
        raise Refused(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])
    for pull in request.github.pulls(repository):
        if (pull.state, pull.head.name, pull.branch, pull.base) == ("open", head.name, branch, given["base"]):
            message = f"A pull request already exists for {head.owner}:{branch}."
            raise Refused(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])
    pull = request.github.open(
        repository, head, branch, given["base"], given["title"], given.get("body") or "", request.token
    )
    return Response(201, shapes.pull(request.github, pull))


def update_pull(request: Request) -> Response:
    """A pull request with another title or body, or closed."""
    request.needs("write", "pull-requests")
    pull, given = _pull(request), request.json()
    if given.get("state", pull.state) not in ("open", "closed"):
        raise Refused(422, "Validation Failed", [_error("PullRequest", "state", "invalid")])
    pull.title, pull.body = given.get("title", pull.title), given.get("body", pull.body)
    pull.state = given.get("state", pull.state)
    return Response(200, shapes.pull(request.github, pull))


def list_comments(request: Request) -> Response:
    """The comments of an issue or a pull request, oldest first."""
    _commented(request, "read")
    found = request.github.comments_of(request.repository, int(request.given["number"]))
    return request.page([shapes.comment(request.github, request.repository, comment) for comment in found])


def create_comment(request: Request) -> Response:
    """A new comment."""
    number = _commented(request, "write")
    comment = Comment(request.github.next_id(), number, author_of(request), _body(request))
    request.github.shelf(request.repository).comments.append(comment)
    return Response(201, shapes.comment(request.github, request.repository, comment))


def update_comment(request: Request) -> Response:
    """A comment with another body."""
    request.needs("write", "issues", "pull-requests")
    comment = _comment(request)
    comment.body = _body(request)
    return Response(200, shapes.comment(request.github, request.repository, comment))


def get_comment(request: Request) -> Response:
    """One comment."""
    request.needs("read", "issues", "pull-requests")
    return Response(200, shapes.comment(request.github, request.repository, _comment(request)))


def delete_comment(request: Request) -> Response:
    """One comment less."""
    request.needs("write", "issues", "pull-requests")
    request.github.shelf(request.repository).comments.remove(_comment(request))
    return Response(204)


def list_checks(request: Request) -> Response:
    """The latest check of each name on a commit."""
    request.needs("read", "checks")
    kept = request.github.checks_of(request.repository, request.repository.sha(request.given["ref"]))
    found = [check for check in kept if not check.of_statuses]
    shown = request.page([shapes.check(check) for check in found])
    shown.body = {"total_count": len(found), "check_runs": shown.body}
    return shown


def create_check(request: Request) -> Response:
    """A check by whoever asks."""
    request.needs("write", "checks")
    given = request.json()
    missing = [name for name in ("name", "head_sha") if not given.get(name)]
    if missing:
        raise Refused(422, f"Invalid request.\n\n{', '.join(missing)} was not supplied.")
    sha = request.repository.sha(given["head_sha"])
    conclusion = given.get("conclusion")
    status = "completed" if conclusion else given.get("status", "queued")
    check = Check(request.github.next_id(), sha, given["name"], conclusion, status)
    request.github.shelf(request.repository).checks.append(check)
    return Response(201, shapes.check(check))


def create_status(request: Request) -> Response:
    """A status of a commit, kept as the check of its context."""
    request.needs("write", "statuses")
    given = request.json()
    if given.get("state") not in ("error", "failure", "pending", "success"):
        raise Refused(422, "Validation Failed", [_error("Status", "state", "custom")])
    pending = given["state"] == "pending"
    conclusion = None if pending else "success" if given["state"] == "success" else "failure"
    sha = request.repository.sha(request.given["sha"])
    name = given.get("context", "default")
    check = Check(request.github.next_id(), sha, name, conclusion, "in_progress" if pending else "completed")
    check.of_statuses = True
    request.github.shelf(request.repository).checks.append(check)
    return Response(201, {"id": check.id, "state": given["state"], "context": name})


def combined_status(request: Request) -> Response:
    """Whether all that reported on a commit passed."""
    request.needs("read", "statuses")
    sha = request.repository.sha(request.given["ref"])
    found = request.github.checks_of(request.repository, sha)
    passed = [check.conclusion in PASSED for check in found]
    state = "failure" if any(check.conclusion and check.conclusion not in PASSED for check in found) else "pending"
    return Response(200, {"sha": sha, "state": "success" if found and all(passed) else state})


def get_commit(request: Request) -> Response:
    """A commit's id, parents and message."""
    request.needs("read", "contents")
    repository = request.repository
    sha = repository.sha(request.given["ref"])
    parents = repository.git("log", "-1", "--format=%P", sha).split()
    email = repository.git("log", "-1", "--format=%ce", sha)
    tree = {"sha": repository.git("rev-parse", f"{sha}^{{tree}}")}
    shown = {"message": repository.log(sha), "committer": {"email": email}, "tree": tree}
    return Response(200, {"sha": sha, "parents": [{"sha": parent} for parent in parents], "commit": shown})


def pulls_of_commit(request: Request) -> Response:
    """The pull requests whose head is this commit."""
    request.needs("read", "pull-requests")
    found = [pull for pull in request.github.pulls(request.repository) if pull.head_sha == request.given["ref"]]
    return request.page([shapes.pull(request.github, pull) for pull in found])


def author_of(request: Request) -> str:
    """Who asks."""
    return "github-actions[bot]" if request.token and request.token.run else "author"


def _commented(request: Request, level: str) -> int:
    """The number of a pull request, or of an issue, for which the permission of pull requests is not enough."""
    number = int(request.given["number"])
    if number in request.github.shelf(request.repository).issues:
        request.needs(level, "issues")
        return number
    request.needs(level, "issues", "pull-requests")
    return _pull(request).number


def _pull(request: Request) -> PullRequest:
    found = request.github.shelf(request.repository).pulls.get(int(request.given["number"]))
    if not found:
        raise Refused(404, "Not Found")
    return found


def _comment(request: Request) -> Comment:
    for comment in request.github.shelf(request.repository).comments:
        if comment.id == int(request.given["id"]):
            return comment
    raise Refused(404, "Not Found")


def _body(request: Request) -> str:
    body = request.json().get("body")
    if not isinstance(body, str) or not body.strip():
        raise Refused(422, "Validation Failed", [_error("IssueComment", "body", "missing_field")])
    if len(body) > LONGEST_BODY:
        wrong: dict[str, Any] = {**_error("IssueComment", "body", "unprocessable"), "message": "body is too long"}
        raise Refused(422, f"Validation Failed: body is too long (maximum is {LONGEST_BODY} characters)", [wrong])
    return body


def _error(resource: str, field: str, code: str) -> dict[str, str]:
    return {"resource": resource, "field": field, "code": code}


ROUTES = [
    Route("GET", "/user", get_user),
    Route("GET", REPO, get_repository),
    Route("GET", REPO + r"/pulls", list_pulls),
    Route("POST", REPO + r"/pulls", create_pull),
    Route("GET", REPO + r"/pulls/(?P<number>\d+)", get_pull),
    Route("PATCH", REPO + r"/pulls/(?P<number>\d+)", update_pull),
    Route("GET", REPO + r"/issues/(?P<number>\d+)/comments", list_comments),
    Route("POST", REPO + r"/issues/(?P<number>\d+)/comments", create_comment),
    Route("GET", REPO + r"/issues/comments/(?P<id>\d+)", get_comment),
    Route("PATCH", REPO + r"/issues/comments/(?P<id>\d+)", update_comment),
    Route("DELETE", REPO + r"/issues/comments/(?P<id>\d+)", delete_comment),
    *reviews.ROUTES,
    Route("GET", REPO + r"/commits/(?P<ref>.+)/check-runs", list_checks),
    Route("POST", REPO + r"/check-runs", create_check),
    Route("POST", REPO + r"/statuses/(?P<sha>\w+)", create_status),
    Route("GET", REPO + r"/commits/(?P<ref>.+)/status", combined_status),
    Route("GET", REPO + r"/commits/(?P<ref>\w+)/pulls", pulls_of_commit),
    Route("GET", REPO + r"/commits/(?P<ref>[^/]+)", get_commit),
]
