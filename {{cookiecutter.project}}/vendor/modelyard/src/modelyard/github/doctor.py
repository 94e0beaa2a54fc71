"""Plan the repository's settings on GitHub, show them as a diff, and apply them with --apply.

What is wanted stands in .github/repository.json, .github/rulesets/ and CODEOWNERS. Nothing is changed without --apply.
Ends with 0 where the plan was shown or is carried out, with 1 where --check finds a difference or --apply leaves one,
with 2 where that could not be told.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from .api import Client, GitHubError, checked_repository, client
from .changes import Change
from .codeowners import faults, read_owners
from ..git import try_git
from .plan import apply, make_plan
from .plans import PLANS, Place, impossible, survey
from .settings import read_settings


def origin(root: Path) -> str:
    """owner/name of the remote `origin`. Raises GitHubError where there is none on a GitHub."""
    url = try_git(root, "remote", "get-url", "origin").stdout.strip()
    found = re.fullmatch(r"(?:https?://(?:[^@/]+@)?[^/]+/|ssh://git@[^/]+/|git@[^:]+:)([^/]+/[^/]+?)(?:\.git)?/?", url)
    if not found:
        raise GitHubError("the remote origin is no repository on GitHub: say which, with --repository owner/name")
    return found[1]


def doctor(github: Client, repository: str, root: Path, plan: str | None, write: bool) -> bool:
    """Print what is to change, and make it so if told to; whether the repository now is as wanted."""
    wanted = read_settings(root)
    _, owners = read_owners(root)

    def look() -> tuple[Place, list[Change]]:
        place, found = survey(github, repository, plan)
        return place, make_plan(github, place, found, wanted, owners)

    place, changes = look()
    print(place)
    _list("", [line for change in changes for line in change.lines])
    _list("not possible here:", impossible(place))
    wrong = faults(github, place, root)
    _list("to be mended in CODEOWNERS:", wrong)
    if not changes:
        print("nothing to change")
    elif not write:
        print("nothing was changed: `make github APPLY=1` makes it so")
    else:
        forbidden = apply(github, changes)
        print("applied")
        _list("but the organisation does not allow:", forbidden)
        _, changes = look()
        _list("GitHub accepted it, but these are still to change:", [line for one in changes for line in one.lines])
    return not changes and not wrong


def _list(title: str, lines: list[str]) -> None:
    if lines:
        print("\n".join([title, *(f"  {line}" for line in lines)] if title else lines))


def main(arguments: list[str] | None = None) -> None:
    """The verb `doctor`."""
    parser = argparse.ArgumentParser(
        prog="doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repository", metavar="OWNER/NAME", help="the remote origin, unless it is given")
    parser.add_argument("--plan", choices=PLANS, help="the plan that is paid for, where GitHub does not tell")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--apply", action="store_true", help="make the changes; without it they are only shown")
    what.add_argument("--check", action="store_true", help="end with 1 where there is a difference")
    given = parser.parse_args(arguments)
    root = Path()
    try:
        repository = checked_repository(given.repository or origin(root))
        right = doctor(client(), repository, root, given.plan, given.apply)
    except GitHubError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    if not right and (given.check or given.apply):
        sys.exit(1)
