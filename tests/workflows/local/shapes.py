"""Objects as the REST API and the events' payloads show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .github import GitHub
    from .repositories import Repository
    from .runs import Run
    from .state import Artifact, Check, Comment, Issue, PullRequest


def repository(github: GitHub, shown: Repository) -> dict[str, Any]:
    """A repository."""
    return {
        "id": shown.id,
        "name": shown.name.partition("/")[2],
        "full_name": shown.name,
        "owner": {"login": shown.owner},
        "private": shown.private,
        "visibility": "private" if shown.private else "public",
        "fork": shown.fork_of is not None,
        "default_branch": shown.default_branch,
        "html_url": f"{github.url}/{shown.name}",
        "clone_url": f"{github.url}/{shown.name}.git",
        "url": f"{github.url}/repos/{shown.name}",
    }


def pull(github: GitHub, shown: PullRequest) -> dict[str, Any]:
    """A pull request."""
    name = shown.repository.name
    return {
        "id": shown.number,
        "node_id": f"PR_{shown.number}",
        "number": shown.number,
        "state": shown.state,
        "draft": False,
        "merged": shown.merged,
        "merged_at": "2030-01-01T00:00:00Z" if shown.merged else None,
        "title": shown.title,
        "body": shown.body,
        "user": _user(shown.author),
        "labels": [{"name": name} for name in shown.labels],
        "head": {
            "ref": shown.branch,
            "sha": shown.head_sha,
            "label": f"{shown.head.owner}:{shown.branch}",
            "repo": repository(github, shown.head),
            "user": {"login": shown.head.owner},
        },
        "base": {
            "ref": shown.base,
            "sha": shown.base_sha,
            "label": f"{shown.repository.owner}:{shown.base}",
            "repo": repository(github, shown.repository),
            "user": {"login": shown.repository.owner},
        },
        "html_url": f"{github.url}/{name}/pull/{shown.number}",
        "url": f"{github.url}/repos/{name}/pulls/{shown.number}",
        "issue_url": f"{github.url}/repos/{name}/issues/{shown.number}",
    }


def issue(github: GitHub, where: Repository, shown: Issue) -> dict[str, Any]:
    """An issue."""
    return {
        "id": shown.number,
        "number": shown.number,
        "state": shown.state,
        "state_reason": shown.state_reason,
        "title": shown.title,
        "body": shown.body,
        "user": _user(shown.author),
        "labels": [{"name": name} for name in shown.labels],
        "html_url": f"{github.url}/{where.name}/issues/{shown.number}",
        "url": f"{github.url}/repos/{where.name}/issues/{shown.number}",
    }


def comment(github: GitHub, where: Repository, shown: Comment) -> dict[str, Any]:
    """A comment."""
    return {
        "id": shown.id,
        "body": shown.body,
        "user": _user(shown.author),
        "html_url": f"{github.url}/{where.name}/pull/{shown.number}#issuecomment-{shown.id}",
        "issue_url": f"{github.url}/repos/{where.name}/issues/{shown.number}",
        "url": f"{github.url}/repos/{where.name}/issues/comments/{shown.id}",
    }


def run(github: GitHub, shown: Run) -> dict[str, Any]:
    """A run of a workflow; pull requests from forks are not named, as on GitHub."""
    event = shown.event
    head = event.head or event.repository
    pulls = [
        {
            "number": pull.number,
            "head": {"ref": pull.branch, "sha": pull.head_sha},
            "base": {"ref": pull.base, "sha": pull.base_sha},
        }
        for pull in github.pulls(event.repository)
        if pull.head_sha == event.head_sha and pull.state == "open" and not pull.fork
    ]
    return {
        "id": shown.id,
        "name": shown.workflow.name,
        "path": shown.workflow.path,
        "run_number": shown.number,
        "run_attempt": 1,
        "created_at": shown.created_at,
        "event": event.name,
        "status": shown.status,
        "conclusion": shown.conclusion,
        "head_branch": event.branch,
        "head_sha": event.head_sha,
        "head_commit": {"id": event.head_sha, "message": event.repository.log(event.head_sha)},
        "head_repository": repository(github, head),
        "repository": repository(github, event.repository),
        "pull_requests": pulls,
        "actor": {"login": event.actor},
        "triggering_actor": {"login": event.actor},
        "html_url": f"{github.url}/{event.repository.name}/actions/runs/{shown.id}",
        "url": f"{github.url}/repos/{event.repository.name}/actions/runs/{shown.id}",
    }


def check(shown: Check) -> dict[str, Any]:
    """A check run."""
    return {
        "id": shown.id,
        "head_sha": shown.sha,
        "name": shown.name,
        "status": shown.status,
        "conclusion": shown.conclusion,
    }


def artifact(github: GitHub, where: Repository, shown: Artifact) -> dict[str, Any]:
    """An artifact."""
    return {
        "id": shown.id,
        "name": shown.name,
        "size_in_bytes": sum(map(len, shown.files.values())),
        "expired": False,
        "workflow_run": {"id": shown.run},
        "archive_download_url": f"{github.url}/repos/{where.name}/actions/artifacts/{shown.id}/zip",
    }


def _user(login: str) -> dict[str, str]:
    return {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"}
