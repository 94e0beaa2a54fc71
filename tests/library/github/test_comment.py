from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from library.bare import BARE, LIBRARY_PATH
from library.pulls import MAIN, open_pull
from modelyard.github import cml
from modelyard.github.api import GitHubError
from modelyard.github.comment import Run, comment, main
from modelyard.github.untrusted import LIMIT

HEAD = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
# What CML does: the last of the first 30 comments that has the watermark, else a new one
CML = """
import json, os, re, sys, urllib.request
options = dict(one.split("=", 1) for one in sys.argv[3:-1] if "=" in one)
number = options["--target"].removeprefix("pr/")
issues = os.environ["GITHUB_API_URL"] + "/repos/acme/flights/issues"
def ask(method, url, body=None):
    data = json.dumps(body).encode() if body else None
    headers = {"Authorization": "Bearer " + os.environ["GITHUB_TOKEN"]}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
        return json.load(answer)
title = "CML watermark " + options["--watermark-title"]
body = open(sys.argv[-1]).read() + f'\\n\\n![](https://cml.dev/watermark.png#{os.environ["GITHUB_SHA"]} "{title}")'
found = [one for one in ask("GET", f"{issues}/{number}/comments") if re.search(r'png#[0-9a-f]+ "' + title, one["body"])]
if found:
    ask("PATCH", f"{issues}/comments/{found[-1]['id']}", {"body": body})
else:
    ask("POST", f"{issues}/{number}/comments", {"body": body})
"""


@pytest.fixture
def artifact(tmp_path) -> Path:
    folder = tmp_path / "artifact"
    folder.mkdir()
    (folder / "pull-request.json").write_text(json.dumps({"number": 7, "head": HEAD}))
    (folder / "report.md").write_text("# Ships\n")
    return folder


@pytest.fixture(autouse=True)
def pull(github, tmp_path, monkeypatch) -> dict:
    """An open pull request, and no cml on the PATH."""
    github.pulls[7] = open_pull(HEAD)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return github.pulls[7]


@pytest.fixture
def with_cml(tmp_path):
    """Put a `cml` on the PATH: one that works, or the code given."""

    def put(code: str = CML) -> None:
        path = tmp_path / "bin/cml"
        path.write_text(f"#!{sys.executable} -S\n{code}")
        path.chmod(0o755)

    return put


def post(client, artifact) -> str:
    return comment(client, "acme/flights", artifact, Run(HEAD, "success", "Acme/flights"), [])


PASSED = "**✅ The checks of commit 0123456 passed.**"
BODY = f"{PASSED}\n\n# Ships\n\n{cml.mark(HEAD)}"
OLD = f"# Blocked\n\n{cml.mark(OTHER)}"


def test_the_first_report_is_posted_with_cml(client, github, artifact, with_cml):
    with_cml()
    assert post(client, artifact) == f"posted with CML: {github.comments[0]['html_url']}"
    assert [one["body"] for one in github.comments] == [BODY]


def test_the_next_report_updates_it_with_cml(client, github, artifact, with_cml):
    with_cml()
    github.say("hello", "ada", "User")
    github.say(OLD)
    assert post(client, artifact).startswith("posted with CML: ")
    assert [one["body"] for one in github.comments] == ["hello", BODY]
    assert len(github.written) == 1


def test_without_cml_the_api_posts_the_same_comment(client, github, artifact):
    assert post(client, artifact).startswith("posted through the API, because cml is not on the PATH: https://")
    assert [one["body"] for one in github.comments] == [BODY]


def test_a_run_that_left_no_report_is_told_in_place_of_that_of_before(client, github, artifact):
    github.say(OLD)
    (artifact / "report.md").unlink()
    run = Run(HEAD, "failure", "acme/flights")
    assert comment(client, "acme/flights", artifact, run, []).startswith("posted through the API")
    (body,) = [one["body"] for one in github.comments]
    assert body.startswith("**⛔ The checks of commit 0123456 failed")
    assert "\n\nThe run left no report: it ended before `make report` could write one. Its log says" in body


def test_each_way_finds_the_comment_of_the_other(client, github, artifact, with_cml):
    post(client, artifact)
    (artifact / "report.md").write_text("# Two\n")
    with_cml()
    assert "with CML: " in post(client, artifact)
    (artifact / "report.md").write_text("# Three\n")
    with_cml("raise SystemExit(1)")
    assert "through the API, because cml ended with 1" in post(client, artifact)
    assert [one["body"] for one in github.comments] == [f"{PASSED}\n\n# Three\n\n{cml.mark(HEAD)}"]


