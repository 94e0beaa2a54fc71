"""Start retrain.yml if `retrain --due` found a cause, unless an open pull request of a retraining names it already.

New data starts it in any case, for there may be newer data than the pull request has; the run finds out.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..markdown import cut, prose
from .api import Client, GitHubError, checked_repository, client
from .outputs import write_summary
from .retraining import CAUSES, LARGEST, causes_of, pulls
from .untrusted import read_json

WORKFLOW = "retrain.yml"


def start(github: Client, repository: str, cause: str, reason: str) -> str:
    """Start a retraining because of a cause. Returns one line on what was done."""
    for pull in pulls(github, repository, "open") if cause != "data" else []:
        comments = github.pages(f"/repos/{repository}/issues/{pull['number']}/comments")
        if cause in causes_of([pull.get("body") or "", *(one["body"] for one in comments)]):
            return f"not started: pull request {pull['number']} is open, and names the cause {cause}"
    default = github.request("GET", f"/repos/{repository}")["default_branch"]
    given = {"ref": default, "inputs": {"cause": cause, "reason": reason}}
    # twice is as good as once: the second run finds the pull request of the first
    github.make(f"/repos/{repository}/actions/workflows/{WORKFLOW}/dispatches", given, lambda: None)
    return f"started {WORKFLOW} because of {cause}: {reason}"


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
    said = start(client(), repository, content["cause"], reason)
    write_summary(f"- {prose(said)}\n")
    print(said)
