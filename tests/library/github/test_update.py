"""A new version of the template becomes a pull request, or an issue with the command, on the local GitHub."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from modelyard.errors import GitError
from modelyard.github.api import GitHubError
from modelyard.github.update import main
from modelyard.vendoring.newer import newer
from workflows.local import GitHub, PullRequest

NAME = "acme/flights"
OLD, NEW = "a" * 40, "b" * 40
DISPATCHED = "on: {workflow_dispatch: {inputs: {pull_request: {default: ''}}}}\njobs: {j: {runs-on: x, steps: []}}\n"


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A GitHub with one repository, which the environment points to with a workflow's permissions."""
    served = GitHub(tmp_path / "github")
    workflows = {f".github/workflows/{name}.yml": DISPATCHED for name in ("ci", "train")}
    served.push(served.create(NAME), "main", {"Makefile": "one\n", "vendor/a.whl": b"\0one", **workflows})
    served.deliver(only=())
    for name in ("GH_TOKEN", "GITHUB_STEP_SUMMARY", "GITHUB_RUN_ID", "UPDATE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    scopes = ("contents", "pull-requests", "issues", "actions")
    monkeypatch.setenv("GITHUB_SERVER_URL", served.url)
    monkeypatch.setenv("GITHUB_API_URL", served.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    monkeypatch.setenv("GITHUB_TOKEN", served.token(dict.fromkeys(scopes, "write")))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setattr("time.sleep", lambda _: None)
    yield served
    served.stop()


Act = Callable[..., str]


@pytest.fixture
def act(hub: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Act:
    """What `update` prints of a version that changes these files."""

    def run(files: dict[str, bytes], **found: Any) -> str:
        folder = tmp_path / f"run-{len(list(tmp_path.glob('run-*')))}"
        git(tmp_path, "clone", "--quiet", str(hub.repository(NAME).path), str(folder))
        git(folder, "remote", "set-url", "origin", f"{hub.url}/{NAME}")
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        git(folder, "add", "--all")
        upgrade = tmp_path / f"{folder.name}.upgrade"
        upgrade.mkdir()
        content = {"from": OLD, "to": NEW, "conflicts": [], "stages": ["evaluate"], **found}
        (upgrade / "upgrade.json").write_text(json.dumps(content))
        git(folder, "diff", "--cached", "--binary", f"--output={upgrade / 'upgrade.patch'}", "HEAD")
        git(folder, "reset", "--quiet", "--hard")
        main(["--upgrade", str(upgrade), "--checkout", str(folder)])
        return capsys.readouterr().out

    return run


def pulls(hub: GitHub) -> list[PullRequest]:
    return hub.pulls(hub.repository(NAME))


def titles(hub: GitHub) -> list[tuple[str, str]]:
    return [(issue.title, issue.state) for issue in hub.shelf(hub.repository(NAME)).issues.values()]


VERSION = {"Makefile": b"two\n", "vendor/a.whl": b"\0two"}


def test_a_new_version_is_one_pull_request_and_a_newer_one_replaces_it(hub: GitHub, act: Act):
    assert "opened pull request 1" in act(VERSION)
    (pull,) = pulls(hub)
    assert pull.title == "Update the template to bbbbbbb"
    assert "run again: `evaluate`." in pull.body
    assert pull.repository.changed(pull.base_sha, pull.head_sha) == ["Makefile", "vendor/a.whl"]
    assert [event.workflow for event in hub._events if event.workflow] == ["ci.yml", "train.yml"]
    assert "pull request 1 has this version, and is open" in act(VERSION)
    act({"Makefile": b"three\n"}, to="c" * 40)
    assert [one.state for one in pulls(hub)] == ["closed", "open"]
    assert titles(hub) == []


def test_what_somebody_closed_is_not_proposed_again(hub: GitHub, act: Act):
    act(VERSION)
    pulls(hub)[0].state = "closed"
    assert "is closed" in act(VERSION)
    assert len(pulls(hub)) == 1


def test_a_conflict_is_an_issue_with_the_command_and_no_commit(hub: GitHub, act: Act):
    markers = {"Makefile": b"<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs\n"}
    for _ in range(2):
        act(markers, conflicts=["Makefile"])
        assert titles(hub) == [("update: a new version of the template", "open")]
    (issue,) = hub.shelf(hub.repository(NAME)).issues.values()
    assert "- `Makefile`" in issue.body
    assert "`make upgrade`" in issue.body
    assert list(hub.repository(NAME).refs()) == ["refs/heads/main"]
    act(VERSION)  # the next version has none
    assert titles(hub) == [("update: a new version of the template", "closed")]


def test_workflows_are_changed_with_a_token_that_may_only(hub: GitHub, act: Act, monkeypatch: pytest.MonkeyPatch):
    version = {**VERSION, ".github/workflows/ci.yml": DISPATCHED.replace("x", "y").encode()}
    assert "opened #1" in act(version)
    assert pulls(hub) == []
    monkeypatch.setenv("UPDATE_TOKEN", hub.token({"contents": "write", "pull-requests": "write"}))
    hub.deliver(only=())
    assert "opened pull request 2" in act(version)
    assert titles(hub) == [("update: a new version of the template", "closed")]
    assert "workflow_dispatch" not in {event.name for event in hub._events}  # the token's own push starts the checks


@pytest.mark.parametrize("fault", [403, 422, 502])
def test_where_it_cannot_be_opened_no_branch_is_left(hub: GitHub, act: Act, fault: int):
    hub.faults = [(f"POST /repos/{NAME}/pulls", fault)] * 3
    with pytest.raises(GitHubError, match=str(fault)):
        act(VERSION)
    assert list(hub.repository(NAME).refs()) == ["refs/heads/main"]
    assert pulls(hub) == []


def test_what_a_run_left_that_ended_in_the_middle_is_mended_by_the_next_one(
    hub: GitHub, act: Act, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GITHUB_RUN_ID", "1")
    act(VERSION)
    hub.shelf(hub.repository(NAME)).pulls.clear()  # as of a run that was killed after its push
    monkeypatch.setenv("GITHUB_RUN_ID", "2")
    hub.faults = [(f"POST /repos/{NAME}/actions", 403)]
    with pytest.raises(GitHubError, match=r"pull request \d is there, but"):
        act(VERSION)
    hub.deliver(only=())
    assert "has this version, and is open" in act(VERSION)
    assert [event.workflow for event in hub._events] == ["ci.yml", "train.yml"]
    (pull,) = pulls(hub)
    assert "/actions/runs/2" in hub.repository(NAME).log(pull.head_sha)


def test_no_link_is_made(hub: GitHub, tmp_path: Path, act: Act):
    act({}, stages=[])
    folder = tmp_path / "run-0"
    (folder / "Makefile").unlink()
    (folder / "Makefile").symlink_to("/etc/passwd")
    git(folder, "add", "--all")
    git(folder, "diff", "--cached", f"--output={tmp_path / 'run-0.upgrade/upgrade.patch'}", "HEAD")
    git(folder, "reset", "--quiet", "--hard")
    with pytest.raises((GitHubError, GitError), match="makes Makefile a link"):
        main(["--upgrade", str(tmp_path / "run-0.upgrade"), "--checkout", str(folder)])
    assert pulls(hub) == []


def test_nothing_is_newer_where_there_is_no_template_to_ask(tmp_path: Path):
    assert newer(tmp_path) == ("", ".cruft.json names no template, so there is none to follow")
    link = {"template": str(tmp_path / "gone"), "commit": OLD, "checkout": None}
    (tmp_path / ".cruft.json").write_text(json.dumps(link))
    assert newer(tmp_path)[0] == ""
    assert "cannot be reached from here" in newer(tmp_path)[1]
    git(tmp_path, "init", "--quiet", "gone")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    git(tmp_path / "gone", *who, "commit", "--quiet", "--allow-empty", "--message", "First")
    head = git(tmp_path / "gone", "rev-parse", "HEAD").strip()
    assert newer(tmp_path)[0] == head
    (tmp_path / ".cruft.json").write_text(json.dumps({**link, "commit": head}))
    assert newer(tmp_path) == ("", "the project has the newest version of its template")
