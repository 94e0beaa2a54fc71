from __future__ import annotations

import http.client
import io
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from .local import REPO, GitHub, PullRequest, Repository, Request, Response, Route
from .local.events import Event
from .local.expressions import evaluate
from .local.repositories import clean
from .local.state import Artifact

DISPATCHED = """
on:
  push:
  workflow_dispatch:
    inputs:
      month: {required: true}
      rows: {default: 100}
jobs:
  job:
    runs-on: ubuntu-latest
    steps: [{run: "true"}]
"""


def call(
    github: GitHub, method: str, path: str, token: str = "", body: object = None
) -> tuple[int, Any, dict[str, str]]:
    """The status, the JSON or bytes, and the headers of an answer."""
    connection = http.client.HTTPConnection(github.url.removeprefix("http://"), timeout=30)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request(method, path.removeprefix(github.url), json.dumps(body) if body else None, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    kind = response.headers.get("Content-Type", "")
    return response.status, json.loads(content) if "json" in kind else content, dict(response.headers)


@pytest.fixture
def repository(github: GitHub) -> Repository:
    made = github.create("owner/project")
    github.push(made, "main", {"README.md": "hello", ".github/workflows/dispatched.yml": DISPATCHED})
    github.push(made, "change", {"README.md": "hello you"})
    return made


@pytest.fixture
def pull(github: GitHub, repository: Repository) -> PullRequest:
    return github.open_pull_request(repository, "change")


def comments(pull: PullRequest) -> str:
    return f"/repos/owner/project/issues/{pull.number}/comments"


@pytest.mark.usefixtures("repository")
def test_nothing_private_is_shown_without_a_token_that_it_knows(github: GitHub):
    assert call(github, "GET", "/repos/owner/project")[:2] == (401, {"message": "Requires authentication"})
    assert call(github, "GET", "/repos/owner/project", "guessed")[:2] == (401, {"message": "Bad credentials"})


def test_what_is_public_is_shown_to_all(github: GitHub):
    github.create("owner/open", private=False)
    assert call(github, "GET", "/repos/owner/open")[1]["full_name"] == "owner/open"


@pytest.mark.usefixtures("repository")
def test_what_is_not_there_is_not_found(github: GitHub):
    token = github.token({"pull-requests": "write", "contents": "read"})
    for path in ("/repos/owner/other/pulls", "/repos/owner/project/pulls/7", "/nothing"):
        assert call(github, "GET", path, token)[0] == 404


def test_a_token_does_only_what_it_may(github: GitHub, pull: PullRequest):
    reader = github.token({"pull-requests": "read"})
    assert call(github, "GET", comments(pull), reader)[0] == 200
    status, answer, _ = call(github, "POST", comments(pull), reader, {"body": "hello"})
    assert (status, answer["message"]) == (403, "Resource not accessible by integration")
    assert pull.comments == []


def test_a_token_of_another_repository_is_refused(github: GitHub, pull: PullRequest):
    other = github.create("owner/other")
    token = github.token({"pull-requests": "write"}, other)
    assert call(github, "POST", comments(pull), token, {"body": "hello"})[0] == 403


def test_comments_are_made_changed_and_deleted(github: GitHub, pull: PullRequest):
    token = github.token({"pull-requests": "write"})
    status, made, _ = call(github, "POST", comments(pull), token, {"body": "first"})
    assert status == 201
    comment = f"/repos/owner/project/issues/comments/{made['id']}"
    assert call(github, "PATCH", comment, token, {"body": "second"})[0] == 200
    assert pull.comments == ["second"]
    assert call(github, "DELETE", comment, token)[0] == 204
    assert call(github, "PATCH", comment, token, {"body": "third"})[0] == 404


@pytest.mark.parametrize("body", ["", "x" * 65_537])
def test_a_comment_is_neither_empty_nor_longer_than_github_takes(github: GitHub, pull: PullRequest, body: str):
    token = github.token({"issues": "write"})
    assert call(github, "POST", comments(pull), token, {"body": body})[0] == 422
    assert call(github, "POST", comments(pull), token, {"body": "x" * 65_536})[0] == 201


def test_lists_come_in_pages_of_thirty_and_at_most_a_hundred(github: GitHub, pull: PullRequest):
    token = github.token({"issues": "write"})
    for number in range(101):
        call(github, "POST", comments(pull), token, {"body": f"comment {number}"})
    _, first, headers = call(github, "GET", comments(pull), token)
    assert [len(first), first[0]["body"]] == [30, "comment 0"]
    following = re.findall(r'<([^>]+)>; rel="next"', headers["Link"])[0]
    assert call(github, "GET", following, token)[1][0]["body"] == "comment 30"
    assert len(call(github, "GET", comments(pull) + "?per_page=500", token)[1]) == 100
    last = call(github, "GET", comments(pull) + "?per_page=100&page=2", token)
    assert len(last[1]) == 1
    assert 'rel="next"' not in last[2]["Link"]


@pytest.mark.usefixtures("repository")
def test_one_pull_request_for_a_head_and_a_base(github: GitHub):
    token = github.token({"pull-requests": "write"})
    given = {"title": "Change", "head": "change", "base": "main"}
    status, made, _ = call(github, "POST", "/repos/owner/project/pulls", token, given)
    assert (status, made["head"]["ref"]) == (201, "change")
    again = call(github, "POST", "/repos/owner/project/pulls", token, given)
    assert (again[0], again[1]["errors"][0]["message"]) == (422, "A pull request already exists for owner:change.")
    nowhere = {**given, "head": "nowhere"}
    assert call(github, "POST", "/repos/owner/project/pulls", token, nowhere)[0] == 422
    listed = call(github, "GET", "/repos/owner/project/pulls?head=owner:change", token)[1]
    assert [pull["number"] for pull in listed] == [made["number"]]


@pytest.mark.parametrize(
    ("permission", "body", "status"),
    [
        ("write", {"event_type": "alert", "client_payload": {"status": "firing"}}, 204),
        ("write", {"event_type": "alert", "client_payload": {str(place): 1 for place in range(11)}}, 422),
        ("write", {"client_payload": {}}, 422),
        ("read", {"event_type": "alert"}, 403),
    ],
)
def test_an_event_from_outside_needs_a_name_and_a_token_that_may_write(
    github: GitHub, repository: Repository, permission: str, body: object, status: int
) -> None:
    before = len(github._events)
    token = github.token({"contents": permission}, repository)
    assert call(github, "POST", "/repos/owner/project/dispatches", token, body)[0] == status
    happened = [(event.name, event.payload["client_payload"]) for event in list(github._events)[before:]]
    assert happened == ([("repository_dispatch", {"status": "firing"})] if status == 204 else [])


@pytest.mark.parametrize(
    ("file", "body", "status"),
    [
        ("dispatched.yml", {"ref": "main", "inputs": {"month": "2013-04"}}, 204),
        ("dispatched.yml", {"ref": "refs/heads/main", "inputs": {"month": "2013-04", "rows": "5"}}, 204),
        ("other.yml", {"ref": "main"}, 404),
        ("dispatched.yml", {"ref": "main"}, 422),
        ("dispatched.yml", {"ref": "main", "inputs": {"month": "2013-04", "year": "2013"}}, 422),
        ("dispatched.yml", {"ref": "nowhere", "inputs": {"month": "2013-04"}}, 422),
        ("dispatched.yml", {"ref": "silent", "inputs": {"month": "2013-04"}}, 422),
        ("dispatched.yml", {"inputs": {"month": "2013-04"}}, 422),
    ],
)
def test_a_dispatch_is_taken_only_as_the_workflow_declares_it(
    github: GitHub, repository: Repository, file: str, body: dict[str, Any], status: int
):
    silent = DISPATCHED.replace("workflow_dispatch", "repository_dispatch")
    github.push(repository, "silent", {".github/workflows/dispatched.yml": silent})
    github.deliver(only=())
    path = f"/repos/owner/project/actions/workflows/{file}/dispatches"
    assert call(github, "POST", path, github.token({"contents": "write"}), body)[0] == 403
    answer = call(github, "POST", path, github.token({"actions": "write"}), body)
    assert answer[0] == status, answer
    assert len(github.deliver()) == (status == 204)


def test_checks_decide_whether_a_pull_request_may_be_merged(github: GitHub, pull: PullRequest):
    token = github.token({"checks": "write"})
    assert not pull.mergeable_by_checks(["train"])
    for conclusion, mergeable in (("failure", False), ("success", True), ("cancelled", False), ("skipped", True)):
        check = {"name": "train", "head_sha": pull.head_sha, "conclusion": conclusion}
        assert call(github, "POST", "/repos/owner/project/check-runs", token, check)[0] == 201
        assert pull.mergeable_by_checks(["train"]) == mergeable
    shown = call(github, "GET", f"/repos/owner/project/commits/{pull.head_sha}/check-runs", token)[1]
    assert [check["conclusion"] for check in shown["check_runs"]] == ["skipped"]


def test_artifacts_are_lent_to_those_who_come_without_their_token(github: GitHub, repository: Repository):
    github.shelf(repository).artifacts.append(Artifact(5, "report", 3, {"report.md": b"# Report"}))
    token = github.token({"actions": "read"})
    listed = call(github, "GET", "/repos/owner/project/actions/runs/3/artifacts", token)[1]
    status, _, headers = call(github, "GET", listed["artifacts"][0]["archive_download_url"], token)
    assert status == 302
    assert call(github, "GET", headers["Location"], token)[0] == 400
    content = call(github, "GET", headers["Location"])[1]
    assert zipfile.ZipFile(io.BytesIO(content)).read("report.md") == b"# Report"


def git(folder: Path, *words: str, token: str = "", ok: bool = True) -> str:
    given = ["-c", f"http.extraheader=Authorization: Bearer {token}"] if token else []
    who = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    done = subprocess.run(
        ["git", *given, *who, *words], cwd=folder, env=clean(), text=True, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode == 0) == ok, done.stderr
    return done.stdout + done.stderr


def clone(github: GitHub, folder: Path, token: str) -> Path:
    git(folder, "clone", "--quiet", f"{github.url}/owner/project.git", "clone", token=token)
    return folder / "clone"


def change(folder: Path, path: str, content: str = "changed") -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "Change")


