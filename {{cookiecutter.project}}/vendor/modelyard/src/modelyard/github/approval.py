"""Which files of a pull request judge it, and which of these no owner has approved yet.

What judges a change is not the change's own: where a pull request changes a workflow, the library, the commands or the
deployment, its own checks say nothing. Main's CODEOWNERS says who owns a file. An approval counts for a file as long as
the file is what it was in the commit that was approved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .api import Client, GitHubError
from .codeowners import Rule, owners_of

# A stage's command is in dvc.yaml, and that of a verb begins in the package's own two files
JUDGES = (
    "/.github/",
    "/vendor/",
    "/deploy/",
    "/Makefile",
    "/dvc.yaml",
    "/*/__main__.py",
    "/*/__init__.py",
    "CODEOWNERS",
)
MINE = "/approve"  # what a review of one's own pull request says, since GitHub takes no approval there
FIRST = 5  # files that are named in a comment
PLAIN = re.compile(r"[^\w./+ -]")  # what a file's name is not shown with
OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
ADMINISTRATORS, MAINTAINERS = ("admin",), ("admin", "maintain")

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
    waiting = judging_files(rules, {path for path, _ in before.items() ^ at_head.items()})
    if not waiting:
        return {}
    for login, commit in _approvals(github, repository, pull):
        seen = at_head if commit == head else _contents(github, repository, commit)
        role = _role(github, repository, login)
        waiting = {
            path: owners
            for path, owners in waiting.items()
            if seen.get(path) != at_head.get(path) or not _is_owner(login, role, owners)
        }
    return waiting


def told(waiting: Owned) -> str:
    """Which files wait for whom, by owners: `@ada for Makefile, vendor/yard`."""
    by_owners: dict[str, list[str]] = {}
    for path, owners in waiting.items():
        by_owners.setdefault(" or ".join(owners) or "an administrator", []).append(PLAIN.sub("?", path))
    return "; ".join(f"{who} for {', '.join(paths)}" for who, paths in by_owners.items())


def shown(waiting: Owned) -> str:
    """The first of the files as Markdown that mentions nobody: their names are the pull request's text."""
    first = [f"`{PLAIN.sub('?', path)}`" for path in list(waiting)[:FIRST]]
    return ", ".join(first) + (f" and {len(waiting) - FIRST} more" if len(waiting) > FIRST else "")


def _approvals(github: Client, repository: str, pull: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The logins that approve, each with the commit that it has seen; a later opinion replaces an earlier one."""
    author = (pull["user"] or {}).get("login")
    latest: dict[str, tuple[bool, str]] = {}
    for review in github.pages(f"/repos/{repository}/pulls/{pull['number']}/reviews"):
        login, state = (review["user"] or {}).get("login"), review["state"]
        own = login == author and state == "COMMENTED" and (review.get("body") or "").strip() == MINE
        if login and review["commit_id"] and (own or state in OPINIONS):
            latest[login] = (own or state == "APPROVED", review["commit_id"])
    return ((login, commit) for login, (approves, commit) in latest.items() if approves)


def _is_owner(login: str, role: str, owners: Sequence[str]) -> bool:
    """Whether the login is named, administers the repository, or maintains it where a team or an address is named.

    The token of a workflow may not see who is in a team.
    """
    if f"@{login}".lower() in (owner.lower() for owner in owners) or role in ADMINISTRATORS:
        return True
    return role in MAINTAINERS and any("/" in owner or not owner.startswith("@") for owner in owners)


def _role(github: Client, repository: str, login: str) -> str:
    found = github.find(f"/repos/{repository}/collaborators/{login}/permission")
    return str((found or {}).get("role_name", "none"))


def _contents(github: Client, repository: str, commit: str) -> dict[str, tuple[str, str]]:
    """The mode and the hash of each file of a commit."""
    tree = github.request("GET", f"/repos/{repository}/git/trees/{commit}?recursive=1")
    if tree["truncated"]:
        raise GitHubError(f"commit {commit} has more files than GitHub lists")
    return {one["path"]: (one["mode"], one["sha"]) for one in tree["tree"] if one["type"] != "tree"}
