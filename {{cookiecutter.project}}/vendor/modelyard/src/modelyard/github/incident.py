"""Keep one issue for each alarm: open while it lasts, with what is known of it, closed with a comment when it is over.

An issue that somebody closed before the alarm is over is opened again, unless it was closed as "not planned": then it
is left alone until the alarm is over. Only issues with the label `incident` that this token's owner wrote are touched.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..markdown import code, cut, prose
from .alarms import Incident, Statement, bounded, of_job, of_schedule, read_alarms, read_alert
from .api import Client, GitHubError, checked_repository, client
from .outputs import write_summary
from .token_owner import token_owner
from .untrusted import APART, AT

LABEL = {"name": "incident", "color": "b60205", "description": "Something is wrong in production"}
MOST = 20  # issues of one source that are open at a time
HOPELESS = {401, 403, 404, 410}  # what is refused to one issue is refused to all
# at the beginning of a line, where no text of an alarm can be
MARK = re.compile(r"^<!-- modelyard-incident ([\w-]+) ([0-9a-f]{64}) -->", re.MULTILINE)
ADVICE = {
    "drift": "Rows differ from those that the model was trained on. See `docs/monitoring.md`, and the page of the "
    "run; retraining starts by itself where `policy.yaml` says so.",
    "performance": "Answers are worse than at the release. Compare with the baseline, and consider an older version: "
    "`docs/operations.md` says how to roll back.",
    "coverage": "Too few labels have come to state how good the answers are. See that their source is complete.",
    "skew": "The service computes other features than the training does for the same rows. Do not retrain before this "
    "is understood.",
    "logs": "The log of predictions is not complete. Figures of the days named are of what has arrived.",
    "job": "What it is there for is not done until it succeeds. See its run, and start the workflow again.",
    "update": "Type `make upgrade` in a clone, resolve what conflicts, then `make setup pipeline`, commit and open a "
    "pull request. `docs/upgrading.md` says more.",
    "schedule": "Commit something to main, such as an update of packages. A schedule that was stopped is started again "
    "on the page of the workflow, in the tab Actions.",
    "data": "New data differs from all before, so nothing was trained on it. If it is right as it is, accept the "
    "period in a commit: `make retrain ARGS='--accept PERIOD'`. If not, have the source corrected.",
}
Issue = dict[str, Any]


class Incidents:
    """The issues of incidents in one repository, and what was done to them."""

    def __init__(self, github: Client, repository: str) -> None:
        self.github = github
        self.repository = repository
        self.path = f"/repos/{repository}/issues"
        self.owner = token_owner(github)
        self.done: list[str] = []
        self.failed: list[str] = []
        self._labelled = False

    def settle(self, statement: Statement) -> None:
        """Bring the issues of a source up to date. Raises GitHubError if GitHub takes no issue from this token."""
        known = self._known(statement.name)
        preferred = frozenset(
            alarm.key for alarm in statement.alarms if any(map(_is_open, known.get(digest(alarm.key), [])))
        )
        for alarm in bounded(statement, preferred, MOST).alarms:
            issues = known.pop(digest(alarm.key), [])
            self._try(alarm.key, partial(self._present, statement.name, alarm, issues))
        over = None if statement.over is None else set(map(digest, statement.over))
        for name, issues in known.items():
            if over is None or name in over:
                self._try(issues[-1]["title"], partial(self._over, issues))

    def telling(self, statement: Statement) -> list[Issue]:
        """The issues that say all of a statement as it is; none if one of its alarms is new, or has changed.

        An issue that was closed as not planned is such a one: somebody has seen it.
        """
        known, found = self._known(statement.name), []
        for alarm in bounded(statement, frozenset(), MOST).alarms:
            issues = known.get(digest(alarm.key)) or [{"state": "missing"}]
            issue = next(filter(_is_open, issues), issues[-1])
            is_current = _is_open(issue) and _plain(issue["body"] or "") == text(statement.name, alarm, self.repository)
            if not is_current and issue.get("state_reason") != "not_planned":
                return []
            found.append(issue)
        return found

    def _known(self, source: str) -> dict[str, list[Issue]]:
        """Our issues of a source by the hash of their alarm's key, the oldest first."""
        found: dict[str, list[Issue]] = {}
        for issue in self.github.pages(f"{self.path}?labels={LABEL['name']}&state=all&sort=created&direction=asc"):
            mark = MARK.search(issue.get("body") or "")
            if mark and mark[1] == source and "pull_request" not in issue and self.owner.wrote(issue):
                found.setdefault(mark[2], []).append(issue)
        return found

    def _try(self, what: str, act: Callable[[], None]) -> None:
        try:
            act()
        except GitHubError as error:
            if error.status in HOPELESS:
                raise _explained(error) from None
            self.failed.append(f"{cut(what, 100)}: {error}")

    def _present(self, source: str, alarm: Incident, issues: list[Issue]) -> None:
        body = text(source, alarm, self.repository)
        opened = list(filter(_is_open, issues))
        for other in opened[1:]:  # two runs at once, or a person's copy
            self._change(other, {"state": "closed", "state_reason": "not_planned", "body": _unmarked(other)})
            self.done.append(f"closed {_link(other)}: the same as {_link(opened[0])}")
        if opened:
            changed = {"body": body} if _plain(opened[0].get("body") or "") != _plain(body) else {}
            if changed:
                self._change(opened[0], changed)
            self.done.append(f"{'updated' if changed else 'unchanged'} {_link(opened[0])}: {cut(alarm.summary, 200)}")
        elif not issues:
            self._open(source, alarm, body)
        elif issues[-1].get("state_reason") == "not_planned":
            self.done.append(f"left {_link(issues[-1])} closed, as somebody wished: {cut(alarm.summary, 200)}")
        else:
            self._change(issues[-1], {"state": "open", "body": body})
            self._say(issues[-1], f"It is back. {prose(alarm.summary)}")
            self.done.append(f"reopened {_link(issues[-1])}: {cut(alarm.summary, 200)}")

    def _open(self, source: str, alarm: Incident, body: str) -> None:
        self._label()
        title = AT.sub(APART, cut(f"{alarm.kind}: {alarm.subject}", 120))

        def find() -> Issue | None:
            return next(iter(self._known(source).get(digest(alarm.key), [])), None)

        made = self.github.make(self.path, {"title": title, "body": body, "labels": [LABEL["name"]]}, find)
        self.done.append(f"opened {_link(made)}: {cut(alarm.summary, 200)}")

    def _over(self, issues: list[Issue]) -> None:
        for issue in filter(_is_open, issues):
            self._change(issue, {"state": "closed", "state_reason": "completed"})
            self._say(issue, "Over: there is no such alarm any more.")
            self.done.append(f"closed {_link(issue)}: over")
        if (last := issues[-1]).get("state_reason") == "not_planned" and not _is_open(last):
            # should it come back, it is another incident: this one was left alone by somebody's wish
            self._change(last, {"body": _unmarked(last)})

    def _label(self) -> None:
        if not self._labelled and not self.github.exists(f"/repos/{self.repository}/labels/{LABEL['name']}"):
            try:
                self.github.request("POST", f"/repos/{self.repository}/labels", LABEL)
            except GitHubError as error:
                if error.status != 422:  # somebody was faster
                    raise
        self._labelled = True

    def _change(self, issue: Issue, changes: dict[str, str]) -> None:
        self.github.request("PATCH", f"{self.path}/{issue['number']}", changes)

    def _say(self, issue: Issue, said: str) -> None:
        path = f"{self.path}/{issue['number']}/comments"
        body = f"{said} Found by {_run(self.repository)}."

        def find() -> dict[str, Any] | None:
            return next((comment for comment in self.github.pages(path) if _plain(comment["body"]) == body), None)

        self.github.make(path, {"body": body}, find)


