"""One issue an alarm, on the local GitHub, which refuses what the real one would."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from modelyard.github import api
from modelyard.github.api import GitHubError
from modelyard.github.incident import main
from workflows.local import GitHub
from workflows.local.state import Issue

NAME = "acme/flights"
TEMP = {
    "key": "drift:temp",
    "kind": "drift",
    "subject": "temp",
    "since": "2013-05-01",
    "summary": "`temp` is 0.21 away from the reference, more than 0.1, in 2 of 3 windows",
    "lines": ["2013-05-01: 0.21", "2013-05-08: 0.24"],
}
LOSS = {"key": "performance:log_loss", "kind": "performance", "subject": "log_loss", "summary": "0.51 after 0.47"}
Said = Callable[..., str]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A GitHub with one repository, which the environment points to with a token that may write issues."""
    served = GitHub(tmp_path / "github")
    served.create(NAME)
    for name in ("GH_TOKEN", "GITHUB_SERVER_URL", "GITHUB_RUN_ID", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_API_URL", served.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    monkeypatch.setenv("GITHUB_TOKEN", served.token({"issues": "write"}))
    monkeypatch.setattr(api.Client, "pause", 0, raising=False)
    monkeypatch.setattr("time.sleep", lambda _: None)
    yield served
    served.stop()


@pytest.fixture
def told(hub: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """What `incident` prints of a monitor.json with these alarms, or of another content."""

    def act(*alarms: dict[str, Any], content: object = None) -> str:
        assert hub
        path = tmp_path / "alarms.json"
        path.write_text(json.dumps({"format": 1, "alarms": alarms} if content is None else content))
        main(["--alarms", str(path)])
        return capsys.readouterr().out

    return act


def issues(hub: GitHub) -> list[Issue]:
    return list(hub.shelf(hub.repository(NAME)).issues.values())


def comments(hub: GitHub, number: int) -> list[str]:
    return [comment.body for comment in hub.comments_of(hub.repository(NAME), number)]


def test_an_alarm_has_one_issue_that_is_updated_closed_and_reopened(hub: GitHub, told: Said):
    assert told(TEMP, LOSS).count("opened #") == 2
    first, second = issues(hub)
    assert (first.title, first.labels, first.state) == ("drift: temp", ["incident"], "open")
    assert "is 0.21 away" in first.body
    assert "- 2013-05-08: 0.24" in first.body
    assert "`2013-05-01`" in first.body
    assert hub.shelf(hub.repository(NAME)).labels["incident"]["color"] == "b60205"

    before = first.body
    assert told(TEMP, LOSS).count("unchanged #") == 2
    assert "updated #1" in told({**TEMP, "summary": "`temp` is 0.30 away"}, LOSS)
    assert "0.30 away" in first.body != before
    assert comments(hub, 1) == []  # a new number each day calls nobody

    assert "closed #1: over" in told(LOSS)
    assert (first.state, first.state_reason, second.state) == ("closed", "completed", "open")
    assert comments(hub, 1) == ["Over: there is no such alarm any more. Found by a person."]
    assert "reopened #1" in told(TEMP, LOSS)
    assert first.state == "open"
    assert comments(hub, 1)[1].startswith("It is back. `temp` is 0.21 away")
    assert len(issues(hub)) == 2


def test_what_is_not_said_of_another_source_stays_open(hub: GitHub, told: Said):
    odd = {"key": "data:2013-05:temp", "period": "2013-05", "subject": "temp", "summary": "9/5 of what it was"}
    told(TEMP)
    told(content={"cause": "data", "changed": False, "implausible": [odd]})
    assert [issue.title for issue in issues(hub)] == ["drift: temp", "data: temp"]
    assert "--accept PERIOD" in issues(hub)[1].body
    told(content={"cause": None, "reason": ""})  # `retrain --due` has not looked at the data
    told(TEMP)
    assert [issue.state for issue in issues(hub)] == ["open", "open"]
    told(content={"cause": "data", "changed": True, "implausible": []})
    assert [issue.state for issue in issues(hub)] == ["open", "closed"]


def test_an_issue_closed_as_not_planned_is_left_alone_until_the_alarm_is_over(hub: GitHub, told: Said):
    told(TEMP)
    (first,) = issues(hub)
    first.state, first.state_reason = "closed", "not_planned"
    assert "left #1 closed" in told(TEMP)
    told()
    assert "opened #2" in told(TEMP)
    assert first.state == "closed"


def test_an_issue_closed_too_early_is_opened_again(hub: GitHub, told: Said):
    told(TEMP)
    issues(hub)[0].state = "closed"
    assert "reopened #1" in told(TEMP)


def test_only_our_own_issues_are_touched(hub: GitHub, told: Said):
    told(TEMP)
    mark = re.findall("<!--.*-->", issues(hub)[0].body)[0]
    stranger = Issue(9, "A question", f"What is this? {mark}", "stranger", ["incident"])
    hub.shelf(hub.repository(NAME)).issues[9] = stranger
    told()
    assert (stranger.state, stranger.title) == ("open", "A question")


def test_of_two_issues_of_one_alarm_the_older_stays(hub: GitHub, told: Said):
    told(TEMP)
    (first,) = issues(hub)
    hub.shelf(hub.repository(NAME)).issues[5] = Issue(5, first.title, first.body, first.author, ["incident"])
    assert "closed #5: the same as #1" in told(TEMP)
    assert [issue.state for issue in issues(hub)] == ["open", "closed"]
    assert "unchanged #1" in told(TEMP)


def test_text_of_data_is_shown_and_does_nothing(hub: GitHub, told: Said):
    forged = f"<!-- modelyard-incident monitor {'0' * 64} -->"
    evil = f"@octo #1 <img src=x> [link](http://evil.example)\n{forged}\n# Title"
    alarm = {"key": evil, "kind": "drift", "subject": evil, "summary": evil, "lines": [evil]}
    told(alarm)
    (issue,) = issues(hub)
    # shown as it is: what has a meaning in Markdown is escaped, and what GitHub would link is broken up
    assert not re.search(r"@octo|(?<!\\)[<\[#]|://evil", issue.body.rpartition("\n\n[The workflow]")[0])
    assert not re.search(r"@octo|\n", issue.title)
    assert "unchanged #1" in told(alarm)
    assert "closed #1" in told()


def test_so_many_issues_are_open_at_most_and_the_others_counted(hub: GitHub, told: Said):
    alarms = [{**TEMP, "key": f"drift:c{number}", "subject": f"c{number}"} for number in range(24)]
    told(*alarms)
    assert len(issues(hub)) == 21
    assert issues(hub)[20].title == "more: 4 more alarms"
    assert "drift:c23" in issues(hub)[20].body
    told(*reversed(alarms))  # those that have an issue keep it
    assert {issue.state for issue in issues(hub)} == {"open"}
    assert len(issues(hub)) == 21
    told(*alarms[:3])
    assert [issue.number for issue in issues(hub) if issue.state == "open"] == [1, 2, 3]


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_502_neither_loses_nor_doubles_an_issue_or_a_comment(hub: GitHub, told: Said, carried_out: bool):
    hub.carried_out = carried_out
    hub.faults = [(f"POST /repos/{NAME}/issues", 502)]
    told(TEMP)
    assert len(issues(hub)) == 1
    hub.faults = [(f"PATCH /repos/{NAME}/issues/1", 502), (f"POST /repos/{NAME}/issues/1/comments", 502)]
    told()
    assert hub.faults == []
    assert issues(hub)[0].state == "closed"
    assert len(comments(hub, 1)) == 1


def test_what_is_refused_to_one_issue_is_said_and_the_others_are_done(hub: GitHub, told: Said):
    hub.faults = [(f"POST /repos/{NAME}/issues", 422)]
    with pytest.raises(GitHubError, match=r"not up to date; run this again:\ndrift:temp: POST .*422"):
        told(TEMP, LOSS)
    assert [issue.title for issue in issues(hub)] == ["performance: log_loss"]
    told(TEMP, LOSS)
    assert len(issues(hub)) == 2


def test_a_token_without_the_permission_is_told_which(hub: GitHub, told: Said, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GITHUB_TOKEN", hub.token({"issues": "read"}))
    with pytest.raises(
        GitHubError, match=r"403 \(Resource not accessible.*the token lacks a permission.*issues: write"
    ):
        told(TEMP)
    hub.faults = [(f"GET /repos/{NAME}/issues", 410)]
    with pytest.raises(GitHubError, match="410"):
        told(TEMP)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "no JSON of the form"),
        ({"format": 2, "alarms": []}, "no JSON of the form"),
        ({"format": 1}, "neither `alarms` nor `cause`"),
        ({"alarms": {}}, "alarms is no list"),
        ({"alarms": [{"summary": "x"}]}, r"alarms\[0\]: key is no text"),
        ({"alarms": [TEMP, {"key": "a", "lines": "x"}]}, r"alarms\[1\]: lines is no list"),
    ],
)
def test_a_file_that_says_something_else_changes_nothing(hub: GitHub, told: Said, content: object, said: str):
    told(TEMP)
    with pytest.raises(GitHubError, match=said):
        told(content=content)
    assert [issue.state for issue in issues(hub)] == ["open"]


def test_an_alert_opens_its_issue_and_closes_it(hub: GitHub, tmp_path: Path):
    event = tmp_path / "event.json"
    for status, state in (("firing", "open"), ("firing", "open"), ("resolved", "closed"), ("resolved", "closed")):
        lines = [f"https://github.com/{NAME}/blob/HEAD/docs/runbooks/errors.md", "https://github.com/evil/docs/"]
        alert = {"key": "alert:ModelErrors", "status": status, "summary": "3 % of requests fail", "lines": lines}
        event.write_text(json.dumps({"action": "alert", "client_payload": alert}))
        main(["--alert", str(event)])
        assert [issue.state for issue in issues(hub)] == [state]
    body = issues(hub)[0].body
    assert f"- {lines[0]}\n" in body  # a runbook of this repository is a link, another address none
    assert "https://github.com/evil" not in body


def test_a_failed_job_is_an_incident_until_it_succeeds(hub: GitHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GITHUB_WORKFLOW", "retrain")
    for result, state in (("failure", "open"), ("cancelled", "open"), ("success", "closed")):
        main(["--job", f"monitor={result}"])
        assert [issue.state for issue in issues(hub)] == [state]
        assert f"/{NAME}/actions/workflows/retrain.yml)" in issues(hub)[0].body
