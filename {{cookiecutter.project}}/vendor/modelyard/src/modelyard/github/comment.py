"""Post the model report on a pull request, as one comment that is updated.

Runs main's code on the artifact of another run, which anybody's pull request may have produced. So the first line is
not the report's: it says how that run ended, as GitHub knows it, whether it was a fork's, and whether the
pull request changes what judges it. CML posts the comment if it would update the right one; otherwise, or if CML fails,
the API is used.

Reads HEAD_SHA, CONCLUSION and HEAD_REPOSITORY of the run from the environment.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import cml
from .api import Client, GitHubError, checked_repository, client
from .approval import Owned, owners_shown, shown, unapproved_files
from .codeowners import Rule, read_rules
from .patch import ADVICE
from .token_owner import token_owner
from .untrusted import ORIGIN, REPORT, SHA, read_origin, read_report

Comment = dict[str, Any]
ENDED = {
    "success": "**✅ The checks of commit {head} passed.**",
    "failure": "**⛔ The checks of commit {head} failed, whatever the report says: it cannot be merged.**",
}
JUDGING = (
    "**⛔ This changes what judges it: {files}. The check `model` stays red until an owner has approved that, whatever "
    "follows.** Owners: {owners}. To approve, submit a review (*Files changed*, *Review changes*, *Approve*); of your "
    "own pull request, one that only comments, with the line `/approve`."
)
BY_ITSELF = "train.yml passed for commit {head}, as this change has it judged."
STALE = f"dvc.lock is not what the pipeline makes of this commit, and a fork's branch is its owner's: {ADVICE}"
FORKED = "> [!NOTE]\n> What follows was written by a run of the fork {fork}, which may have changed what judges it."
PATCH = "lock.patch"
UNREPORTED = "The run left no report: it ended before `make report` could write one. Its log says where, and why."


@dataclass(frozen=True)
class Run:
    """The run that left the report: its commit, how it ended as GitHub says (a key of ENDED), and whose code it was."""

    head: str
    conclusion: str
    repository: str

    def headline(self, repository: str, waiting: Owned, *, stale: bool) -> str:
        """What a reader of that repository must know before the report.

        waiting: the files that no owner has approved. stale: dvc.lock is to be committed.
        """
        parts = opening(self.head, self.conclusion, waiting)
        if self.repository.lower() != repository.lower():
            parts += [_with_commands(STALE)] if stale and self.conclusion == "failure" else []
            parts.append(FORKED.format(fork=f"`{self.repository}`"))
        return "\n\n".join(parts)


def opening(head: str, conclusion: str, waiting: Owned) -> list[str]:
    """The first paragraphs of a comment: what waits for an owner, and how train.yml ended."""
    ended = BY_ITSELF if waiting and conclusion == "success" else ENDED[conclusion]
    judging = [JUDGING.format(files=shown(waiting), owners=owners_shown(waiting))] if waiting else []
    return [*judging, ended.format(head=head[:7])]


def open_anew(github: Client, repository: str, pull: Mapping[str, Any], conclusion: str, waiting: Owned) -> None:
    """Give the comment on a pull request, if there is one of its head, the first paragraphs that are right now."""
    head = pull["head"]["sha"]
    thread = Thread(github, repository, pull["number"])
    own = [one for one in thread.own_comments(thread.comments()) if head in one["body"]]
    if not own or conclusion not in ENDED:
        return
    paragraphs = own[0]["body"].replace("\r\n", "\n").split("\n\n")
    ours = tuple(text.partition("{")[0] for text in (JUDGING, BY_ITSELF, *ENDED.values()))
    while paragraphs and paragraphs[0].startswith(ours):
        del paragraphs[0]
    thread.settle("\n\n".join([*opening(head, conclusion, waiting), *paragraphs]))


def comment(github: Client, repository: str, folder: Path, run: Run, rules: Sequence[Rule]) -> str:
    """Post the report in a folder if it is of the run's commit. rules: main's CODEOWNERS. Returns what was done."""
    head = run.head
    origin = read_origin(folder)
    if origin.head != head:
        raise GitHubError(f"the artifact is of {origin.head}, the run of {head}; nothing is posted")
    pull = github.find(f"/repos/{repository}/pulls/{origin.number}")
    if outdated := _outdated(pull, origin.number, head):
        return outdated
    waiting = unapproved_files(github, repository, pull, rules)
    above = run.headline(repository, waiting, stale=os.path.lexists(folder / PATCH))
    has_report = os.path.lexists(folder / REPORT)
    text = read_report(folder, head, above) if has_report else f"{above}\n\n{UNREPORTED}"
    thread = Thread(github, repository, origin.number)
    comments = thread.comments()
    ours = thread.own_comments(comments)
    if cml.would_update(comments) is not (ours[0] if ours else None):
        route = "through the API, because CML would not find the comment"
    elif failure := cml.run(text, origin.number, head, repository, github.token or ""):
        route = f"through the API, because {failure}"
    else:
        route = "with CML"
    # CML may fail after it has posted, so the comments are always read again
    posted, changed = thread.settle(f"{text}\n\n{cml.mark(head)}")
    if changed and route == "with CML":
        route = "with CML, and corrected through the API"
    return f"posted {route}: {posted.get('html_url', '')}"


def _outdated(pull: Any, number: int, head: str) -> str | None:
    """Why nothing is posted on a pull request; None if the report is to be posted."""
    if pull is None:
        raise GitHubError(f"there is no pull request {number}; nothing is posted")
    if pull["head"]["sha"] != head:
        return f"pull request {number} has a newer head than {head}; the newer run reports"
    if pull["state"] != "open":
        return f"pull request {number} is {pull['state']}; nothing is posted"
    return None


class Thread:
    """The comments of one pull request."""

    def __init__(self, github: Client, repository: str, number: int) -> None:
        self.github = github
        self.comments_path = f"/repos/{repository}/issues/comments"
        self.thread_path = f"/repos/{repository}/issues/{number}/comments"
        self.owner = token_owner(github)

    def comments(self) -> list[Comment]:
        """All of them, the oldest first."""
        return list(self.github.pages(self.thread_path))

    def own_comments(self, comments: list[Comment]) -> list[Comment]:
        """Those with the watermark that we wrote; a person who pastes the watermark keeps their comment."""
        return [one for one in comments if cml.is_marked(one.get("body")) and self.owner.wrote(one)]

    def settle(self, body: str) -> tuple[Comment, bool]:
        """Make this text our only comment. Returns the comment, and whether anything had to be changed."""
        ours = self.own_comments(self.comments())
        if not ours:
            return self.github.request("POST", self.thread_path, {"body": body}), True
        posted, *others = ours
        same = _plain(posted["body"]) == _plain(body)
        if not same:
            posted = self.github.request("PATCH", f"{self.comments_path}/{posted['id']}", {"body": body})
        for other in others:
            self.github.request("DELETE", f"{self.comments_path}/{other['id']}")
        return posted, not same or bool(others)


def _with_commands(text: str) -> str:
    """A sentence, with the indented lines after it as a block of code."""
    sentence, *lines = text.split("\n")
    return "\n".join([sentence, "", "```sh", *map(str.strip, lines), "```"])


def _plain(body: str) -> str:
    return body.replace("\r\n", "\n").strip()


def main(arguments: list[str] | None = None) -> None:
    """The verb `comment`."""
    parser = argparse.ArgumentParser(prog="comment", description=__doc__)
    parser.add_argument("--report", type=Path, required=True, metavar="FOLDER", help="report.md and pull-request.json")
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    options = parser.parse_args(arguments)
    head, conclusion = os.environ.get("HEAD_SHA", ""), os.environ.get("CONCLUSION", "")
    if not SHA.fullmatch(head):
        raise GitHubError(f"HEAD_SHA is {head!r}: the commit of the run that made the report is needed")
    if conclusion not in ENDED:
        raise GitHubError(f"CONCLUSION is {conclusion!r}: how that run ended is needed, {' or '.join(ENDED)}")
    run = Run(head, conclusion, checked_repository(os.environ.get("HEAD_REPOSITORY", "")))
    if not os.path.lexists(options.report / ORIGIN):
        print("the run was for no pull request; nothing is posted")
        return
    _, rules = read_rules(Path())
    print(comment(client(), checked_repository(options.repository), options.report, run, rules))
