"""Patches that a job which may not write hands to one which may: made, checked and committed.

The job that commits runs main's code beside a checkout, and executes nothing of it. It takes changes of named files
only.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..git import git
from .api import GitHubError

# Files that `make pipeline` writes and Git tracks
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
    "versions.json",
}
RETRAINED = OUTPUTS | {"params.yaml"}  # which has the watermark and the cause, and what a search of settings found
ADVICE = (
    "run this on your branch, and push it:\n"
    "  make pipeline\n"
    "  git add dvc.lock versions.json data model evaluation\n"
    "  git commit -m 'Update dvc.lock' && git push"
)
LARGEST = 5_000_000  # bytes of the patch
BOT = "github-actions[bot]"
EMAIL = f"41898282+{BOT}@users.noreply.github.com"


def write_patch(allowed: Collection[str], path: Path) -> list[str]:
    """Write how these files differ from HEAD's; return which do. Without a difference there is no patch.

    The repository's index stays as it is, even in the middle of a merge.
    """
    here, names = Path(), sorted(allowed)
    present = [name for name in names if Path(name).exists()]
    with tempfile.TemporaryDirectory(prefix="patch-") as folder:
        index = Path(folder) / "index"
        git(here, "read-tree", "HEAD", index=index)
        git(here, "add", "--intent-to-add", "--", *present, index=index)
        compare = ("diff", "--no-ext-diff", "--no-textconv", "--no-renames")
        listed = git(here, *compare, "--name-only", "--relative", "-z", "HEAD", "--", *names, index=index)
        changed = [name for name in listed.split("\0") if name]
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if changed:
            # `git apply` takes paths from the top of the repository, wherever it runs
            git(here, *compare, "--binary", f"--output={path}", "HEAD", "--", *changed, index=index)
    return changed


def stage(checkout: Path, patch: Path, allowed: Collection[str]) -> None:
    """Apply a patch to the index only, and check the changes as Git has read them."""
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
        if path not in allowed:
            raise GitHubError(f"the patch changes {path}, which is no output of the pipeline; nothing is pushed")
        if new_mode != "100644" or old_mode not in ("000000", "100644"):
            raise GitHubError(f"the patch makes {path} of mode {old_mode} one of {new_mode}; nothing is pushed")


def is_staged(checkout: Path) -> bool:
    """Whether the index differs from HEAD."""
    return bool(git(checkout, "diff", "--cached", "--name-only", "HEAD"))


def commit(checkout: Path, repository: str, head: str, subject: str) -> str:
    """Commit what is staged on `head`, as the workflows' account; the message names the run. Returns the commit."""
    server, run = os.environ.get("GITHUB_SERVER_URL", "https://github.com"), os.environ.get("GITHUB_RUN_ID", "")
    where = f"{server}/{repository}/actions/runs/{run}" if run else f"a run in {repository}"
    message = f"{subject}\n\nMade by {where}\nfrom {head}.\n"
    identity = ["-c", f"user.name={BOT}", "-c", f"user.email={EMAIL}"]
    git(checkout, *identity, "commit", "--quiet", "--no-verify", "--file=-", text=message)
    return git(checkout, "rev-parse", "HEAD").strip()


def is_ours(commit: Mapping[str, Any]) -> bool:
    """Whether `commit` made this one, as the API shows it."""
    return bool(commit["committer"]["email"] == EMAIL and "\n\nMade by " in commit["message"])


def tip(checkout: Path, branch: str, token: str | None) -> str:
    """The commit that a branch is at on the remote; empty if there is no such branch."""
    return git(checkout, "ls-remote", "origin", f"refs/heads/{branch}", token=token).partition("\t")[0]


def push_command(branch: str, before: str | None = None) -> list[str]:
    """The arguments that push HEAD to a branch: without force, or over the one commit that is there."""
    lease = [f"--force-with-lease=refs/heads/{branch}:{before}"] if before else []
    options = ["--quiet", "--no-verify", "--no-signed", "--recurse-submodules=no", *lease]
    return ["push", *options, "origin", f"HEAD:refs/heads/{branch}"]


def remove_command(branch: str, at: str | None = None) -> list[str]:
    """The arguments that remove a branch; with `at` only while it is at this commit."""
    lease = [f"--force-with-lease=refs/heads/{branch}:{at}"] if at else []
    return ["push", "--quiet", "--no-verify", *lease, "origin", f":refs/heads/{branch}"]
