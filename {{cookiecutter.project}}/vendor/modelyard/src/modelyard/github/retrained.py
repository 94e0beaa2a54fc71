"""Decide whether a retraining is worth a training and a pull request, or keep its changes as a patch.

Without an option it reads reports/retrain.json and the pull requests, and writes the outputs `train`, `propose`,
`tune` and `implausible` of a step; TUNE=true in the environment asks for tuning. Exit status 1 if new data is
implausible, unless incidents say so already: a run that is red each day until somebody answers is soon read by nobody.
With --keep it writes reports/retrain.patch.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .alarms import read_alarms
from .api import Client, GitHubError, checked_repository, client
from .incident import Incidents
from .outputs import write_outputs, write_summary
from .patch import RETRAINED, write_patch
from .retraining import WORDS, Retraining, data_digest, data_of, pulls, read_retraining

FOUND = Path("reports/retrain.json")
PATCH = Path("reports/retrain.patch")


def decide(github: Client, repository: str, retraining: Retraining) -> tuple[dict[str, str], str]:
    """The outputs, and the reason for them in a sentence."""
    nothing = {"train": "false", "propose": "false", "implausible": str(bool(retraining.implausible)).lower()}
    if retraining.implausible:
        periods = "1 new period is" if retraining.implausible == 1 else f"{retraining.implausible} new periods are"
        return nothing, f"{periods} implausible, so nothing is trained"
    if not retraining.changed:
        return nothing, "there is nothing new to train on"
    everything = nothing | {"train": "true", "propose": "true"}
    if retraining.new:
        data = data_digest(retraining)
        same = next((pull for pull in pulls(github, repository, "open") if data_of(pull)[0] == data), None)
        if same:
            return nothing | {"propose": "true"}, f"pull request {same['number']} is open with the same data"
        declined = [one for one in pulls(github, repository, "closed") if data_of(one)[0] == data and not _merged(one)]
        if declined and retraining.cause != "by_hand":
            number = declined[0]["number"]
            return nothing, f"pull request {number} with the same data was closed without a merge: not proposed again"
    return everything, f"the model is trained anew, because of {WORDS[retraining.cause]}"


def told(github: Client, repository: str) -> str:
    """The incidents that say what is implausible already; empty if they do not say all of it as it is."""
    statement = read_alarms(FOUND)
    issues = Incidents(github, repository).telling(statement) if statement else []
    return ", ".join(f"#{issue['number']} ({issue['html_url']})" for issue in issues)


def _merged(pull: dict[str, object]) -> bool:
    return bool(pull.get("merged_at") or pull.get("merged"))


def main(arguments: list[str] | None = None) -> None:
    """The verb `retrained`."""
    parser = argparse.ArgumentParser(
        prog="retrained", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", action="store_true", help="write the patch")
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    options = parser.parse_args(arguments)
    if options.keep:
        changed = write_patch(RETRAINED, PATCH)
        if not changed:
            raise GitHubError("the retraining changed no file that it could propose; see the steps before")
        print(f"kept in {PATCH}: {', '.join(changed)}")
        return
    retraining, github, repository = read_retraining(FOUND), client(), checked_repository(options.repository)
    outputs, why = decide(github, repository, retraining)
    known = told(github, repository) if retraining.implausible else ""
    if known:
        why = f"{why}; this waits, as before, for an answer to {known}"
    outputs["tune"] = str(retraining.tune or os.environ.get("TUNE") == "true").lower()
    lines = write_outputs(outputs)
    write_summary(f"{why[0].upper()}{why[1:]}.\n")
    print(f"::notice::{why}" if known and os.environ.get("GITHUB_ACTIONS") else why)
    print(lines, end="")
    if retraining.implausible and not known:
        raise GitHubError(f"{why}; the incident says what is odd and what to do")
