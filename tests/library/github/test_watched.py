from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from modelyard.github.watched import idle_days, is_watched, main
from sample import SAMPLE


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "champion: {require: none}\n",
        "monitor:\n  store: null # s3://bucket\n  labels: null\n",
        "monitor: {store: null, labels: null}\n",
        "monitor: {labels: x, store: ~}\n",
        "monitor:\n  store:\n  labels: null\n",
        "monitor:\n  store: ''\n",
        "# store: s3://bucket\nmonitor:\n  window_days: 7\n",
        "monitor:\n  labels: restore: x\n",
    ],
)
def test_nothing_is_watched_where_there_surely_is_no_store(policy: str):
    assert not is_watched(policy)


@pytest.mark.parametrize(
    "policy",
    [
        "monitor:\n  store: s3://bucket/logs # ours\n",
        "monitor: {labels: null, store: /srv/logs}\n",
        "'monitor':\n  'store': \"logs\"\n",
        "{monitor: {store: logs}}\n",
        "monitor:\n  store:\n    s3://bucket\n",
        "monitor:\n  store: >-\n    s3://bucket\n",
        "monitor:\n  labels: null\n  store: $STORE\n",
        "defaults: &d {store: logs}\nmonitor: *d\n",
    ],
)
def test_everything_else_is_left_to_the_monitor(policy: str):
    assert is_watched(policy)


def test_a_new_project_watches_nothing():
    assert not is_watched((SAMPLE / "policy.yaml").read_text())


def test_days_without_a_commit_are_told_before_github_stops_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "policy.yaml").write_text("monitor: {store: logs}\n")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "First"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
        environment = {"GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True, env=environment)
    first = 1_767_225_600
    assert idle_days(tmp_path, first + 51.5 * 86_400) == 51
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for days, warned in ((49, False), (50, True)):
        monkeypatch.setattr("time.time", lambda days=days: first + days * 86_400)
        main([])
        said = capsys.readouterr().out
        assert ("warning: main has had no commit" in said) == warned
        assert f"watched=true\nidle={days}\n" in said
