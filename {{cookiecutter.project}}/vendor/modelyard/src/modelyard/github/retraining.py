"""What a retraining found, and the pull requests that retrainings have opened.

A pull request of a retraining is known by its branch and by marks in its text: of the data that it takes in, of its
commit and of its causes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..markdown import code, cut, prose
from .api import Client, GitHubError
from .untrusted import read_json

PREFIX = "retrain/"  # of the branches
CAUSES = ("schedule", "data", "drift", "performance", "by_hand")
LARGEST = 5_000_000  # bytes of retrain.json
SHOWN = 12  # periods that are named
# at the beginning of a line, where no text of others can be
DATA_MARK = re.compile(r"^<!-- modelyard-retrain ([0-9a-f]{64}) ([0-9a-f]{40}) -->", re.MULTILINE)
CAUSE_MARK = re.compile(r"^<!-- modelyard-cause (\w+) -->", re.MULTILINE)
Pull = dict[str, Any]


@dataclass(frozen=True)
class Retraining:
    """What `retrain` wrote. old, new: the watermarks, empty for data without time. tune: whether to tune."""

    cause: str
    reason: str
    old: str
    new: str
    periods: tuple[str, ...]
    changed: bool
    implausible: int
    tune: bool

    @property
    def title(self) -> str:
        """The pull request's title, which becomes the commit's subject on main."""
        return cut(f"Retrain because of {WORDS[self.cause]}{f': data up to {self.new}' if self.new else ''}", 120)


# How a cause reads in a sentence
WORDS = {
    "schedule": "the schedule",
    "data": "new data",
    "drift": "drift",
    "performance": "performance",
    "by_hand": "a person's request",
}


def read_retraining(path: Path) -> Retraining:
    """What a retrain.json says. Raises GitHubError if it is none, or names no cause."""
    content = read_json(path, LARGEST)
    if not isinstance(content, dict) or not isinstance(content.get("changed"), bool):
        raise GitHubError(f"{path} is no JSON of the form that `retrain` writes; nothing is done")
    if content.get("cause") not in CAUSES:
        raise GitHubError(f"{path}: cause is {cut(content.get('cause'), 60)!r}, none of {', '.join(CAUSES)}")
    periods, implausible = content.get("periods") or [], content.get("implausible") or []
    if not isinstance(periods, list) or not isinstance(implausible, list):
        raise GitHubError(f"{path}: periods or implausible is no list; nothing is done")
    return Retraining(
        cause=content["cause"],
        reason=cut(content.get("reason") or "", 300),
        old=cut(content.get("old") or "", 40),
        new=cut(content.get("new") or "", 40),
        periods=tuple(cut(period, 40) for period in periods),
        changed=content["changed"],
        implausible=len(implausible),
        tune=content.get("tune") is True,
    )


def data_digest(retraining: Retraining, tree: str = "") -> str:
    """What two retrainings on the same data share: the watermark, or without one the tree of the commit."""
    return watermark_digest(retraining.new or tree)


def watermark_digest(watermark: str) -> str:
    """The `data_digest` of a retraining that moves the watermark to this period."""
    return hashlib.sha256(watermark.encode()).hexdigest()


def body_of(retraining: Retraining, tree: str, commit: str) -> str:
    """The text of a pull request, which becomes the commit's message on main."""
    periods = [code(period) for period in retraining.periods[:SHOWN]]
    more = len(retraining.periods) - SHOWN
    listed = f"\n\nNew periods: {', '.join(periods)}{f' and {more} more' if more > 0 else ''}." if periods else ""
    watermark = f"\n\nWatermark: {code(retraining.old or '-')} to {code(retraining.new)}." if retraining.new else ""
    return (
        f"{cause_line(retraining)}{watermark}{listed}\n\n"
        "The check `model` judges the new model against the one on main; its report follows as a comment. If this is "
        "closed without a merge, the same data is not proposed again, except by hand.\n\n"
        f"<!-- modelyard-retrain {data_digest(retraining, tree)} {commit} -->"
    )


def cause_line(retraining: Retraining) -> str:
    """The cause and its reason, with the mark of the cause."""
    reason = f": {prose(retraining.reason)}" if retraining.reason else ""
    return f"<!-- modelyard-cause {retraining.cause} -->\n**Cause: {retraining.cause}**{reason}"


def pulls(github: Client, repository: str, state: str) -> list[Pull]:
    """The pull requests of retrainings, the newest first; of closed ones, among the last hundred of all."""
    listed: Iterable[Pull]
    if state == "open":
        listed = github.pages(f"/repos/{repository}/pulls?state=open")
    else:
        listed = github.request("GET", f"/repos/{repository}/pulls?state={state}&per_page=100")
    return [pull for pull in listed if _is_ours(pull, repository)]


def data_of(pull: Pull) -> tuple[str, str]:
    """The digest of the data and the commit in a pull request's mark; empty where somebody removed it."""
    mark = DATA_MARK.search(pull.get("body") or "")
    return (mark[1], mark[2]) if mark else ("", "")


def causes_of(texts: Iterable[str]) -> set[str]:
    """The causes that a pull request and its comments name."""
    return {cause for text in texts for cause in CAUSE_MARK.findall(text)}


def _is_ours(pull: Pull, repository: str) -> bool:
    head = pull["head"]
    # whoever may push to a branch of this repository is trusted with it
    return str(head["ref"]).startswith(PREFIX) and (head.get("repo") or {}).get("full_name") == repository