def text(source: str, alarm: Incident, repository: str) -> str:
    """The body of an alarm's issue, with nothing in it that depends on the run."""
    since = f"\n\nSince {code(alarm.since)}." if alarm.since else ""
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    workflow = os.environ.get("GITHUB_WORKFLOW", "")  # its file has its name
    page = f"/workflows/{workflow}.yml" if re.fullmatch(r"[\w-]+", workflow) else ""
    ours = re.compile(re.escape(f"{server}/{repository}/blob/HEAD/docs/") + r"[\w/-]+(\.[\w-]+)*(#[\w-]+)?")
    lines = "".join(f"\n- {line if ours.fullmatch(line) else prose(line)}" for line in alarm.lines)
    advice = f"\n\n{ADVICE[alarm.kind]}" if alarm.kind in ADVICE else ""
    return (
        f"**{prose(alarm.summary)}**{since}\n{lines}{advice}\n\n"
        f"[The workflow that found it]({server}/{repository}/actions{page}) keeps this up to date, and closes it when "
        "it is over. If you close it as *not planned* before, it is left alone until then.\n\n"
        f"<!-- modelyard-incident {source} {digest(alarm.key)} -->"
    )


def digest(key: str) -> str:
    """A key of an alarm as the mark in its issue has it: of letters and digits only."""
    return hashlib.sha256(key.encode()).hexdigest()


def _is_open(issue: Issue) -> bool:
    return bool(issue["state"] == "open")


def _unmarked(issue: Issue) -> str:
    return MARK.sub("", issue.get("body") or "").strip()


def _link(issue: Issue) -> str:
    return f"#{issue['number']}"


def _plain(body: str) -> str:
    return body.replace("\r\n", "\n").strip()


def _run(repository: str) -> str:
    server, run = os.environ.get("GITHUB_SERVER_URL") or "https://github.com", os.environ.get("GITHUB_RUN_ID")
    return f"[this run]({server}/{repository}/actions/runs/{run})" if run else "a person"


def _explained(error: GitHubError) -> GitHubError:
    if error.status == 410:
        return GitHubError(f"{error}; switch issues on in the repository's settings, at General, Features", 410)
    return error


def main(arguments: list[str] | None = None) -> None:
    """The verb `incident`."""
    parser = argparse.ArgumentParser(
        prog="incident", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--alarms", type=Path, action="append", default=[], metavar="FILE", help="monitor.json or retrain.json"
    )
    parser.add_argument("--alert", type=Path, metavar="FILE", help="the event of a repository_dispatch")
    parser.add_argument("--job", action="append", default=[], metavar="NAME=RESULT", help="how a job ended")
    parser.add_argument("--idle", type=int, metavar="DAYS", help="since the last commit on main")
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), metavar="OWNER/NAME")
    options = parser.parse_args(arguments)
    repository = checked_repository(options.repository)
    # all are read before anything is written
    statements = [said for path in options.alarms if (said := read_alarms(path))]
    statements += [read_alert(options.alert)] if options.alert else []
    statements += [of_job(*job.split("=", 1)) for job in options.job]
    statements += [] if options.idle is None else [of_schedule(options.idle)]
    incidents = Incidents(client(), repository)
    for statement in statements:
        incidents.settle(statement)
    print("\n".join(incidents.done) or "there is no incident, and there was none")
    write_summary("".join(f"- {prose(line)}\n" for line in incidents.done))
    if incidents.failed:
        raise GitHubError("some incidents are not up to date; run this again:\n" + "\n".join(incidents.failed))