def test_clones_and_pushes_go_over_http_with_real_git(github: GitHub, repository: Repository, tmp_path: Path):
    token = github.token({"contents": "write"})
    folder = clone(github, tmp_path, token)
    change(folder, "big.txt", "".join(f"{number:x} line\n" for number in range(300_000)))
    git(folder, "push", "--quiet", "origin", "HEAD:refs/heads/new", token=token)
    assert repository.read("new", "big.txt").startswith("0 line")
    assert [run.file for run in github.deliver() if run.event.branch == "new"] == ["dispatched.yml"]


@pytest.mark.usefixtures("repository")
def test_a_clone_needs_a_token_that_may_read(github: GitHub, tmp_path: Path):
    url = f"{github.url}/owner/project"
    assert "could not read Username" in git(tmp_path, "clone", url, ok=False)
    refused = git(tmp_path, "clone", url, token=github.token({"actions": "read"}), ok=False)
    assert "not found" in refused


def test_a_push_needs_a_token_that_may_write(github: GitHub, repository: Repository, tmp_path: Path):
    token = github.token({"contents": "read"})
    folder = clone(github, tmp_path, token)
    change(folder, "new.txt")
    assert "403" in git(folder, "push", "origin", "HEAD:refs/heads/new", token=token, ok=False)
    assert not repository.find("refs/heads/new")