def test_a_comment_beyond_the_thirty_that_cml_sees_is_updated(client, github, artifact, with_cml):
    with_cml()
    for _ in range(120):
        github.say("talk", "ada", "User")
    kept = github.say(OLD)
    assert post(client, artifact).startswith("posted through the API, because CML would not find the comment")
    assert [one for one in github.comments if cml.is_marked(one["body"])] == [kept]
    assert kept["body"] == BODY


def test_a_first_report_after_thirty_comments_is_posted_once(client, github, artifact, with_cml):
    with_cml()
    for _ in range(45):
        github.say("talk", "ada", "User")
    for title in ("# One", "# Two"):
        (artifact / "report.md").write_text(title)
        post(client, artifact)
    marked = [one["body"] for one in github.comments if cml.is_marked(one["body"])]
    assert marked == [f"{PASSED}\n\n# Two\n\n{cml.mark(HEAD)}"]


def test_a_report_that_says_it_ships_does_not_stand_above_a_run_that_failed(client, github, artifact):
    comment(client, "acme/flights", artifact, Run(HEAD, "failure", "acme/flights"), [])
    assert re.match(r"\*\*⛔ The checks of commit 0123456 failed, .*\*\*\n\n# Ships\n", github.comments[0]["body"])


@pytest.mark.parametrize("conclusion", ["success", "failure"])
def test_what_a_fork_wrote_is_marked_as_its_own(client, github, artifact, conclusion):
    comment(client, "acme/flights", artifact, Run(HEAD, conclusion, "mallory/flights"), [])
    ended, note, rest = github.comments[0]["body"].split("\n\n", 2)
    assert ("passed" in ended) is (conclusion == "success")
    assert "> What follows was written by a run of the fork `mallory/flights`" in note
    assert rest == f"# Ships\n\n{cml.mark(HEAD)}"


def test_a_change_of_what_judges_it_stands_first(client, github, artifact):
    github.trees = {MAIN: {"Makefile": "1"}, HEAD: {"Makefile": "2", "vendor/@ada`": "1", "params.yaml": "1"}}
    post(client, artifact)
    first, second, *_ = github.comments[0]["body"].split("\n\n")
    assert first.startswith("**⛔ This changes what judges it: `Makefile`, `vendor/?ada?`. The check `model` stays red")
    assert second == "train.yml passed for commit 0123456, as this change has it judged."


@pytest.mark.parametrize(("repository", "is_advised"), [("mallory/flights", True), ("acme/flights", False)])
def test_who_alone_can_commit_the_lock_is_told_how(client, github, artifact, repository, is_advised):
    (artifact / "lock.patch").write_text("diff --git a/dvc.lock b/dvc.lock\n")
    comment(client, "acme/flights", artifact, Run(HEAD, "failure", repository), [])
    assert ("```sh\nmake pipeline\ngit add dvc.lock" in github.comments[0]["body"]) is is_advised


def test_a_person_who_pastes_the_watermark_keeps_their_comment(client, github, artifact, with_cml):
    with_cml()
    theirs = github.say(OLD, "mallory", "User")
    assert "CML would not find the comment" in post(client, artifact)
    assert theirs["body"] == OLD
    assert github.comments[-1]["body"] == BODY
    assert github.comments[-1]["user"]["login"] == "github-actions[bot]"


def test_with_the_token_of_a_person_their_comment_is_ours(client, github, artifact):
    github.me = {"login": "robot", "type": "User"}
    github.say(OLD)
    ours = github.say(OLD, "robot", "User")
    post(client, artifact)
    assert ours["body"] == BODY
    assert github.comments[0]["body"] == OLD


def test_duplicates_of_ours_are_removed(client, github, artifact, with_cml):
    with_cml()
    for _ in range(3):
        github.say(OLD)
    assert "through the API" in post(client, artifact)
    assert [one["body"] for one in github.comments] == [BODY]


def test_a_cml_that_posted_and_failed_then_leaves_one_comment(client, github, artifact, with_cml):
    with_cml(CML + "raise SystemExit(2)")
    assert "because cml ended with 2" in post(client, artifact)
    assert [one["body"] for one in github.comments] == [BODY]
    assert len(github.written) == 1


