"""Commit a new dvc.lock, with what the pipeline wrote beside it, to the branch of a pull request.

Runs main's code beside a checkout of the branch, and executes nothing of that branch. The patch was made by the pull
request's own run, so it may change the outputs of the pipeline and nothing else. Then the checks are started on the new
head, because a push with the token of a workflow starts none.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..git import git, try_git
from .api import Client, GitHubError, checked_repository, client
from .patch import OUTPUTS, commit, is_staged, push_command, stage, tip
from .untrusted import SHA

# Dependabot leaves a branch with others' commits alone, but for those that say this: it may rebase over them
DEPENDABOT = ("dependabot/", " [dependabot skip]")
WORKFLOWS = {"ci.yml": False, "train.yml": True}  # whether it has the input `pull_request`


def relock(
    github: Client, repository: str, checkout: Path, patch: Path, branch: str, head: str, number: int | None
) -> str:
    """Commit a patch to a branch that is still at `head`, push it and start the checks. Returns one line on that."""
    check_branch(github, repository, checkout, branch)
    at = git(checkout, "rev-parse", "HEAD").strip()
    if at != head:
        raise GitHubError(f"{checkout} is at {at}, the run was of {head}; nothing is pushed")
    moved = f"{branch} is no longer at {head}; the run of its new head does this"
    if tip(checkout, branch, github.token) != head:
        return moved
    stage(checkout, patch, OUTPUTS)
    if not is_staged(checkout):
        return "the patch changes nothing; nothing is pushed"
    theirs, skip = DEPENDABOT
    made = commit(checkout, repository, head, f"Update dvc.lock{skip if branch.startswith(theirs) else ''}")
    pushed = try_git(checkout, *push_command(branch), token=github.token)
    if pushed.returncode and tip(checkout, branch, github.token) != head:
        return moved
    if pushed.returncode:
        raise GitHubError(f"git push to {branch} was refused: {' '.join(pushed.stderr.split())[-400:]}")
    start_checks(github, repository, branch, number, "the lock is pushed")
    return f"{branch} is at {made} now, and its checks are started"


def check_branch(github: Client, repository: str, checkout: Path, branch: str) -> None:
    """Raise GitHubError unless this is the name of a branch that may be pushed to: any but the default."""
    named = "" if branch.startswith("-") else try_git(checkout, "check-ref-format", "--branch", branch).stdout.strip()
    if named != branch or not branch or branch.startswith("refs/"):
        raise GitHubError(f"{branch!r} is no name of a branch; nothing is pushed")
    default = github.request("GET", f"/repos/{repository}")["default_branch"]
    if branch in ("main", default):
        raise GitHubError(f"{branch} changes by pull request only; nothing is pushed")


def start_checks(github: Client, repository: str, branch: str, number: int | None, done: str) -> None:
    """Start the checks on a branch, which a push with a workflow's token does not do. done: for an error."""
    for workflow, takes_number in WORKFLOWS.items():
        inputs = {"inputs": {"pull_request": str(number)}} if takes_number and number else {}
        path = f"/repos/{repository}/actions/workflows/{workflow}/dispatches"
        try:
            github.make(path, {"ref": branch, **inputs}, lambda: None)  # twice is as good as once
        except GitHubError as error:
            by_hand = f"gh workflow run {workflow} --ref {branch}"
            raise GitHubError(f"{done}, but {error}; run `{by_hand}`", error.status) from None


def has_checks(github: Client, repository: str, head: str) -> bool:
    """Whether any workflow ran for a commit."""
    return bool(github.request("GET", f"/repos/{repository}/actions/runs?head_sha={head}")["total_count"])


def main(arguments: list[str] | None = None) -> None:
    """The verb `relock`."""
    parser = argparse.ArgumentParser(prog="relock", description=__doc__)
    parser.add_argument("--patch", type=Path, required=True, metavar="FILE", help="as `git diff` writes it")
    parser.add_argument("--branch", required=True, metavar="NAME")
    parser.add_argument("--head", required=True, metavar="SHA", help="the commit that the patch is for")
    parser.add_argument("--checkout", type=Path, default=Path(), metavar="FOLDER", help="the branch, checked out")
    parser.add_argument("--pull-request", type=int, metavar="N")
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    options = parser.parse_args(arguments)
    if not SHA.fullmatch(options.head):
        raise GitHubError(f"--head is {options.head!r}: the full hash of a commit is needed")
    repository = checked_repository(options.repository)
    print(
        relock(
            client(), repository, options.checkout, options.patch, options.branch, options.head, options.pull_request
        )
    )
