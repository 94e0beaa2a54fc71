"""What GitHub knows of the project: files that runs left, settings as they are set, and issues of incidents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ..github.api import Client, GitHubError, client
from ..github.changes import Change
from ..github.codeowners import faults, read_owners
from ..github.environments import plan_environments
from ..github.incident import LABEL, MARK
from ..github.plan import plan_actions, plan_alerts
from ..github.plans import FEATURES, Place, survey
from ..github.rulesets import plan_rulesets
from ..github.runners import plan_approval
from ..github.settings import read_settings
from .artifacts import read_artifacts
from .reports import RunFiles

NO_REPOSITORY = "GitHub was not asked: the remote origin is no repository there"
NO_TOKEN = "GitHub was not asked: there is no token in GH_TOKEN or GITHUB_TOKEN"  # noqa: S105
REFUSED = {401, 403, 404, 410}  # the token may not see it, or it is switched off
T = TypeVar("T")


@dataclass(frozen=True)
class Hub:
    """What GitHub said. Each of the settings is None if it was not told, else how they differ from the wanted ones.

    runs: the files of runs, the newest first. incidents: the issues that the verb `incident` wrote, the newest first.
    """

    notes: tuple[str, ...] = ()
    runs: tuple[RunFiles, ...] = ()
    rulesets: tuple[str, ...] | None = None
    access: tuple[str, ...] | None = None
    alerts: tuple[str, ...] | None = None
    incidents: tuple[dict[str, Any], ...] | None = None


def ask(root: Path, repository: str) -> Hub:
    """What GitHub knows of a repository, owner/name, which may be empty. What the token may not see is noted.

    Raises GitHubError if GitHub does not answer.
    """
    if not repository:
        return Hub((NO_REPOSITORY,))
    github = client()
    if github.token is None:
        return Hub((NO_TOKEN,))
    notes: list[str] = []
    hub = _allowed(notes, "settings", lambda: _settings(github, root, repository)) or Hub()
    runs = _allowed(notes, "files of runs", lambda: tuple(read_artifacts(github, repository)))
    incidents = _allowed(notes, "issues", lambda: tuple(_incidents(github, repository)))
    return replace(hub, notes=tuple(notes), runs=runs or (), incidents=incidents)


def _allowed(notes: list[str], what: str, look: Callable[[], T]) -> T | None:
    try:
        return look()
    except GitHubError as error:
        if error.status not in REFUSED:
            raise
        notes.append(f"{what} on GitHub are not known: {error}")
        return None


def _settings(github: Client, root: Path, repository: str) -> Hub:
    place, _ = survey(github, repository, None)
    wanted = read_settings(root)
    _, owners = read_owners(root)
    rulesets = [*_lines(plan_rulesets(github, place, wanted.rulesets)), *faults(github, place, root)]
    access = [
        *_lines(plan_actions(github, place, wanted.actions)),
        *_lines(plan_approval(github, place)),
        *_lines(plan_environments(github, place, wanted.environments, owners)),
    ]
    return Hub(
        rulesets=(*_impossible(place, "rulesets"), *rulesets),
        access=(*_impossible(place, "environments"), *access),
        alerts=tuple(_lines(plan_alerts(github, place, wanted))),
    )


def _impossible(place: Place, name: str) -> tuple[str, ...]:
    feature = FEATURES[name]
    return () if feature.possible(place) else (f"{feature.title} require {feature.needs}",)


def _lines(changes: Iterable[Change]) -> list[str]:
    return [line for change in changes for line in change.lines]


def _incidents(github: Client, repository: str) -> Iterator[dict[str, Any]]:
    path = f"/repos/{repository}/issues?labels={LABEL['name']}&state=all&sort=created&direction=desc"
    for issue in github.pages(path):
        if "pull_request" not in issue and MARK.search(issue.get("body") or ""):
            yield issue
