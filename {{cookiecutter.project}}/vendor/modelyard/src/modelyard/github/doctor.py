"""Plan the repository's settings on GitHub, show them as a diff, and apply them with --apply.

The wanted settings are in .github/repository.json, .github/rulesets/ and CODEOWNERS. Nothing is changed without
--apply. Exit status: 0 the plan was shown or carried out, 1 --check found a difference or --apply left one, 2 an error,
or a public repository whose own runners the pull requests of strangers can reach.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ..errors import YardError
from ..git import NO_REPOSITORY, ask_git
from .api import Client, GitHubError, checked_repository, client
from .changes import Change
from .codeowners import faults, read_owners
from .plan import apply, make_plan
from .plans import PLANS, Place, impossible, survey
from .settings import read_settings


def origin(root: Path) -> str:
    """owner/name of the remote `origin`. Raises GitHubError if it is not on GitHub."""
    url = (ask_git(root, "remote", "get-url", "origin", no=[NO_REPOSITORY, "No such remote"]) or "").strip()
    match = re.fullmatch(r"(?:https?://(?:[^@/]+@)?[^/]+/|ssh://git@[^/]+/|git@[^:]+:)([^/]+/[^/]+?)(?:\.git)?/?", url)
    if not match:
        raise GitHubError("the remote origin is no repository on GitHub: say which, with --repository owner/name")
    return match[1]


def doctor(github: Client, repository: str, root: Path, plan: str | None, write: bool) -> bool:
    """Print the changes, and make them if `write`. Returns whether the repository now has the wanted settings.

    Raises GitHubError if, at the end, the repository is one that must not be used as it is.
    """
    wanted = read_settings(root)
    _, owners = read_owners(root)

    def look() -> tuple[Place, list[Change]]:
        place, answer = survey(github, repository, plan)
        return place, make_plan(github, place, answer, wanted, owners)

    place, changes = look()
    print(place)
    _list("", [line for change in changes for line in change.lines])
    _list("not possible here:", impossible(place))
    owner_faults = faults(github, place, root)
    _list("to be fixed in CODEOWNERS:", owner_faults)
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
    if refused := [change.why for change in changes if change.why]:
        raise GitHubError("; ".join(refused))
    return not changes and not owner_faults


def _require_top(root: Path) -> None:
    """Raise GitHubError if the project is in a folder of its repository, where GitHub does not look."""
    inside = (ask_git(root, "rev-parse", "--show-prefix", no=[NO_REPOSITORY]) or "").strip()
    if inside:
        raise GitHubError(
            f"this project is in the folder {inside} of its repository, and GitHub reads .github/ and CODEOWNERS at "
            "the top of a repository only; give the project a repository of its own to use its workflows and settings"
        )


def _list(title: str, lines: list[str]) -> None:
    if lines:
        print("\n".join([title, *(f"  {line}" for line in lines)] if title else lines))


def main(arguments: list[str] | None = None) -> None:
    """The verb `doctor`."""
    parser = argparse.ArgumentParser(
        prog="doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repository", metavar="OWNER/NAME", help="default: the remote origin")
    parser.add_argument("--plan", choices=PLANS, help="the plan that is paid for, if GitHub does not report it")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--apply", action="store_true", help="make the changes; without it they are only shown")
    mode.add_argument("--check", action="store_true", help="exit with status 1 if there is a difference")
    options = parser.parse_args(arguments)
    root = Path()
    try:
        _require_top(root)
        repository = checked_repository(options.repository or origin(root))
        as_wanted = doctor(client(), repository, root, options.plan, options.apply)
    except YardError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    if not as_wanted and (options.check or options.apply):
        sys.exit(1)
