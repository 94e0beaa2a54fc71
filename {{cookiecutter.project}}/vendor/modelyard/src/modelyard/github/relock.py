"""Commit a new dvc.lock, with what the pipeline wrote beside it, to the branch of a pull request.

Runs main's code beside a checkout of the branch, and executes nothing of that branch. The patch was made by the pull
request's own run, so it may change the outputs of the pipeline and nothing else. Then the checks are started on the new
head, because a push with the token of a workflow starts none.
"""

from __future__ import annotations

import argparse
import os
import stat
from pathlib import Path

from ..git import git, try_git
from .api import Client, GitHubError, checked_repository, client
from .untrusted import SHA

# Files that dvc repro writes and Git tracks
OUTPUTS = {
    "dvc.lock",
    "data/ledger.json",
    "evaluation/calibration.csv",
    "evaluation/importance.csv",
    "evaluation/metrics.json",
    "evaluation/slices.csv",
    "model/environment.json",
    "model/reference.json",
    "model/training.json",
}
LARGEST = 5_000_000  # bytes of the patch
BOT = "github-actions[bot]"
EMAIL = f"41898282+{BOT}@users.noreply.github.com"
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
    if _tip(checkout, branch, github.token) != head:
        return moved
    _stage(checkout, patch)
    if not git(checkout, "diff", "--cached", "--name-only", "HEAD"):
        return "the patch changes nothing; nothing is pushed"
    _commit(checkout, repository, head)
    pushed = try_git(checkout, *_push(branch), token=github.token)
    if pushed.returncode and _tip(checkout, branch, github.token) != head:
        return moved
    if pushed.returncode:
        raise GitHubError(f"git push to {branch} was refused: {' '.join(pushed.stderr.split())[-400:]}")
    _start(github, repository, branch, number)
    return f"{branch} is at {git(checkout, 'rev-parse', 'HEAD').strip()} now, and its checks are started"


def check_branch(github: Client, repository: str, checkout: Path, branch: str) -> None:
    """Raise GitHubError unless this is the name of a branch that may be pushed to: any but the default."""
    named = "" if branch.startswith("-") else try_git(checkout, "check-ref-format", "--branch", branch).stdout.strip()
    if named != branch or not branch or branch.startswith("refs/"):
        raise GitHubError(f"{branch!r} is no name of a branch; nothing is pushed")
    default = github.request("GET", f"/repos/{repository}")["default_branch"]
    if branch in ("main", default):
        raise GitHubError(f"{branch} changes by pull request only; nothing is pushed")


def _tip(checkout: Path, branch: str, token: str | None) -> str:
    """The commit that a branch is at on the remote; empty if the branch is gone."""
    return git(checkout, "ls-remote", "origin", f"refs/heads/{branch}", token=token).partition("\t")[0]


def _stage(checkout: Path, patch: Path) -> None:
    """Apply the patch to the index only, and check the changes as Git has read them."""
    try:
        kind = os.lstat(patch)
    except OSError as failure:
        raise GitHubError(f"{patch} cannot be read: {failure.strerror}; nothing is pushed") from None
    if not stat.S_ISREG(kind.st_mode):
        raise GitHubError(f"{patch} is no regular file; nothing is pushed")
    if kind.st_size > LARGEST:
        raise GitHubError(f"{patch} has {kind.st_size} bytes, more than {LARGEST}; nothing is pushed")
    if b"GIT binary patch" in patch.read_bytes():
        raise GitHubError(f"{patch} changes a binary file, which no output in Git is; nothing is pushed")
    if kind.st_size == 0:
        return
    git(checkout, "apply", "--cached", "--whitespace=nowarn", str(patch.absolute()))
    fields = git(checkout, "diff", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", "HEAD").split("\0")
    for change, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode = change.lstrip(":").split()[:2]
        if path not in OUTPUTS:
            raise GitHubError(f"the patch changes {path}, which is no output of the pipeline; nothing is pushed")
        if new_mode != "100644" or old_mode not in ("000000", "100644"):
            raise GitHubError(f"the patch makes {path} of mode {old_mode} one of {new_mode}; nothing is pushed")


def _commit(checkout: Path, repository: str, head: str) -> None:
    server, run = os.environ.get("GITHUB_SERVER_URL", "https://github.com"), os.environ.get("GITHUB_RUN_ID", "")
    where = f"{server}/{repository}/actions/runs/{run}" if run else f"a run in {repository}"
    message = f"Update dvc.lock\n\nMade by {where}\nfrom {head}.\n"
    identity = ["-c", f"user.name={BOT}", "-c", f"user.email={EMAIL}"]
    git(checkout, *identity, "commit", "--quiet", "--no-verify", "--file=-", text=message)


def _push(branch: str) -> list[str]:
    # without force, so that it is refused where the branch has moved
    options = ["--quiet", "--no-verify", "--no-signed", "--recurse-submodules=no"]
    return ["push", *options, "origin", f"HEAD:refs/heads/{branch}"]


def _start(github: Client, repository: str, branch: str, number: int | None) -> None:
    for workflow, takes_number in WORKFLOWS.items():
        inputs = {"inputs": {"pull_request": str(number)}} if takes_number and number else {}
        try:
            github.request(
                "POST", f"/repos/{repository}/actions/workflows/{workflow}/dispatches", {"ref": branch, **inputs}
            )
        except GitHubError as error:
            by_hand = f"gh workflow run {workflow} --ref {branch}"
            raise GitHubError(f"the lock is pushed, but {error}; run `{by_hand}`", error.status) from None


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