def test_a_cml_that_changed_the_text_is_mended(client, github, artifact, with_cml):
    with_cml(CML.replace("open(sys.argv[-1]).read()", "'mangled'"))
    assert post(client, artifact).startswith("posted with CML, and corrected through the API: ")
    assert [one["body"] for one in github.comments] == [BODY]


def test_a_cml_that_did_nothing_is_mended(client, github, artifact, with_cml):
    with_cml("raise SystemExit(0)")
    assert "corrected through the API" in post(client, artifact)
    assert [one["body"] for one in github.comments] == [BODY]


def test_a_report_over_the_limit_is_posted_cut(client, github, artifact):
    (artifact / "report.md").write_text("a line\n" * 20_000)
    post(client, artifact)
    body = github.comments[0]["body"]
    assert body.startswith(PASSED)
    assert "The rest is in the artifact" in body
    assert len(body) <= LIMIT


def test_an_outdated_run_posts_nothing(client, github, artifact, pull):
    pull["head"]["sha"] = OTHER
    assert post(client, artifact) == f"pull request 7 has a newer head than {HEAD}; the newer run reports"
    assert github.written == []


def test_a_closed_pull_request_gets_no_comment(client, github, artifact, pull):
    pull["state"] = "closed"
    assert post(client, artifact) == "pull request 7 is closed; nothing is posted"
    assert github.written == []


def test_a_pull_request_that_is_not_there_is_an_error(client, artifact):
    (artifact / "pull-request.json").write_text(json.dumps({"number": 8, "head": HEAD}))
    with pytest.raises(GitHubError, match="there is no pull request 8; nothing is posted"):
        post(client, artifact)


def test_an_artifact_of_another_commit_is_an_error(client, github, artifact):
    (artifact / "pull-request.json").write_text(json.dumps({"number": 7, "head": OTHER}))
    with pytest.raises(GitHubError, match=f"the artifact is of {OTHER}, the run of {HEAD}; nothing is posted"):
        post(client, artifact)
    assert github.asked == []


def test_a_failure_of_github_is_no_other_answer(client, github, artifact):
    compared = {"merge_base_commit": {"sha": MAIN}}
    tree = {"tree": [], "truncated": False}
    github.scripted = [
        (200, open_pull(HEAD), {}),
        *[(200, one, {}) for one in (compared, tree, tree)],
        *[(500, {}, {})] * 3,
    ]
    with pytest.raises(GitHubError, match="GET /user: GitHub answered 500"):
        post(client, artifact)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The verb as a workflow runs it: a bare Python, without any installed package."""
    command = [*BARE, "comment", *arguments]
    of_run = {"HEAD_SHA": HEAD, "CONCLUSION": "success", "HEAD_REPOSITORY": "acme/flights"}
    return subprocess.run(
        command,
        env={**os.environ, **LIBRARY_PATH, **of_run, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("github")
def test_the_verb_says_what_it_did(artifact):
    done = run("--report", str(artifact))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("posted through the API, because cml is not on the PATH: https://")


def test_the_verb_ends_with_1_for_an_artifact_that_is_not_valid(github, artifact):
    (artifact / "pull-request.json").write_text("{}")
    done = run("--report", str(artifact), "--repository", "acme/flights")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: pull-request.json is not")
    assert github.comments == []


def test_a_run_for_no_pull_request_posts_nothing(github, artifact):
    (artifact / "pull-request.json").unlink()
    done = run("--report", str(artifact))
    assert (done.returncode, done.stdout) == (0, "the run was for no pull request; nothing is posted\n")
    assert github.asked == []


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize("head", ["", "main", HEAD + "0"])
def test_the_head_of_the_run_must_be_given(artifact, monkeypatch, head):
    monkeypatch.setenv("HEAD_SHA", head)
    with pytest.raises(GitHubError, match="the commit of the run that made the report is needed"):
        main(["--report", str(artifact)])


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CONCLUSION", "", "CONCLUSION is '': how that run ended is needed, success or failure"),
        ("CONCLUSION", "cancelled", "how that run ended is needed"),
        ("HEAD_REPOSITORY", "mallory/`flights`", "owner/name is needed"),
    ],
)
def test_how_the_run_ended_and_whose_it_was_must_be_given(artifact, name, value, message):
    done = run("--report", str(artifact), **{name: value})
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
