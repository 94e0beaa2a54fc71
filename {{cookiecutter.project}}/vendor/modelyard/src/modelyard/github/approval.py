"""Which files of a pull request judge it, and which of these no owner has approved yet.

What judges a change is not the change's own: where a pull request changes a workflow, the library, the commands or the
deployment, its own checks say nothing. Main's CODEOWNERS says who owns a file. An approval counts for a file as long as
the file is what it was in the commit that was approved.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .api import Client, GitHubError
from .codeowners import Rule, owners_of

# As patterns of CODEOWNERS
JUDGES = (
    *("/.github/", "/vendor/", "/deploy/", "CODEOWNERS"),
    # GNU make reads GNUmakefile first, and makes a Makefile of what lies beside it
    *("/Makefile*", "/GNUmakefile*", "/makefile*", "RCS/", "SCCS/"),
    # A stage's command is in dvc.yaml, that of a verb begins in two files of the package, and Python takes a module at
    # the top for one of the environment
    *("/dvc.yaml", "/*/__main__.py", "/*/__init__.py", "/*.py"),
    # What makes the environment, and what Git and DVC do with files
    *("/pyproject.toml", "/uv.toml", "/.python-version", "/.gitattributes", "/.gitmodules", "/.dvc/"),
    # What Git should not hold, since commands make it and believe it
    *("/.venv/", "/.tools/", "/champion", "/reports/", "__pycache__/", "*.pyc", "*.pth", "*.so"),
)
MINE = "/approve"  # a line of a review of one's own pull request, since GitHub takes no approval there
FIRST = 5  # files that are named in a comment
PLAIN = re.compile(r"[^\w./+ -]")  # what a file's name is not shown with
LOCK = "uv.lock"  # judges where packages come from another host than main's: their code runs before everything else
HOST = re.compile(r'"([a-z+]+://[^/"]+)')
OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")

Owned = Mapping[str, tuple[str, ...]]


def judging_files(rules: Sequence[Rule], paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Those of the paths that judge, with their owners: none where nobody is named."""
    judging = [Rule(pattern, ()) for pattern in JUDGES]
    return {path: owners_of(rules, path) for path in sorted(paths) if any(rule.fits(path) for rule in judging)}


def unapproved_files(github: Client, repository: str, pull: Mapping[str, Any], rules: Sequence[Rule]) -> Owned:
    """The judging files that a pull request changes and no owner has approved as they are at its head.

    pull: as GitHub describes it. Raises GitHubError, also where GitHub does not list all files of a commit.
    """
    base, head = pull["base"]["sha"], pull["head"]["sha"]
    compared = github.request("GET", f"/repos/{repository}/compare/{base}...{head}?per_page=1")
    before = _contents(github, repository, compared["merge_base_commit"]["sha"])
    at_head = _contents(github, repository, head)
    changed = {path for path, _ in before.items() ^ at_head.items()}
    waiting = judging_files(rules, changed)
    if LOCK in changed and _hosts(github, repository, at_head) - _hosts(github, repository, before):
        waiting[LOCK] = owners_of(rules, LOCK)
    if not waiting:
        return {}
    for login, commit in _approvals(github, repository, pull):
        seen = at_head if commit == head else _contents(github, repository, commit)
        role, may_write = _role(github, repository, login)
        waiting = {
            path: owners
            for path, owners in waiting.items()
            if seen.get(path) != at_head.get(path) or not (may_write and _is_owner(login, role, owners))
        }
    return waiting


def told(waiting: Owned) -> str:
    """Which files wait for whom, by owners: `Makefile, vendor/yard: @ada or an administrator`."""
    by_owners: dict[str, list[str]] = {}
    for path, owners in waiting.items():
        by_owners.setdefault(" or ".join([*owners, "an administrator"]), []).append(PLAIN.sub("?", path))
    return "; ".join(f"{', '.join(paths)}: {who}" for who, paths in by_owners.items())


def shown(waiting: Owned) -> str:
    """The first of the files as Markdown that mentions nobody: their names are the pull request's text."""
    first = [f"`{PLAIN.sub('?', path)}`" for path in list(waiting)[:FIRST]]
    return ", ".join(first) + (f" and {len(waiting) - FIRST} more" if len(waiting) > FIRST else "")


def owners_shown(waiting: Owned) -> str:
    """Who may approve any of the files, as Markdown that mentions nobody."""
    names = dict.fromkeys(owner for owners in waiting.values() for owner in owners)
    return ", ".join([*(f"`{name}`" for name in names), "administrators"])


def _approvals(github: Client, repository: str, pull: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The logins that approve, each with the commit that it has seen; a later opinion replaces an earlier one."""
    author = (pull["user"] or {}).get("login")
    latest: dict[str, tuple[bool, str]] = {}
    for review in github.pages(f"/repos/{repository}/pulls/{pull['number']}/reviews"):
        login, state = (review["user"] or {}).get("login"), review["state"]
        said = [line.strip().lower() for line in (review.get("body") or "").splitlines() if line.strip()]
        own = bool(login == author and state == "COMMENTED" and said)  # an answer to a remark has no text of its own
        if login and review["commit_id"] and (own or state in OPINIONS):
            latest[login] = (MINE in said if own else state == "APPROVED", review["commit_id"])
    return ((login, commit) for login, (approves, commit) in latest.items() if approves)


def _is_owner(login: str, role: str, owners: Sequence[str]) -> bool:
    """Whether the login is named, administers the repository, or maintains it where a team or an address is named.

    The token of a workflow may not see who is in a team.
    """
    if f"@{login}".lower() in (owner.lower() for owner in owners) or role == "admin":
        return True
    return role == "maintain" and any("/" in owner or not owner.startswith("@") for owner in owners)


def _role(github: Client, repository: str, login: str) -> tuple[str, bool]:
    """The role of a person, and whether it may write: who has left is no owner, whatever CODEOWNERS says."""
    found = github.find(f"/repos/{repository}/collaborators/{login}/permission") or {}
    return str(found.get("role_name", "none")), found.get("permission") in ("write", "admin")


def _hosts(github: Client, repository: str, contents: Mapping[str, tuple[str, str]]) -> set[str]:
    """The hosts that the lock of a commit takes packages from, each with its scheme; none without a lock."""
    if LOCK not in contents:
        return set()
    blob = github.request("GET", f"/repos/{repository}/git/blobs/{contents[LOCK][1]}")
    return set(HOST.findall(base64.b64decode(blob["content"]).decode(errors="replace")))


def _contents(github: Client, repository: str, commit: str) -> dict[str, tuple[str, str]]:
    """The mode and the hash of each file of a commit."""
    tree = github.request("GET", f"/repos/{repository}/git/trees/{commit}?recursive=1")
    if tree["truncated"]:
        raise GitHubError(f"commit {commit} has more files than GitHub lists")
    return {one["path"]: (one["mode"], one["sha"]) for one in tree["tree"] if one["type"] != "tree"}
