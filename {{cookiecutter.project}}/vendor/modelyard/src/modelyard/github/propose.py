"""Open the pull request of a retraining, or bring the one that is open up to date.

Runs main's code beside a checkout of the commit that was retrained. There is one pull request at a time: one with the
same data gets a comment if the cause is another; one with older data gets the new commit, unless somebody else pushed
to it. CML opens it; the API does if CML fails. Where it cannot be opened, its branch is removed again, at the latest by
the next run.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any

from ..git import git, try_git
from . import cml
from .api import Client, GitHubError, checked_repository, client
from .outputs import write_summary
from .patch import RETRAINED, commit, is_ours, is_staged, push_command, remove_command, stage
from .relock import has_checks, start_checks
from .retraining import (
    PREFIX,
    Pull,
    Retraining,
    body_of,
    cause_line,
    causes_of,
    data_digest,
    data_of,
    pulls,
    read_retraining,
)
from .untrusted import SHA, harmless

FORBIDDEN = "not permitted to create"  # GitHub's words
PERMIT = (
    "allow it in the settings at Actions, General (`make github APPLY=1` does), or give the workflow a token of its "
    "own as the secret CML_PR_TOKEN"
)


class Proposal:
    """A retraining that is to be proposed. starts: whether the checks must be started, as for a workflow's token."""

    def __init__(self, github: Client, repository: str, checkout: Path, retraining: Retraining, starts: bool) -> None:
        self.github = github
        self.repository = repository
        self.checkout = checkout
        self.retraining = retraining
        self.starts = starts

    def settle(self, patch: Path, base: str) -> str:
        """Open or update the pull request, from the commit `base`. Returns one line on what was done."""
        opened = pulls(self.github, self.repository, "open")
        if not os.path.lexists(patch):  # nothing was trained, because the data is proposed already
            same = next((pull for pull in opened if data_of(pull)[0] == data_digest(self.retraining)), None)
            return self._mention(same) if same else "the pull request with this data is closed by now; nothing is done"
        at = git(self.checkout, "rev-parse", "HEAD").strip()
        if at != base:
            raise GitHubError(f"{self.checkout} is at {at}, the retraining was of {base}; nothing is pushed")
        stage(self.checkout, patch, RETRAINED)
        if not is_staged(self.checkout):
            return "the retraining changes nothing; nothing is proposed"
        made = commit(self.checkout, self.repository, base, self.retraining.title)
        tree = git(self.checkout, "rev-parse", "HEAD^{tree}").strip()
        body = body_of(self.retraining, tree, made)
        if not opened:
            return self._open(made, body)
        pull = opened[0]
        data, head = data_of(pull)
        if data == data_digest(self.retraining, tree):
            return self._mention(pull)
        # the mark names an older commit where a run ended between the push and the change of the text
        if head != pull["head"]["sha"] and not self._is_ours(pull["head"]["sha"]):
            return f"{_link(pull)} has commits of others, so it is left as it is; close it to get one with newer data"
        return self._update(pull, made, body)

    def _open(self, made: str, body: str) -> str:
        branch = f"{PREFIX}{_name(self.retraining.new)}-{os.environ.get('GITHUB_RUN_ID') or made[:7]}"
        self._remove_leftovers()
        default = str(self.github.request("GET", f"/repos/{self.repository}")["default_branch"])
        title = harmless(self.retraining.title)
        refused = cml.create_pull(self.checkout, branch, default, title, body, self.repository, self.github.token or "")
        route = f"through the API, because {refused}" if refused else "with CML"
        pull = self._find(branch)
        if not pull or pull["head"]["sha"] != made:
            route = route if refused else "through the API, because CML opened no pull request of this commit"
            pull = self._open_by_api(branch, default, title, body)
        self._start(branch, pull)
        return f"opened {route}: {_link(pull)}"

    def _open_by_api(self, branch: str, default: str, title: str, body: str) -> Pull:
        pushed = try_git(self.checkout, *push_command(branch), token=self.github.token)
        if pushed.returncode:
            raise GitHubError(f"git push to {branch} was refused: {' '.join(pushed.stderr.split())[-400:]}")
        try:
            given = {"title": title, "head": branch, "base": default, "body": body}
            pull: Pull = self.github.make(f"/repos/{self.repository}/pulls", given, lambda: self._find(branch))
        except GitHubError as error:
            removed = try_git(self.checkout, *remove_command(branch), token=self.github.token)
            left = f"; the branch {branch} could not be removed, which the next run does" if removed.returncode else ""
            advice = f"; {PERMIT}" if FORBIDDEN in str(error) else ""
            raise GitHubError(f"{error}{advice}{left}", error.status) from None
        return pull

    def _find(self, branch: str, state: str = "open") -> Pull | None:
        owner = self.repository.partition("/")[0]
        found = self.github.request("GET", f"/repos/{self.repository}/pulls?state={state}&head={owner}:{branch}")
        return next(iter(found), None)

    def _remove_leftovers(self) -> None:
        """Remove branches of runs that ended before there was a pull request; none is at work beside this one."""
        listed = git(self.checkout, "ls-remote", "origin", f"refs/heads/{PREFIX}*", token=self.github.token)
        for sha, ref in (line.split("\t") for line in listed.splitlines()):
            branch = ref.removeprefix("refs/heads/")
            if not self._find(branch, "all") and self._is_ours(sha):
                git(self.checkout, *remove_command(branch, sha), token=self.github.token)

    def _is_ours(self, sha: str) -> bool:
        return is_ours(self.github.request("GET", f"/repos/{self.repository}/commits/{sha}")["commit"])

    def _update(self, pull: Pull, made: str, body: str) -> str:
        """Replace the commit of a pull request that only a retraining has pushed to."""
        branch, before = str(pull["head"]["ref"]), str(pull["head"]["sha"])
        pushed = try_git(self.checkout, *push_command(branch, before), token=self.github.token)
        if pushed.returncode:
            raise GitHubError(f"git push to {branch} was refused: {' '.join(pushed.stderr.split())[-400:]}")
        changes = {"title": harmless(self.retraining.title), "body": body}
        self.github.request("PATCH", f"/repos/{self.repository}/pulls/{pull['number']}", changes)
        self._start(branch, pull)
        return f"updated to {made[:7]}, which has newer data: {_link(pull)}"

    def _mention(self, pull: Pull) -> str:
        """Name a further cause on a pull request with the same data, once."""
        path = f"/repos/{self.repository}/issues/{pull['number']}/comments"

        def comments() -> list[dict[str, Any]]:
            return list(self.github.pages(path))

        if self.retraining.cause in causes_of([pull.get("body") or "", *(one["body"] for one in comments())]):
            self._start_if_none(pull)
            return f"left as it is, because it has the same data and names this cause: {_link(pull)}"
        said = f"Asked for again.\n\n{cause_line(self.retraining)}"
        self.github.make(path, {"body": said}, lambda: next((one for one in comments() if one["body"] == said), None))
        self._start_if_none(pull)
        return f"named the cause {self.retraining.cause} on the one with the same data: {_link(pull)}"

    def _start_if_none(self, pull: Pull) -> None:
        """Start the checks where the run that opened it ended before."""
        if self.starts and not has_checks(self.github, self.repository, pull["head"]["sha"]):
            self._start(str(pull["head"]["ref"]), pull)

    def _start(self, branch: str, pull: Pull) -> None:
        if self.starts:
            done = f"the pull request {pull['number']} is there"
            start_checks(self.github, self.repository, branch, int(pull["number"]), done)


