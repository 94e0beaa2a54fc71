"""Post the check `model`, which main requires, on the head of a pull request.

Runs main's code after train.yml, and after each review. A pull request runs its own train.yml, so a job of that cannot
be what main requires: here the check passes if train.yml did, and if an owner has approved what the pull request
changes of what judges it.

Reads EVENT, HEAD_SHA, HEAD_REPOSITORY and HEAD_BRANCH of the run before it from the environment.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .api import Client, GitHubError, checked_repository, client
from .approval import told, unapproved_files
from .codeowners import read_rules
from .untrusted import SHA

CONTEXT = "model"
WORKFLOW = "train.yml"
OF_CHANGES = ("pull_request", "workflow_dispatch", "merge_group")
LONGEST = 140  # characters of a status's description


@dataclass(frozen=True)
class Status:
    """What is posted: a state of GitHub's, why in a few words, and the run that it is about."""

    state: str
    why: str
    url: str | None = None


@dataclass(frozen=True)
class Head:
    """Where the run before this one was: its event, commit, repository and branch."""

    event: str
    sha: str
    repository: str
    branch: str


def post(github: Client, repository: str, head: Head, root: Path) -> list[str]:
    """Post the check on each open pull request into the default branch that has this head. Returns what was done.

    root: the checkout of main. Raises GitHubError.
    """
    if head.event == "merge_group":
        return [_posted(github, repository, head.sha, judged(github, repository, head.sha))]
    pulls = list(_pulls(github, repository, head))
    if not pulls:
        return [f"no open pull request comes from {head.repository} {head.branch}; nothing is posted"]
    _, rules = read_rules(root)
    done = []
    for pull in pulls:
        sha = pull["head"]["sha"]
        status = judged(github, repository, sha)
        if waiting := unapproved_files(github, repository, pull, rules):
            status = Status("failure", f"must be approved by {told(waiting)}", pull.get("html_url"))
        done.append(f"pull request {pull['number']}: {_posted(github, repository, sha, status)}")
    return done


def judged(github: Client, repository: str, sha: str) -> Status:
    """How the last run of train.yml for a commit ended."""
    answer = github.request("GET", f"/repos/{repository}/actions/workflows/{WORKFLOW}/runs?head_sha={sha}&per_page=100")
    runs = [run for run in answer["workflow_runs"] if run["event"] in OF_CHANGES and run["head_sha"] == sha]
    if not runs:
        return Status("pending", f"{WORKFLOW} has not run for this commit")
    run = max(runs, key=lambda one: (one["run_number"], one["run_attempt"]))
    if run["status"] != "completed":
        return Status("pending", f"{WORKFLOW} is running", run["html_url"])
    passed = run["conclusion"] == "success"
    return Status("success" if passed else "failure", f"{WORKFLOW} ended with {run['conclusion']}", run["html_url"])


def _pulls(github: Client, repository: str, head: Head) -> Iterator[Mapping[str, Any]]:
    default = github.request("GET", f"/repos/{repository}")["default_branch"]
    owner = head.repository.partition("/")[0]
    for pull in github.pages(f"/repos/{repository}/pulls?state=open&head={owner}:{quote(head.branch)}"):
        source = (pull["head"]["repo"] or {}).get("full_name", "")
        if source.lower() == head.repository.lower() and pull["base"]["ref"] == default:
            yield pull


def _posted(github: Client, repository: str, sha: str, status: Status) -> str:
    why = status.why if len(status.why) <= LONGEST else f"{status.why[: LONGEST - 1]}…"
    body = {"context": CONTEXT, "state": status.state, "description": why}
    github.request(
        "POST", f"/repos/{repository}/statuses/{sha}", body | ({"target_url": status.url} if status.url else {})
    )
    return f"{CONTEXT} of {sha[:7]} is {status.state}: {status.why}"


def main(arguments: list[str] | None = None) -> None:
    """The verb `status`."""
    parser = argparse.ArgumentParser(
        prog="status", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    options = parser.parse_args(arguments)
    event, sha, branch = (os.environ.get(name, "") for name in ("EVENT", "HEAD_SHA", "HEAD_BRANCH"))
    if not SHA.fullmatch(sha):
        raise GitHubError(f"HEAD_SHA is {sha!r}: the commit of the run is needed")
    head = Head(event, sha, checked_repository(os.environ.get("HEAD_REPOSITORY", "")), branch)
    print("\n".join(post(client(), checked_repository(options.repository), head, Path())))
