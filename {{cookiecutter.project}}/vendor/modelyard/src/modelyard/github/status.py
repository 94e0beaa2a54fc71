"""Post the check `model`, which main requires, on the head of a pull request.

Runs main's code after train.yml, and after each review. A pull request runs its own train.yml, so a job of that cannot
be what main requires: here the check passes if train.yml did, for this pull request into main, and if an owner has
approved what the pull request changes of what judges it. After a review, the comment's first lines follow.

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
from .comment import open_anew
from .untrusted import SHA

CONTEXT = "model"
WORKFLOW = "train.yml"
OF_CHANGES = ("pull_request", "workflow_dispatch", "merge_group")
REVIEW = "pull_request_review"
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
    """Post the check on each open pull request into the default branch from this head. Returns what was done.

    root: the checkout of main. Raises GitHubError.
    """
    if head.event == "merge_group":
        return [_posted(github, repository, head.sha, judged(github, repository, head.sha))]
    default = github.request("GET", f"/repos/{repository}")["default_branch"]
    known = list(_pulls(github, repository, head))
    pulls = [pull for pull in known if pull["state"] == "open" and pull["base"]["ref"] == default]
    if not pulls:
        return [f"no open pull request comes from {head.repository} {head.branch}; nothing is posted"]
    _, rules = read_rules(root)
    done = []
    for pull in pulls:
        sha = pull["head"]["sha"]
        status = judged(github, repository, sha, pull)
        elsewhere = [one["base"]["ref"] for one in known if one["head"]["sha"] == sha and one["base"]["ref"] != default]
        if elsewhere:  # its train.yml was that of the branch that it goes into
            status = Status("failure", f"this commit was judged for {elsewhere[0]} too: push one more")
        waiting = unapproved_files(github, repository, pull, rules)
        if head.event == REVIEW:
            open_anew(github, repository, pull, status.state, waiting)
        if waiting:
            status = Status("failure", f"an owner must review {told(waiting)}", pull.get("html_url"))
        done.append(f"pull request {pull['number']}: {_posted(github, repository, sha, status)}")
    return done


def judged(github: Client, repository: str, sha: str, pull: Mapping[str, Any] | None = None) -> Status:
    """How the last run of train.yml for a commit ended: for a pull request, of its branch since it goes into main."""
    answer = github.request("GET", f"/repos/{repository}/actions/workflows/{WORKFLOW}/runs?head_sha={sha}&per_page=100")
    runs = [run for run in answer["workflow_runs"] if run["event"] in OF_CHANGES and run["head_sha"] == sha]
    if pull is not None:
        moved = _moved(github, repository, pull["number"])
        source = (pull["head"]["ref"], pull["head"]["repo"]["full_name"])
        runs = [one for one in runs if (one["head_branch"], one["head_repository"]["full_name"]) == source]
        runs = [one for one in runs if one["created_at"] > moved]
        if moved and not runs:
            return Status("failure", "the branch that it goes into was changed since: push one more commit")
    if not runs:
        return Status("pending", f"{WORKFLOW} has not run for this commit")
    run = max(runs, key=lambda one: (one["run_number"], one["run_attempt"]))
    if run["status"] != "completed":
        return Status("pending", f"{WORKFLOW} is running", run["html_url"])
    if run["conclusion"] == "success":
        return Status("success", f"{WORKFLOW} passed", run["html_url"])
    why = "failed: see the comment, or this run" if run["conclusion"] == "failure" else f"ended: {run['conclusion']}"
    return Status("failure", f"{WORKFLOW} {why}", run["html_url"])


def _moved(github: Client, repository: str, number: int) -> str:
    """When a pull request was last made to go into another branch; empty if never."""
    events = github.pages(f"/repos/{repository}/issues/{number}/events")
    return max((one["created_at"] for one in events if one["event"] == "base_ref_changed"), default="")


def _pulls(github: Client, repository: str, head: Head) -> Iterator[Mapping[str, Any]]:
    owner = head.repository.partition("/")[0]
    for pull in github.pages(f"/repos/{repository}/pulls?state=all&head={owner}:{quote(head.branch)}"):
        source = (pull["head"]["repo"] or {}).get("full_name", "")
        if source.lower() == head.repository.lower():
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
