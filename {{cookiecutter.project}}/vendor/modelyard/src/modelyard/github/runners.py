"""Self-hosted runners of a public repository, where a stranger's pull request can edit `runs-on` and reach them.

The workflows keep the pull requests of forks on GitHub's own runners, but a fork brings its own workflow files. What
holds is that GitHub asks somebody with write access before it runs any of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .api import Client, GitHubError
from .changes import ApiCall, Change, shown
from .plans import Place

VARIABLE = "TRAIN_RUNNER"
STRICT = "all_external_contributors"
STANDARD = re.compile(r"(ubuntu|windows|macos)-(latest|slim|[0-9.]+)(-arm|-intel|-large|-xlarge)?")  # GitHub's labels
SETTING = (
    'Settings, Actions, General, "Approval for running fork pull request workflows from contributors": "Require '
    'approval for all external contributors"'
)


def plan_approval(github: Client, place: Place) -> Iterator[Change]:
    """The change that asks for approval of each outsider's run, where a public repository may have such runners.

    Its `why` is set if it has them: then nothing else may be set up before. Raises GitHubError if TRAIN_RUNNER is no
    JSON, which would fail each job that trains.
    """
    if not place.public:
        return  # whoever can open a pull request there may read it, and GitHub knows no such setting
    runners = _registered(github, place)
    variable, known = _variable(github, place)
    if variable is not None and not _is_standard(variable):
        runners.append(f"{VARIABLE} is {variable}")
    path = f"/repos/{place.repository}/actions/permissions/fork-pr-contributor-approval"
    if not runners and known:
        return
    answer = github.find(path)
    if answer is None:
        return  # a server that does not have it yet
    policy = answer["approval_policy"]
    if policy != STRICT:
        line = f"~ fork pull requests: approval_policy: {shown(policy)} -> {shown(STRICT)}"
        yield Change((line,), (ApiCall("PUT", path, {"approval_policy": STRICT}),), _why(place, runners))


def _why(place: Place, runners: list[str]) -> str:
    if not runners:
        return ""
    return (
        f"{place.repository} is public and runs jobs on machines of its own ({'; '.join(runners)}), but not everybody "
        "outside needs an approval: a fork can edit `runs-on` in its pull request and run its code there. Set "
        f"{SETTING}, as `make github APPLY=1` does, or remove these runners"
    )


def _registered(github: Client, place: Place) -> list[str]:
    """The names of the runners that are registered in the repository itself."""
    answer = github.request("GET", f"/repos/{place.repository}/actions/runners?per_page=100")
    return [f"runner {runner['name']}" for runner in answer["runners"]]


def _variable(github: Client, place: Place) -> tuple[str | None, bool]:
    """The variable of the repository, or of its organisation; and whether the token may see that."""
    path = f"/repos/{place.repository}/actions"
    try:
        found: Mapping[str, Any] | None = github.find(f"{path}/variables/{VARIABLE}")
        if found is None and place.organisation:
            listed = github.request("GET", f"{path}/organization-variables?per_page=30")["variables"]
            found = next((one for one in listed if one["name"] == VARIABLE), None)
    except GitHubError as error:
        if error.status == 403:
            return None, False
        raise
    return (str(found["value"]).strip() or None if found else None), True


def _is_standard(variable: str) -> bool:
    """Whether it names GitHub's standard runners only. A larger runner's name cannot be told from one's own."""
    try:
        asked = json.loads(variable)
    except ValueError:
        raise GitHubError(
            f"the variable {VARIABLE} is {variable}, which is no JSON: a label in quotes is needed, such as "
            f'"ubuntu-24.04-arm", or several, such as ["self-hosted", "gpu"]'
        ) from None
    labels = [asked] if isinstance(asked, str) else asked
    return isinstance(labels, list) and all(
        isinstance(label, str) and STANDARD.fullmatch(label.lower()) for label in labels
    )