def test_a_protected_branch_takes_no_push(github: GitHub, repository: Repository, tmp_path: Path):
    repository.protected.add("main")
    token = github.token({"contents": "write"})
    folder = clone(github, tmp_path, token)
    change(folder, "new.txt")
    assert "GH013" in git(folder, "push", "origin", "HEAD:main", token=token, ok=False)
    git(folder, "push", "--quiet", "origin", "HEAD:other", token=token)


def started(github: GitHub) -> list[Event]:
    return [run.event for run in github.deliver(only=["started.yml"])]


def test_a_pull_request_from_a_fork_is_a_strangers(github: GitHub, repository: Repository):
    workflow = "on: pull_request\njobs: {job: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"
    github.push(repository, "main", {".github/workflows/started.yml": workflow})
    fork = github.create("stranger/project", fork_of="owner/project")
    github.push(fork, "gift", {"gift.txt": "for you"})
    github.open_pull_request(repository, "gift", fork=fork)
    (event,) = started(github)
    assert event.fork
    assert event.changed == ("gift.txt",)
    assert event.payload["pull_request"]["head"]["repo"]["full_name"] == "stranger/project"


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("{push: {branches: [main]}}", []),
        ("{push: {branches: ['feature/**', '!feature/x/**']}}", ["push"]),
        ("{push: {tags: ['v*']}}", []),
        ("{push: {paths: ['docs/**']}}", ["push"]),
        ("{push: {paths-ignore: ['**/*.md']}}", []),
        ("{pull_request: {branches: [main]}, push: }", ["push", "pull_request"]),
        ("{pull_request: {types: [closed]}}", []),
        ("{pull_request: {branches: [release]}}", []),
        ("[pull_request, merge_group]", ["pull_request"]),
    ],
)
def test_filters_decide_which_events_start_a_workflow(
    github: GitHub, repository: Repository, on: str, expected: list[str]
):
    workflow = f"on: {on}\njobs: {{job: {{runs-on: ubuntu-latest, steps: [{{run: 'true'}}]}}}}\n"
    github.push(repository, "main", {".github/workflows/started.yml": workflow})
    github.deliver(only=())
    github.push(repository, "feature/y", {"docs/guide.md": "# Guide"})
    github.open_pull_request(repository, "feature/y")
    assert [event.name for event in started(github)] == expected


