"""Post the model report on a pull request, as one comment that is updated.

Runs main's code on the artifact of another run, which anybody's pull request may have produced. CML posts the comment
if it would update the right one; otherwise, or if CML fails, the API is used.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from . import cml
from .api import Client, GitHubError, checked_repository, client
from .token_owner import token_owner
from .untrusted import ORIGIN, SHA, read_origin, read_report

Comment = dict[str, Any]


def comment(github: Client, repository: str, folder: Path, head: str) -> str:
    """Post the report in a folder if it is of the commit `head`. Returns one line on what was done."""
    origin = read_origin(folder)
    if origin.head != head:
        raise GitHubError(f"the artifact is of {origin.head}, the run of {head}; nothing is posted")
    if outdated := _outdated(github.find(f"/repos/{repository}/pulls/{origin.number}"), origin.number, head):
        return outdated
    text = read_report(folder, head)
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


def _plain(body: str) -> str:
    return body.replace("\r\n", "\n").strip()


def main(arguments: list[str] | None = None) -> None:
    """The verb `comment`."""
    parser = argparse.ArgumentParser(prog="comment", description=__doc__)
    parser.add_argument("--report", type=Path, required=True, metavar="FOLDER", help="report.md and pull-request.json")
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    options = parser.parse_args(arguments)
    head = os.environ.get("HEAD_SHA", "")
    if not SHA.fullmatch(head):
        raise GitHubError(f"HEAD_SHA is {head!r}: the commit of the run that made the report is needed")
    if not os.path.lexists(options.report / ORIGIN):
        print("the run was for no pull request; nothing is posted")
        return
    print(comment(client(), checked_repository(options.repository), options.report, head))