def _name(watermark: str) -> str:
    """A watermark as a part of a branch's name."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", watermark).strip("-") or "model"


def _link(pull: Pull) -> str:
    return f"pull request {pull['number']}, {pull['html_url']}"


def main(arguments: list[str] | None = None) -> None:
    """The verb `propose`."""
    parser = argparse.ArgumentParser(
        prog="propose", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--retraining", type=Path, required=True, metavar="FOLDER", help="retrain.json, retrain.patch")
    parser.add_argument("--checkout", type=Path, default=Path(), metavar="FOLDER", help="the commit, checked out")
    parser.add_argument("--base", required=True, metavar="SHA", help="the commit that was retrained")
    parser.add_argument(
        "--no-checks", action="store_true", help="start no checks: pushes with this token start them by themselves"
    )
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    options = parser.parse_args(arguments)
    if not SHA.fullmatch(options.base):
        raise GitHubError(f"--base is {options.base!r}: the full hash of a commit is needed")
    retraining = read_retraining(options.retraining / "retrain.json")
    repository = checked_repository(options.repository)
    proposal = Proposal(client(), repository, options.checkout, retraining, not options.no_checks)
    said = proposal.settle(options.retraining / "retrain.patch", options.base)
    write_summary(f"{said[0].upper()}{said[1:]}\n")
    print(said)
