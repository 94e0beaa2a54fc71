"""CODEOWNERS: its owners, and its faults."""

from __future__ import annotations

from pathlib import Path

from .api import Client
from .plans import FEATURES, Place

PLACES = (Path(".github/CODEOWNERS"), Path("CODEOWNERS"), Path("docs/CODEOWNERS"))  # in GitHub's order


def read_owners(root: Path) -> tuple[Path | None, tuple[str, ...]]:
    """The file that GitHub uses (None if there is none), and the owners that it names, each once."""
    path = next((root / place for place in PLACES if (root / place).is_file()), None)
    if path is None:
        return None, ()
    lines = (line.partition("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    return path.relative_to(root), tuple(dict.fromkeys(owner for _, *owners in filter(None, lines) for owner in owners))


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
