"""Propose a new version of the template: a pull request, or an issue with the command where a person must do it.

A person must where the template and the project changed the same lines, and where the version changes workflows and
there is no UPDATE_TOKEN that may. Runs main's code beside a checkout, and executes nothing of the new version.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..git import git, try_git
from ..markdown import code, cut
from .alarms import Incident, Statement
from .api import Client, GitHubError, checked_repository, client
from .incident import Incidents
from .outputs import write_summary
from .patch import commit, is_staged, push_command, remove_command, tip
from .relock import has_checks, start_checks
from .untrusted import SHA, read_json

PREFIX = "update/"  # of the branches
LARGEST = 30_000_000  # bytes of the patch, with a library in it
WORKFLOWS = ".github/workflows/"


def update(github: Client, own: Client | None, repository: str, folder: Path, checkout: Path) -> str:
    """Propose what `upgrade --report` left in a folder. own: with a token that may change workflows, if there is one.

    Returns one line on what was done.
    """
    found = _read(folder / "upgrade.json")
    new, conflicts = found["to"], [cut(name, 200) for name in found["conflicts"]]
    incidents = Incidents(github, repository)
    if conflicts:
        summary = f"The template's version `{new[:7]}` and this project changed the same lines."
        return _ask(incidents, summary, [f"`{name}`" for name in conflicts])
    _stage(checkout, folder / "upgrade.patch")
    if not is_staged(checkout):
        return "the new version changes nothing here"
    changed = git(checkout, "diff", "--cached", "--name-only", "--no-renames", "-z", "HEAD").split("\0")
    workflows = [name for name in changed if name.startswith(WORKFLOWS)]
    if workflows and not own:
        summary = f"The template's version `{new[:7]}` changes workflows, which takes the secret UPDATE_TOKEN."
        return _ask(incidents, summary, [f"`{name}`" for name in workflows])
    said = _propose(own or github, repository, checkout, found, starts=own is None)
    incidents.settle(Statement("update", ()))
    return said


def _ask(incidents: Incidents, summary: str, lines: list[str]) -> str:
    subject = "a new version of the template"
    incidents.settle(Statement("update", (Incident("update", "update", subject, "", summary, tuple(lines)),)))
    if incidents.failed:
        raise GitHubError("; ".join(incidents.failed))
    return "; ".join(incidents.done)


def _read(path: Path) -> dict[str, Any]:
    content = read_json(path, 1_000_000)
    valid = isinstance(content, dict) and all(isinstance(content.get(key), list) for key in ("conflicts", "stages"))
    if not valid or not all(SHA.fullmatch(str(content.get(key))) for key in ("from", "to")):
        raise GitHubError(f"{path} is not what `upgrade --report` writes; nothing is proposed")
    return dict(content)


def _stage(checkout: Path, patch: Path) -> None:
    """Apply a patch to the index only; it may change any file of the project, and make no links."""
    if patch.is_symlink() or not patch.is_file() or patch.stat().st_size > LARGEST:
        raise GitHubError(f"{patch} is no file of at most {LARGEST} bytes; nothing is pushed")
    if patch.stat().st_size == 0:
        return
    git(checkout, "apply", "--cached", "--whitespace=nowarn", str(patch.absolute()))
    raw = git(checkout, "diff", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", "HEAD").split("\0")
    for change, name in zip(raw[0::2], raw[1::2], strict=False):
        if change.split()[1] not in ("000000", "100644", "100755"):
            raise GitHubError(f"the patch makes {name} a link; nothing is pushed")


def _propose(github: Client, repository: str, checkout: Path, found: Mapping[str, Any], starts: bool) -> str:
    old, new = found["from"], found["to"]
    branch, owner = f"{PREFIX}{new[:12]}", repository.partition("/")[0]
    path = f"/repos/{repository}/pulls"

    def find() -> dict[str, Any] | None:
        return next(iter(github.request("GET", f"{path}?state=all&head={owner}:{branch}")), None)

    if there := find():
        if starts and there["state"] == "open" and not has_checks(github, repository, there["head"]["sha"]):
            start_checks(github, repository, branch, there["number"], f"pull request {there['number']} is there")
        return f"pull request {there['number']} has this version, and is {there['state']}: {there['html_url']}"
    title = f"Update the template to {new[:7]}"
    commit(checkout, repository, git(checkout, "rev-parse", "HEAD").strip(), title)
    left = tip(checkout, branch, github.token)  # by a run that ended before there was a pull request
    pushed = try_git(checkout, *push_command(branch, left or None), token=github.token)
    if pushed.returncode:
        raise GitHubError(f"git push to {branch} was refused: {' '.join(pushed.stderr.split())[-400:]}")
    stages = ", ".join(code(stage) for stage in found["stages"][:20])
    again = f"Stages whose code changed, with those after them, run again: {stages}." if stages else ""
    body = (
        f"The template went from {code(old[:7])} to {code(new[:7])}. {again}\n\n"
        "`python3 vendor/yard diff --ref origin/main` on this branch shows what changed in the library, and "
        "`python3 vendor/yard check --ref origin/" + branch + "` on main whether it is what the template builds. Where "
        "`dvc.lock` is stale, run `make pipeline` here and commit."
    )
    default = github.request("GET", f"/repos/{repository}")["default_branch"]
    try:
        pull = github.make(path, {"title": title, "head": branch, "base": default, "body": body}, find)
    except GitHubError:
        try_git(checkout, *remove_command(branch), token=github.token)
        raise
    for older in github.pages(f"{path}?state=open"):
        same = (older["head"].get("repo") or {}).get("full_name") == repository
        if same and older["head"]["ref"].startswith(PREFIX) and older["number"] != pull["number"]:
            github.request("PATCH", f"{path}/{older['number']}", {"state": "closed"})
    if starts:
        start_checks(github, repository, branch, pull["number"], f"pull request {pull['number']} is there")
    return f"opened pull request {pull['number']}: {pull['html_url']}"


def main(arguments: list[str] | None = None) -> None:
    """The verb `update`."""
    parser = argparse.ArgumentParser(
        prog="update", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--upgrade", type=Path, required=True, metavar="FOLDER", help="upgrade.json and upgrade.patch")
    parser.add_argument("--checkout", type=Path, default=Path(), metavar="FOLDER", help="main, checked out")
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    options = parser.parse_args(arguments)
    github, token = client(), os.environ.get("UPDATE_TOKEN")
    own = Client(github.base, token) if token else None
    said = update(github, own, checked_repository(options.repository), options.upgrade, options.checkout)
    write_summary(f"{said[0].upper()}{said[1:]}\n")
    print(said)
