"""A small GitHub on this machine for the tests: it keeps what it is told, and refuses what the real one refuses."""

# ruff: noqa: ARG001, ARG005 - every route is called in the same way

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from modelyard.github.api import Client

REPOSITORY = "acme/flights"
TOKEN = "a-secret-token"  # noqa: S105


class Refused(Exception):
    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.answer = (status, {"message": message}, headers or {})


@dataclass
class Asked:
    """A request, as the server got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


Answer = tuple[int, Any, dict[str, str]]


@dataclass
class GitHub:
    """What the server keeps. `scripted` answers go first, one for each request."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    scripted: list[Answer] = field(default_factory=list)
    repository: dict[str, Any] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    me: dict[str, Any] | None = None
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    dispatches: list[tuple[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    no_workflows: set[str] = field(default_factory=set)
    rulesets: dict[int, dict[str, Any]] = field(default_factory=dict)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    permissions: dict[str, Any] = field(default_factory=dict)
    selected: dict[str, Any] = field(default_factory=dict)
    workflow: dict[str, Any] = field(default_factory=dict)
    approval: str = "first_time_contributors"
    variables: dict[str, str] = field(default_factory=dict)
    organization_variables: dict[str, str] = field(default_factory=dict)
    runners: list[str] = field(default_factory=list)
    alerts: bool = False
    fixes: bool = False
    codeowners: list[dict[str, Any]] | None = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=lambda: {"v1.0.0"})
    releases: dict[int, dict[str, Any]] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    attestations: dict[str, list[str]] = field(default_factory=dict)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    happened: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repository = {
            "full_name": REPOSITORY,
            "owner": {"login": "acme", "type": "Organization"},
            "private": False,
            "visibility": "public",
            "default_branch": "main",
            "permissions": {"admin": True, "push": True, "pull": True},
            "allow_merge_commit": True,
            "security_and_analysis": {"secret_scanning": {"status": "disabled"}},
        }
        self.permissions = {"enabled": True, "allowed_actions": "all", "sha_pinning_required": False}
        self.workflow = {"default_workflow_permissions": "write", "can_approve_pull_request_reviews": False}
        self._number = 0

    def number(self) -> int:
        """A new id."""
        self._number += 1
        return self._number

    @property
    def written(self) -> list[str]:
        """The requests that change something."""
        return [f"{one.method} {one.path}" for one in self.asked if one.method != "GET"]

    def say(self, body: str, login: str = "github-actions[bot]", kind: str = "Bot") -> dict[str, Any]:
        """Add a comment."""
        number = self.number()
        url = f"https://github.example/{REPOSITORY}/pull/7#issuecomment-{number}"
        comment = {"id": number, "body": body, "user": {"login": login, "type": kind}, "html_url": url}
        self.comments.append(comment)
        return comment

    def private(self, plan: str, organisation: bool = True) -> None:
        """Make the repository private, on a plan."""
        self.repository |= {"private": True, "visibility": "private"}
        self.repository["owner"]["type"] = "Organization" if organisation else "User"
        account = {"login": "acme", "plan": {"name": plan}}
        if organisation:
            self.accounts["orgs/acme"] = account
        else:
            self.me = account
        self.rules_offered = plan != "free"

    rules_offered = True

    def answer(self, asked: Asked) -> Answer:
        """What is answered."""
        self.asked.append(asked)
        if self.scripted:
            return self.scripted.pop(0)
        if "authorization" not in asked.headers:
            raise Refused(404, "Not Found")
        if asked.headers["authorization"] != f"Bearer {TOKEN}":
            raise Refused(401, "Bad credentials")
        for (method, pattern), act in ROUTES.items():
            found = re.fullmatch(pattern, asked.path)
            if found and method == asked.method:
                return act(self, asked, *map(unquote, found.groups()))
        raise Refused(404, "Not Found")


def page(github: GitHub, asked: Asked, items: list[Any]) -> Answer:
    size, number = int(asked.query.get("per_page", 30)), int(asked.query.get("page", 1))
    chosen = items[(number - 1) * size : number * size]
    following = f'<{github.url}{asked.path}?per_page={size}&page={number + 1}>; rel="next"'
    return 200, chosen, {"Link": following} if number * size < len(items) else {}


def get_account(github: GitHub, asked: Asked, kind: str, name: str) -> Answer:
    if f"{kind}/{name}" not in github.accounts:
        raise Refused(404, "Not Found")
    return 200, github.accounts[f"{kind}/{name}"], {}


def get_me(github: GitHub, asked: Asked) -> Answer:
    if github.me is None:
        raise Refused(403, "Resource not accessible by integration")
    return 200, github.me, {}


def get_pull(github: GitHub, asked: Asked, number: str) -> Answer:
    if int(number) not in github.pulls:
        raise Refused(404, "Not Found")
    return 200, github.pulls[int(number)], {}


def list_pulls(github: GitHub, asked: Asked) -> Answer:
    wanted = asked.query.get("head")
    state = asked.query.get("state", "open")
    found = [pull for pull in github.pulls.values() if state in ("all", pull["state"])]
    return page(github, asked, [pull for pull in found if wanted in (None, pull["head"]["label"])])


def get_compared(github: GitHub, asked: Asked, base: str, head: str) -> Answer:
    return 200, {"merge_base_commit": {"sha": base}}, {}


def get_tree(github: GitHub, asked: Asked, commit: str) -> Answer:
    entries = [
        {"path": path, "mode": "100644", "type": "blob", "sha": sha}
        for path, sha in github.trees.get(commit, {}).items()
    ]
    folders = [{"path": ".github", "mode": "040000", "type": "tree", "sha": commit}]
    return 200, {"sha": commit, "tree": [*folders, *entries], "truncated": len(entries) > 100}, {}


def get_blob(github: GitHub, asked: Asked, sha: str) -> Answer:
    if sha not in github.blobs:
        raise Refused(404, "Not Found")
    return 200, {"encoding": "base64", "content": base64.encodebytes(github.blobs[sha].encode()).decode()}, {}


def get_permission(github: GitHub, asked: Asked, login: str) -> Answer:
    role = github.roles.get(login.lower())
    if role is None:
        raise Refused(404, f"{login} is not a user")
    return 200, {"role_name": role, "permission": {"maintain": "write", "triage": "read"}.get(role, role)}, {}


def list_runs(github: GitHub, asked: Asked, workflow: str) -> Answer:
    found = [run for run in github.runs if (run["path"], run["head_sha"]) == (workflow, asked.query["head_sha"])]
    return 200, {"total_count": len(found), "workflow_runs": found}, {}


def add_status(github: GitHub, asked: Asked, commit: str) -> Answer:
    if asked.body["state"] not in ("error", "failure", "pending", "success") or len(asked.body["description"]) > 140:
        raise Refused(422, "Validation Failed")
    github.statuses.append((commit, asked.body))
    return 201, asked.body, {}


def written_body(asked: Asked) -> str:
    if len(asked.body["body"]) > 65_536:
        raise Refused(422, "Validation Failed: body is too long (maximum is 65536 characters)")
    return asked.body["body"]


def add_comment(github: GitHub, asked: Asked, number: str) -> Answer:
    login = github.me["login"] if github.me else "github-actions[bot]"
    return 201, github.say(written_body(asked), login, "User" if github.me else "Bot"), {}


def own_comment(github: GitHub, number: str) -> dict[str, Any]:
    found = next((one for one in github.comments if one["id"] == int(number)), None)
    if found is None:
        raise Refused(404, "Not Found")
    if found["user"]["login"] != (github.me or {"login": "github-actions[bot]"})["login"]:
        raise Refused(403, "Resource not accessible by integration")
    return found


def change_comment(github: GitHub, asked: Asked, number: str) -> Answer:
    found = own_comment(github, number)
    found["body"] = written_body(asked)
    return 200, found, {}


def delete_comment(github: GitHub, asked: Asked, number: str) -> Answer:
    github.comments.remove(own_comment(github, number))
    return 204, None, {}


def dispatch_event(github: GitHub, asked: Asked) -> Answer:
    if not isinstance(asked.body, dict) or not asked.body.get("event_type"):
        raise Refused(422, "Invalid request: event_type wasn't supplied")
    payload = asked.body.get("client_payload", {})
    if len(payload) > 10 or len(json.dumps(payload)) > 65_535:
        raise Refused(422, "Validation Failed: client_payload is too large")
    github.events.append(asked.body)
    return 204, None, {}


def dispatch(github: GitHub, asked: Asked, workflow: str) -> Answer:
    if workflow in github.no_workflows:
        raise Refused(422, "Workflow does not have 'workflow_dispatch' trigger")
    github.dispatches.append((workflow, asked.body))
    return 204, None, {}


def change_repository(github: GitHub, asked: Asked) -> Answer:
    body = {key: value for key, value in asked.body.items() if key not in github.ignored}
    github.repository["security_and_analysis"] |= body.pop("security_and_analysis", {})
    github.repository |= body
    return 200, github.repository, {}


def switch(name: str, value: bool) -> Callable[[GitHub, Asked], Answer]:
    def act(github: GitHub, asked: Asked) -> Answer:
        setattr(github, name, value)
        return 204, None, {}

    return act


def get_alerts(github: GitHub, asked: Asked) -> Answer:
    if not github.alerts:
        raise Refused(404, "Vulnerability alerts are disabled.")
    return 204, None, {}


def set_permissions(github: GitHub, asked: Asked) -> Answer:
    github.permissions |= asked.body
    return 204, None, {}


def get_selected(github: GitHub, asked: Asked) -> Answer:
    if github.permissions["allowed_actions"] != "selected":
        raise Refused(409, "Selected actions are not allowed for this repository")
    return 200, github.selected, {}


def set_selected(github: GitHub, asked: Asked) -> Answer:
    get_selected(github, asked)
    github.selected = asked.body
    return 204, None, {}


def set_workflow(github: GitHub, asked: Asked) -> Answer:
    github.workflow = asked.body
    return 204, None, {}


def get_environment(github: GitHub, asked: Asked, name: str) -> Answer:
    if name not in github.environments:
        raise Refused(404, "Not Found")
    return 200, github.environments[name], {}


def set_environment(github: GitHub, asked: Asked, name: str) -> Answer:
    rules: list[dict[str, Any]] = []
    if "wait_timer" in asked.body:
        rules.append({"id": 1, "type": "wait_timer", "wait_timer": asked.body["wait_timer"]})
    if "reviewers" in asked.body:
        shown = [{"type": one["type"], "reviewer": {"id": one["id"]}} for one in asked.body["reviewers"]]
        alone = asked.body.get("prevent_self_review", False)
        rules.append({"id": 2, "type": "required_reviewers", "prevent_self_review": alone, "reviewers": shown})
    policy = asked.body.get("deployment_branch_policy")
    if policy:
        rules.append({"id": 3, "type": "branch_policy"})
    github.environments[name] = {"name": name, "protection_rules": rules, "deployment_branch_policy": policy}
    github.policies.setdefault(name, [])
    return 200, github.environments[name], {}


def get_policies(github: GitHub, asked: Asked, name: str) -> Answer:
    return 200, {"total_count": len(github.policies[name]), "branch_policies": github.policies[name]}, {}


def add_policy(github: GitHub, asked: Asked, name: str) -> Answer:
    if not (github.environments[name]["deployment_branch_policy"] or {}).get("custom_branch_policies"):
        raise Refused(404, "Not Found")
    github.policies[name].append({"id": github.number(), **asked.body})
    return 200, github.policies[name][-1], {}


def delete_policy(github: GitHub, asked: Asked, name: str, number: str) -> Answer:
    github.policies[name] = [one for one in github.policies[name] if one["id"] != int(number)]
    return 204, None, {}


def offered(github: GitHub) -> None:
    if not github.rules_offered:
        raise Refused(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.")


def list_rulesets(github: GitHub, asked: Asked) -> Answer:
    offered(github)
    keys = ("id", "name", "target", "source_type", "enforcement")
    return page(github, asked, [{key: one[key] for key in keys} for one in github.rulesets.values()])


def get_ruleset(github: GitHub, asked: Asked, number: str) -> Answer:
    offered(github)
    return 200, github.rulesets[int(number)], {}


def set_ruleset(github: GitHub, asked: Asked, number: str = "") -> Answer:
    offered(github)
    if not number and any(one["name"] == asked.body["name"] for one in github.rulesets.values()):
        raise Refused(422, "Name must be unique")
    key = int(number) if number else github.number()
    rules = [dict(rule) for rule in reversed(asked.body["rules"])]
    for rule in rules:  # what the real one adds of itself
        if rule["type"] == "pull_request":
            rule["parameters"] = rule["parameters"] | {"required_reviewers": []}
    extra = {"id": key, "source_type": "Repository", "source": REPOSITORY, "node_id": "RRS_x", "_links": {}}
    github.rulesets[key] = asked.body | extra | {"rules": rules, "created_at": "2026-11-01T00:00:00Z"}
    return (200 if number else 201), github.rulesets[key], {}


def get_approval(github: GitHub, asked: Asked) -> Answer:
    return 200, {"approval_policy": github.approval}, {}


def set_approval(github: GitHub, asked: Asked) -> Answer:
    if github.repository["private"]:
        raise Refused(422, "Fork PR approval is not allowed for private repositories.")
    github.approval = asked.body["approval_policy"]
    return 204, None, {}


def get_variable(github: GitHub, asked: Asked, name: str) -> Answer:
    if name not in github.variables:
        raise Refused(404, "Not Found")
    return 200, {"name": name, "value": github.variables[name]}, {}


def list_organization_variables(github: GitHub, asked: Asked) -> Answer:
    found = [{"name": name, "value": value} for name, value in github.organization_variables.items()]
    return 200, {"total_count": len(found), "variables": found}, {}


def list_runners(github: GitHub, asked: Asked) -> Answer:
    found = [{"id": number, "name": name, "labels": []} for number, name in enumerate(github.runners)]
    return 200, {"total_count": len(found), "runners": found}, {}


def get_codeowners(github: GitHub, asked: Asked) -> Answer:
    if github.codeowners is None:
        raise Refused(404, "Not Found")
    return 200, {"errors": github.codeowners}, {}


def list_releases(github: GitHub, asked: Asked) -> Answer:
    return page(github, asked, [*reversed(github.releases.values())])


def get_tag(github: GitHub, asked: Asked, tag: str) -> Answer:
    if tag not in github.tags:
        raise Refused(404, "Not Found")
    return 200, {"ref": f"refs/tags/{tag}"}, {}


def set_release(github: GitHub, asked: Asked, number: str = "") -> Answer:
    known = int(number) if number else github.number()
    address = f"{github.url}/repos/{REPOSITORY}/releases/{known}"
    new = {"id": known, "assets": [], "upload_url": f"{address}/assets{{?name,label}}", "html_url": address}
    release = github.releases.setdefault(known, new)
    release |= {key: value for key, value in asked.body.items() if key != "make_latest"}
    return 200 if number else 201, release, {}


def add_asset(github: GitHub, asked: Asked, number: str) -> Answer:
    assets, name = github.releases[int(number)]["assets"], asked.query["name"]
    if any(one["name"] == name for one in assets):
        raise Refused(422, "Validation Failed")
    digest = f"sha256:{hashlib.sha256(asked.body).hexdigest()}"
    asset = {"id": github.number(), "name": name, "size": len(asked.body), "state": "uploaded", "digest": digest}
    assets.append(asset)
    github.contents[asset["id"]] = asked.body
    return 201, asset, {}


def get_asset(github: GitHub, asked: Asked, number: str) -> Answer:
    if asked.headers["accept"] != "application/octet-stream":
        raise Refused(415, "Unsupported Media Type")  # the real one would describe the file
    return 200, github.contents[int(number)], {}


def get_release(github: GitHub, asked: Asked, tag: str) -> Answer:
    for release in github.releases.values():
        if release["tag_name"] == tag and not release.get("draft"):
            return 200, release, {}
    raise Refused(404, "Not Found")


def get_attestations(github: GitHub, asked: Asked, digest: str) -> Answer:
    if digest not in github.attestations:
        raise Refused(404, "Not Found")
    return 200, {"attestations": [{"identity": one} for one in github.attestations[digest]]}, {}


def delete_asset(github: GitHub, asked: Asked, number: str) -> Answer:
    for release in github.releases.values():
        release["assets"] = [one for one in release["assets"] if one["id"] != int(number)]
    return 204, None, {}


def list_issues(github: GitHub, asked: Asked) -> Answer:
    newest = sorted(github.issues, key=lambda one: one["number"], reverse=asked.query.get("direction") != "asc")
    state = asked.query.get("state", "open")
    return page(github, asked, [one for one in newest if state in ("all", one["state"])])


def add_issue(github: GitHub, asked: Asked) -> Answer:
    number = github.number()
    address = f"https://github.example/{REPOSITORY}/issues/{number}"
    known = {"number": number, "html_url": address, "state": "open", "created_at": "2026-03-16T05:23:00Z"}
    issue = {**asked.body, **known, "user": {"login": "github-actions[bot]", "type": "Bot"}}
    github.issues.append(issue)
    return 201, issue, {}


def list_artifacts(github: GitHub, asked: Asked) -> Answer:
    shown = [{key: value for key, value in one.items() if key != "content"} for one in github.artifacts]
    return 200, {"total_count": len(shown), "artifacts": shown}, {}


def get_zip(github: GitHub, asked: Asked, number: str) -> Answer:
    if asked.headers["accept"] == "application/octet-stream":
        raise Refused(415, "Unsupported Media Type")
    place = {"Location": f"{github.url}/blobs/{number}"}
    return 302, None, place


def get_content(github: GitHub, asked: Asked, number: str) -> Answer:
    return 200, next(one["content"] for one in github.artifacts if one["id"] == int(number)), {}


R = f"/repos/{REPOSITORY}"
ROUTES: dict[tuple[str, str], Callable[..., Answer]] = {
    ("GET", "/user"): get_me,
    ("GET", r"/(orgs|users)/([\w-]+)"): get_account,
    ("GET", r"/(orgs)/(acme/teams/[\w-]+)"): get_account,
    ("GET", R): lambda github, asked: (200, github.repository, {}),
    ("PATCH", R): change_repository,
    ("GET", rf"{R}/pulls/(\d+)"): get_pull,
    ("GET", rf"{R}/pulls"): list_pulls,
    ("GET", rf"{R}/pulls/\d+/reviews"): lambda github, asked: page(github, asked, github.reviews),
    ("GET", rf"{R}/compare/(\w+)\.\.\.(\w+)"): get_compared,
    ("GET", rf"{R}/git/trees/(\w+)"): get_tree,
    ("GET", rf"{R}/git/blobs/(\w+)"): get_blob,
    ("GET", rf"{R}/collaborators/([\w-]+)/permission"): get_permission,
    ("GET", rf"{R}/actions/workflows/([\w.]+)/runs"): list_runs,
    ("POST", rf"{R}/statuses/(\w+)"): add_status,
    ("GET", rf"{R}/issues/\d+/events"): lambda github, asked: page(github, asked, github.happened),
    ("GET", rf"{R}/issues/\d+/comments"): lambda github, asked: page(github, asked, github.comments),
    ("POST", rf"{R}/issues/(\d+)/comments"): add_comment,
    ("PATCH", rf"{R}/issues/comments/(\d+)"): change_comment,
    ("DELETE", rf"{R}/issues/comments/(\d+)"): delete_comment,
    ("POST", rf"{R}/actions/workflows/([\w.]+)/dispatches"): dispatch,
    ("POST", f"{R}/dispatches"): dispatch_event,
    ("GET", f"{R}/issues"): list_issues,
    ("POST", f"{R}/issues"): add_issue,
    ("GET", f"{R}/labels/incident"): lambda github, asked: (200, {"name": "incident"}, {}),
    ("GET", f"{R}/actions/artifacts"): list_artifacts,
    ("GET", rf"{R}/actions/artifacts/(\d+)/zip"): get_zip,
    ("GET", r"/blobs/(\d+)"): get_content,
    ("GET", f"{R}/vulnerability-alerts"): get_alerts,
    ("PUT", f"{R}/vulnerability-alerts"): switch("alerts", True),
    ("DELETE", f"{R}/vulnerability-alerts"): switch("alerts", False),
    ("GET", f"{R}/automated-security-fixes"): lambda github, asked: (200, {"enabled": github.fixes}, {}),
    ("PUT", f"{R}/automated-security-fixes"): switch("fixes", True),
    ("GET", f"{R}/actions/permissions"): lambda github, asked: (200, github.permissions, {}),
    ("PUT", f"{R}/actions/permissions"): set_permissions,
    ("GET", f"{R}/actions/permissions/selected-actions"): get_selected,
    ("PUT", f"{R}/actions/permissions/selected-actions"): set_selected,
    ("GET", f"{R}/actions/permissions/workflow"): lambda github, asked: (200, github.workflow, {}),
    ("PUT", f"{R}/actions/permissions/workflow"): set_workflow,
    ("GET", f"{R}/actions/permissions/fork-pr-contributor-approval"): get_approval,
    ("PUT", f"{R}/actions/permissions/fork-pr-contributor-approval"): set_approval,
    ("GET", f"{R}/actions/runners"): list_runners,
    ("GET", rf"{R}/actions/variables/(\w+)"): get_variable,
    ("GET", f"{R}/actions/organization-variables"): list_organization_variables,
    ("GET", rf"{R}/environments/([^/]+)"): get_environment,
    ("PUT", rf"{R}/environments/([^/]+)"): set_environment,
    ("GET", rf"{R}/environments/([^/]+)/deployment-branch-policies"): get_policies,
    ("POST", rf"{R}/environments/([^/]+)/deployment-branch-policies"): add_policy,
    ("DELETE", rf"{R}/environments/([^/]+)/deployment-branch-policies/(\d+)"): delete_policy,
    ("GET", f"{R}/rulesets"): list_rulesets,
    ("POST", f"{R}/rulesets"): set_ruleset,
    ("GET", rf"{R}/rulesets/(\d+)"): get_ruleset,
    ("PUT", rf"{R}/rulesets/(\d+)"): set_ruleset,
    ("GET", f"{R}/codeowners/errors"): get_codeowners,
    ("GET", f"{R}/releases"): list_releases,
    ("POST", f"{R}/releases"): set_release,
    ("PATCH", rf"{R}/releases/(\d+)"): set_release,
    ("POST", rf"{R}/releases/(\d+)/assets"): add_asset,
    ("DELETE", rf"{R}/releases/assets/(\d+)"): delete_asset,
    ("GET", rf"{R}/releases/assets/(\d+)"): get_asset,
    ("GET", rf"{R}/releases/tags/([^/]+)"): get_release,
    ("GET", rf"{R}/attestations/(sha256:[0-9a-f]{{64}})"): get_attestations,
    ("GET", rf"{R}/git/ref/tags/([^/]+)"): get_tag,
}


def serve(github: GitHub) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            text = self.rfile.read(int(headers.get("content-length", 0)))
            binary = headers.get("content-type") == "application/octet-stream"
            body = text if binary or not text else json.loads(text)
            asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body or None)
            try:
                status, body, more = github.answer(asked)
            except Refused as refused:
                status, body, more = refused.answer
            data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json; charset=utf-8", **more}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@contextmanager
def running(patch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A GitHub of one repository, which the environment points to with a token."""
    kept = GitHub()
    server = serve(kept)
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    for name in ("GITHUB_SERVER_URL", "GH_TOKEN", "GITHUB_OUTPUT", "GITHUB_RUN_ID", "HEAD_SHA", "CML"):
        patch.delenv(name, raising=False)
    patch.setenv("GITHUB_API_URL", kept.url)
    patch.setenv("GITHUB_TOKEN", TOKEN)
    patch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """The same for one test."""
    with running(monkeypatch) as kept:
        yield kept


@pytest.fixture
def client(github: GitHub) -> Client:
    """A client of it that does not wait between attempts."""
    return Client(github.url, TOKEN, pause=0)
