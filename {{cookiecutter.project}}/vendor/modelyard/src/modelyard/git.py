"""Runs Git commands, without hooks, because the folder may hold somebody else's branch."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .errors import GitError

# No hook, no file system monitor and no signing program of the checkout or of the machine
QUIET = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=false"]
TIMEOUT = 120.0  # seconds


def git(folder: Path, *arguments: str, text: str | None = None, token: str | None = None) -> str:
    """Run a Git command and return its output. Raises GitError with Git's own message if the command fails."""
    result = try_git(folder, *arguments, text=text, token=token)
    if result.returncode:
        message = " ".join(result.stderr.split())[-400:]
        raise GitError(f"git {arguments[0]} in {folder} ended with {result.returncode}: {message or 'no message'}")
    return result.stdout


def find_commit(folder: Path, ref: str) -> str | None:
    """The SHA of the commit that a branch, tag or SHA names; None if there is no such commit.

    Raises GitError if Git cannot read the repository.
    """
    result = try_git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if result.returncode and result.stderr.strip():
        raise GitError(
            f"git rev-parse in {folder} ended with {result.returncode}: {' '.join(result.stderr.split())[-400:]}"
        )
    return result.stdout.strip() if result.returncode == 0 else None


def read_blob(folder: Path, commit: str, path: str) -> bytes | None:
    """The bytes of a file of a commit, its path relative to `folder`; None if the commit has no such file."""
    try:
        listed = git(folder, "ls-tree", "--name-only", commit, "--", path)
        if not listed.strip():
            return None
        return subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *QUIET, "show", f"{commit}:./{path}"],  # noqa: S607
            env=_environment(),
            capture_output=True,
            check=True,
            timeout=TIMEOUT,
        ).stdout
    except subprocess.CalledProcessError as error:
        raise GitError(f"git show {commit[:7]}:{path}: {error.stderr.decode(errors='replace').strip()}") from None


def read_objects(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """The content of each object by its SHA, in one call of Git. Raises GitError if one is missing."""
    if not names:
        return {}
    # in bytes, because Git's sizes count them
    result = subprocess.run(  # noqa: S603
        ["git", "-C", str(folder), *QUIET, "cat-file", "--batch"],  # noqa: S607
        input="".join(f"{name}\n" for name in names).encode(),
        env=_environment(),
        capture_output=True,
        check=False,
        timeout=TIMEOUT,
    )
    contents, unread = {}, result.stdout
    for name in names:
        head, _, unread = unread.partition(b"\n")
        size = head.rpartition(b" ")[2]
        if result.returncode or not size.isdigit():
            raise GitError(f"git cat-file does not give the object {name}: {result.stderr.decode(errors='replace')}")
        contents[name] = unread[: int(size)].decode(errors="replace")
        unread = unread[int(size) + 1 :]
    return contents


def try_git(
    folder: Path, *arguments: str, text: str | None = None, token: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Git command and return the completed process, whatever its status.

    A token is sent to GITHUB_SERVER_URL only and is never an argument, which other processes could list.
    """
    environment = _environment()
    if token:
        server = (os.environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
        credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        environment |= {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {credentials}",
            "GIT_CONFIG_KEY_1": "credential.helper",
            "GIT_CONFIG_VALUE_1": "",  # disables other credential helpers
        }
    try:
        return subprocess.run(  # noqa: S603 - a list; callers check what comes from outside
            ["git", "-C", str(folder), *QUIET, *arguments],  # noqa: S607 - the git of the PATH
            env=environment,
            input=text or "",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT,
        )
    except FileNotFoundError:
        raise GitError("git was not found on the PATH; install it") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} in {folder} did not finish in {TIMEOUT:g} seconds") from None


def _environment() -> dict[str, str]:
    return {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
