"""CODEOWNERS: who owns a file, and what is wrong with it.

The patterns are those of https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/
customizing-your-repository/about-code-owners: of .gitignore, without `!` and `[ ]`, and the last one that fits counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .api import Client
from .plans import FEATURES, Place

PLACES = (Path(".github/CODEOWNERS"), Path("CODEOWNERS"), Path("docs/CODEOWNERS"))  # in GitHub's order
PARTS = {"/**/": "/(?:.*/)?", "**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
GLOB = re.compile(r"(/\*\*/|^\*\*/|/\*\*$|\*\*|\*|\?)")


@dataclass(frozen=True)
class Rule:
    """One line: a pattern, and the owners of the files that it fits, as `@name`, `@organisation/team` or an address."""

    pattern: str
    owners: tuple[str, ...]

    def fits(self, path: str) -> bool:
        """Whether the pattern is of this path, which is relative to the top of the repository."""
        inner = self.pattern.strip("/")
        anchored = "/" in self.pattern.rstrip("/")
        if self.pattern.endswith("/"):
            below = "/.*"
        elif anchored and inner.endswith("*"):
            below = ""  # docs/* is no file of a folder in docs
        else:
            below = "(?:/.*)?"
        written = "".join(PARTS.get(part) or re.escape(part) for part in GLOB.split(inner))
        return re.fullmatch(("" if anchored else "(?:.*/)?") + written + below, path, re.DOTALL) is not None


def read_rules(root: Path) -> tuple[Path | None, list[Rule]]:
    """The file that GitHub uses (None if there is none), and its lines."""
    path = next((root / place for place in PLACES if (root / place).is_file()), None)
    if path is None:
        return None, []
    lines = (line.partition("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    return path.relative_to(root), [Rule(pattern, tuple(owners)) for pattern, *owners in filter(None, lines)]


def owners_of(rules: Sequence[Rule], path: str) -> tuple[str, ...]:
    """The owners of a file: those of the last line that fits it."""
    return next((rule.owners for rule in reversed(rules) if rule.fits(path)), ())


def read_owners(root: Path) -> tuple[Path | None, tuple[str, ...]]:
    """The file that GitHub uses (None if there is none), and the owners that it names, each once."""
    path, rules = read_rules(root)
    return path, tuple(dict.fromkeys(owner for rule in rules for owner in rule.owners))


def faults(github: Client, place: Place, root: Path) -> list[str]:
    """What is wrong with CODEOWNERS here and on the default branch, a line each."""
    if not FEATURES["code owners"].possible(place):
        return []
    path, owners = read_owners(root)
    if path is None:
        return ["CODEOWNERS is missing: a line such as `/policy.yaml @name` says who must approve a change"]
    if not owners:
        return [f"{path} names nobody: write an owner behind each pattern, as `/policy.yaml @name`"]
    account = place.repository.partition("/")[0]
    if place.organisation and f"@{account}".lower() in (owner.lower() for owner in owners):
        return [f"{path} names @{account}, which is an organisation: a team of it is needed, as @{account}/name"]
    answer = github.find(f"/repos/{place.repository}/codeowners/errors")
    if answer is None:
        return [f"{path} is not on the default branch: push it"]
    return [
        f"{one['path']} line {one['line']}: {one['kind']}{': ' + one['suggestion'] if one.get('suggestion') else ''}"
        for one in answer["errors"]
    ]
