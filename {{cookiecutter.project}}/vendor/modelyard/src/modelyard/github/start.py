"""Start retrain.yml if `retrain --due` found a cause, unless an open pull request of a retraining names it already.

One that is open with older data does not hold it up, for the run replaces that data. The cause `data` starts it in any
case: the run also finishes what an earlier one left half done.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..markdown import cut, prose
from .api import Client, GitHubError, checked_repository, client
from .outputs import write_summary
from .retraining import CAUSES, LARGEST, causes_of, data_of, pulls, watermark_digest
from .untrusted import read_json

WORKFLOW = "retrain.yml"


def start(github: Client, repository: str, cause: str, reason: str, periods: Sequence[str]) -> str:
    """Start a retraining because of a cause. Returns one line on what was done.

    periods: those that it would take, in order.
    """
    data = watermark_digest(periods[-1]) if periods else ""
    for pull in pulls(github, repository, "open") if cause != "data" else []:
        if data and data_of(pull)[0] != data:
            continue
        comments = github.pages(f"/repos/{repository}/issues/{pull['number']}/comments")
        if cause in causes_of([pull.get("body") or "", *(one["body"] for one in comments)]):
            return f"not started: pull request {pull['number']} is open, and names the cause {cause}"
    default = github.request("GET", f"/repos/{repository}")["default_branch"]
    given = {"ref": default, "inputs": {"cause": cause, "reason": reason}}
    # twice is as good as once: the second run finds the pull request of the first
    github.make(f"/repos/{repository}/actions/workflows/{WORKFLOW}/dispatches", given, lambda: None)
    return f"started {WORKFLOW} because of {cause}: {reason}"


def _periods(path: Path, content: Mapping[str, Any]) -> list[str]:
    found = content.get("periods")
    if not isinstance(found, list) or not all(isinstance(period, str) for period in found):
        raise GitHubError(f"{path}: periods is no list of their names; nothing is started")
    return found


def main(arguments: list[str] | None = None) -> None:
    """The verb `start`."""
    parser = argparse.ArgumentParser(
        prog="start", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--due", type=Path, required=True, metavar="FILE", help="retrain.json of `retrain --due`")
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    options = parser.parse_args(arguments)
    repository = checked_repository(options.repository)
    content = read_json(options.due, LARGEST)
    if not isinstance(content, dict) or content.get("cause") not in (None, *CAUSES):
        raise GitHubError(f"{options.due} is no JSON of the form that `retrain --due` writes; nothing is started")
    reason = cut(content.get("reason") or "", 300)
    if content.get("cause") is None:
        print(f"no retraining is due{f': {reason}' if reason else ''}")
        return
    said = start(client(), repository, content["cause"], reason, _periods(options.due, content))
    write_summary(f"- {prose(said)}\n")
    print(said)
