"""Runs Git commands, without hooks, because the folder may hold somebody else's branch."""

from __future__ import annotations

import base64
import functools
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import GitError

# No hook, no file system monitor and no signing program of the checkout or of the machine, and no setting of a person
# that changes what Git prints
SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "commit.gpgSign": "false",
    "color.ui": "false",
    "diff.mnemonicPrefix": "false",
    "diff.noprefix": "false",
    "diff.relative": "false",
    "log.showSignature": "false",
}
QUIET = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
# Settings such as safe.directory say nothing about where a repository is; Git keeps them for a submodule too
KEPT = {"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"}
NO_REPOSITORY = "not a git repository"  # Git's words
TIMEOUT = 120.0  # seconds


def without_repository(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without the variables that tie Git to one repository, so that the folder decides which it is.

    Git sets them for its hooks; a hook of a linked worktree has GIT_DIR, and each one of a commit GIT_INDEX_FILE.
    Whatever runs Git, or DVC, or a program that may run one of them, gets this environment.
    """
    given = dict(os.environ if environment is None else environment)
    # Git is asked only where there is something to drop
    dropped = _local_variables() if any(name.startswith("GIT_") for name in given) else frozenset()
    return {name: value for name, value in given.items() if name not in dropped}


@functools.cache
def _local_variables() -> frozenset[str]:
    try:
        listed = subprocess.run(
            ["git", "rev-parse", "--local-env-vars"],  # noqa: S607 - the git of the PATH
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return frozenset()  # without Git, nobody reads them
    return frozenset(listed.stdout.split()) - KEPT


def git(
    folder: Path, *arguments: str, text: str | None = None, token: str | None = None, index: Path | None = None
) -> str:
    """Run a Git command and return its output. Raises GitError with Git's own message if the command fails."""
    result = try_git(folder, *arguments, text=text, token=token, index=index)
    if result.returncode:
        raise failure(folder, arguments, result)
    return result.stdout


def failure(folder: Path, arguments: Sequence[str], result: subprocess.CompletedProcess[str]) -> GitError:
    """The error for a command that failed, with Git's own message."""
    message = " ".join(result.stderr.split())[-400:]
    command = next((word for word in arguments if word != "-c" and "=" not in word), "")
    where = folder.absolute()
    return GitError(f"git {command} in {where} ended with {result.returncode}: {message or 'no message'}")


def ask_git(folder: Path, *arguments: str, no: Sequence[str]) -> str | None:
    """The output of a Git command; None if it fails with one of the messages `no`, which answer the question too.

    Raises GitError with Git's own message if it fails otherwise, as in a repository that belongs to another user.
    """
    result = try_git(folder, *arguments)
    if result.returncode and not any(message in result.stderr for message in no):
        raise failure(folder, arguments, result)
    return None if result.returncode else result.stdout


def find_commit(folder: Path, ref: str) -> str | None:
    """The SHA of the commit that a branch, tag or SHA names; None if there is no such commit.

    Raises GitError if Git cannot read the repository.
    """
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    result = try_git(folder, *arguments)
    if result.returncode and result.stderr.strip():
        raise failure(folder, arguments, result)
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
    folder: Path, *arguments: str, text: str | None = None, token: str | None = None, index: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Git command and return the completed process, whatever its status.

    A token is sent to GITHUB_SERVER_URL only and is never an argument, which other processes could list.
    index: a file to use in place of the repository's index, which then stays as it is.
    """
    environment = _environment()
    if index:
        environment["GIT_INDEX_FILE"] = str(index.absolute())
    if token:
        server = (os.environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
        credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        added = {
            f"http.{server}/.extraheader": f"AUTHORIZATION: basic {credentials}",
            "credential.helper": "",  # disables other credential helpers
        }
        count = environment.get("GIT_CONFIG_COUNT", "")
        first = int(count) if count.isdigit() else 0
        for number, (key, value) in enumerate(added.items(), first):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        environment["GIT_CONFIG_COUNT"] = str(first + len(added))
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
    # without optional locks, `git diff` and `git status` do not write what they learned into the index
    return {**without_repository(), "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