def test_a_conflict_starts_nothing(github: GitHub, repository: Repository):
    workflow = "on: pull_request\njobs: {job: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"
    github.push(repository, "main", {"README.md": "hello others", ".github/workflows/started.yml": workflow})
    pull = github.open_pull_request(repository, "change")
    assert pull.merge_sha() is None
    assert started(github) == []


def test_a_persons_token_says_whose_it_is(github: GitHub):
    assert call(github, "GET", "/user", github.token({}))[1]["login"] == "author"
    assert call(github, "GET", "/user")[0] == 401


def test_people_comment_too(github: GitHub, pull: PullRequest):
    github.comment(pull, "Nice")
    assert pull.comments == ["Nice"]


def test_a_fault_of_the_local_github_fails_the_test(tmp_path: Path):
    github = GitHub(tmp_path / "github", routes=[Route("GET", "/fault", lambda request: request.github.none)])
    assert call(github, "GET", "/fault")[0] == 500
    with pytest.raises(AssertionError, match="AttributeError"):
        github.stop()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.event_name == 'push' && github.sha || github.ref", "refs/heads/main"),
        ("!(github.ref != 'refs/heads/main')", True),
        ("github.event.nothing.there || 'it''s'", "it's"),
    ],
)
def test_expressions_have_their_value(expression: str, value: object):
    contexts = {"github": {"event_name": "pull_request", "sha": "1a", "ref": "refs/heads/main", "event": {}}}
    assert evaluate(expression, contexts) == value


@pytest.mark.parametrize("expression", ["contains(github.ref, 'main')", "github.ref ==", "(github.ref", "a b"])
def test_an_expression_that_is_not_understood_has_no_value(expression: str):
    with pytest.raises(ValueError, match=re.escape(repr(expression))):
        evaluate(expression, {})


def test_routes_can_be_added(tmp_path: Path):
    def topics(request: Request) -> Response:
        request.needs("read", "administration")
        return Response(200, {"names": [request.repository.name]})

    github = GitHub(tmp_path / "github", routes=[Route("GET", REPO + "/topics", topics)])
    github.create("owner/project")
    assert call(github, "GET", "/repos/owner/project/topics", github.token({}))[0] == 403
    reader = github.token({"administration": "read"})
    assert call(github, "GET", "/repos/owner/project/topics", reader)[1] == {"names": ["owner/project"]}
    github.stop()
