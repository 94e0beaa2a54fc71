from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import pytest
from library.bare import BARE, LIBRARY_PATH
from library.pulls import MAIN, open_pull
from modelyard.github import cml
from modelyard.github.api import GitHubError
from modelyard.github.comment import opening
from modelyard.github.status import Head, main, post

HEAD = "0123456789abcdef0123456789abcdef01234567"
BEFORE = "b" * 40
ACME = Head("pull_request", HEAD, "acme/flights", "faster")
OWNERS = "/vendor/ @ada\n/Makefile @ada @acme/judges\n"
FORGED = {"Makefile": "forged", "params.yaml": "2"}


@pytest.fixture(autouse=True)
def pull(github) -> dict:
    """A pull request that changes params.yaml and whose train.yml passed."""
    github.pulls[7] = open_pull(HEAD)
    github.trees = {MAIN: {"Makefile": "1", "params.yaml": "1"}, HEAD: {"Makefile": "1", "params.yaml": "2"}}
    github.roles = {"ada": "write", "mallory": "write", "bob": "write"}
    ran(github, 1, "success")
    return github.pulls[7]


@pytest.fixture
def main_branch(tmp_path):
    (tmp_path / "CODEOWNERS").write_text(OWNERS)
    return tmp_path


def ran(
    github, number: int, conclusion: str | None, sha: str = HEAD, event: str = "pull_request", repository="acme/flights"
) -> None:
    github.runs.append(
        {
            "path": "train.yml",
            "head_sha": sha,
            "event": event,
            "run_number": number,
            "run_attempt": 1,
            "created_at": f"2026-11-0{number}T00:00:00Z",
            "head_branch": "faster",
            "head_repository": {"full_name": repository},
            "status": "completed" if conclusion else "in_progress",
            "conclusion": conclusion,
            "html_url": f"https://github.example/runs/{number}",
        }
    )


def review(github, login: str, state: str, commit: str = HEAD, body: str = "") -> None:
    user = {"login": login, "type": "User"}
    github.reviews.append({"user": user, "state": state, "commit_id": commit, "body": body})


def posted(client, github, root, head: Head = ACME) -> tuple[str, str]:
    post(client, "acme/flights", head, root)
    (sha, status) = github.statuses.pop()
    assert (sha, status["context"]) == (HEAD, "model")
    return status["state"], status["description"]


def test_the_check_is_what_train_yml_found(client, github, main_branch):
    assert posted(client, github, main_branch) == ("success", "train.yml passed")
    ran(github, 2, None, event="workflow_dispatch")
    assert posted(client, github, main_branch) == ("pending", "train.yml is running")
    ran(github, 3, "failure")
    assert posted(client, github, main_branch) == ("failure", "train.yml failed: see the comment, or this run")
    ran(github, 4, "cancelled")
    assert posted(client, github, main_branch) == ("failure", "train.yml ended: cancelled")


@pytest.mark.parametrize("event", ["push", "schedule"])
def test_a_run_for_another_event_is_none(client, github, main_branch, event):
    github.runs.clear()
    ran(github, 1, "success", event=event)
    assert posted(client, github, main_branch) == ("pending", "train.yml has not run for this commit")


@pytest.mark.parametrize(
    "path",
    [
        *("Makefile", "GNUmakefile", "Makefile.sh", "dvc.yaml", "vendor/yard", ".github/workflows/a.yml", "deploy/x"),
        *("flights/__main__.py", "modelyard.py", "hatch_build.py", "pyproject.toml", ".python-version", ".dvc/config"),
        *("champion", "reports/verdict.json", ".tools/bin/uv", "flights/__pycache__/features.cpython-311.pyc"),
    ],
)
def test_what_judges_the_change_waits_for_an_owner(client, github, main_branch, path):
    github.trees[HEAD][path] = "forged"
    state, why = posted(client, github, main_branch)
    assert state == "failure"
    assert why.startswith(f"an owner must review {path}: ")


def test_a_deleted_file_is_a_change_too(client, github, main_branch):
    del github.trees[HEAD]["Makefile"]
    assert posted(client, github, main_branch)[0] == "failure"


@pytest.mark.parametrize(
    "path",
    [
        *("params.yaml", "flights/features.py", "flights/model.py", "dvc.lock", "evaluation/metrics.json"),
        *("docs/x.md", "notebooks/explore.py", "tests/test_features.py", "data/ledger.json", "policy.yaml"),
    ],
)
def test_what_does_not_judge_waits_for_nobody(client, github, main_branch, path):
    github.trees[HEAD][path] = "new"
    assert posted(client, github, main_branch)[0] == "success"


LOCKED = 'source = { registry = "https://index.example/simple" }\nurl = "https://files.example/a.whl", hash = "sha256:'


@pytest.mark.parametrize(
    ("lock", "state"),
    [
        (f'{LOCKED}2"', "success"),
        (LOCKED.replace("files.example", "evil.example"), "failure"),
        (LOCKED.replace("https://files", "http://files"), "failure"),
        (f'{LOCKED}1"\nsource = {{ git = "https://evil.example/a?rev=1#2" }}', "failure"),
    ],
)
def test_a_lock_judges_where_packages_come_from_somewhere_else(client, github, main_branch, lock, state):
    github.trees[MAIN]["uv.lock"], github.trees[HEAD]["uv.lock"] = "1", "2"
    github.blobs = {"1": f'{LOCKED}1"', "2": lock}
    found, why = posted(client, github, main_branch)
    assert found == state
    assert ("uv.lock: an administrator" in why) is (state == "failure")


def test_an_owner_approves(client, github, main_branch):
    github.trees[HEAD] |= FORGED
    review(github, "Ada", "APPROVED")
    assert posted(client, github, main_branch)[0] == "success"


def test_an_approval_does_not_make_a_failed_run_pass(client, github, main_branch):
    github.trees[HEAD] |= FORGED
    review(github, "ada", "APPROVED")
    ran(github, 2, "failure")
    assert posted(client, github, main_branch)[0] == "failure"


@pytest.mark.parametrize(("role", "state"), [("admin", "success"), ("maintain", "success"), ("write", "failure")])
def test_who_maintains_the_repository_stands_for_a_team(client, github, main_branch, role, state):
    github.trees[HEAD] |= FORGED
    github.roles["eve"] = role
    review(github, "eve", "APPROVED")
    assert posted(client, github, main_branch)[0] == state


def test_where_no_team_is_named_who_maintains_is_no_owner(client, github, main_branch):
    github.trees[HEAD]["vendor/yard"] = "forged"
    github.roles["eve"] = "maintain"
    review(github, "eve", "APPROVED")
    assert posted(client, github, main_branch)[0] == "failure"


@pytest.mark.parametrize("state", ["COMMENTED", "CHANGES_REQUESTED", "DISMISSED"])
def test_other_reviews_approve_nothing(client, github, main_branch, state):
    github.trees[HEAD] |= FORGED
    review(github, "ada", state, body="/approve")
    assert posted(client, github, main_branch)[0] == "failure"


def test_a_later_opinion_replaces_an_approval(client, github, main_branch):
    github.trees[HEAD] |= FORGED
    review(github, "ada", "APPROVED")
    review(github, "ada", "COMMENTED")
    assert posted(client, github, main_branch)[0] == "success"
    review(github, "ada", "CHANGES_REQUESTED")
    assert posted(client, github, main_branch)[0] == "failure"


def test_an_owner_may_approve_their_own_change_in_words(client, github, main_branch, pull):
    github.trees[HEAD] |= FORGED
    pull["user"]["login"] = "ada"
    review(github, "ada", "COMMENTED", body="looks fine")
    assert posted(client, github, main_branch)[0] == "failure"
    review(github, "ada", "COMMENTED", body="LGTM\n/Approve\n")
    review(github, "ada", "COMMENTED", body="")  # an answer to a remark
    assert posted(client, github, main_branch)[0] == "success"
    review(github, "ada", "COMMENTED", body="wait, this is wrong")
    assert posted(client, github, main_branch)[0] == "failure"


@pytest.mark.parametrize("role", ["read", "triage", None])
def test_an_owner_who_may_not_write_any_more_is_none(client, github, main_branch, role):
    github.trees[HEAD] |= FORGED
    github.roles = {"ada": role} if role else {}
    review(github, "ada", "APPROVED")
    assert posted(client, github, main_branch)[0] == "failure"


def test_a_stranger_may_not(client, github, main_branch):
    github.trees[HEAD] |= FORGED
    review(github, "mallory", "COMMENTED", body="/approve")
    assert posted(client, github, main_branch)[0] == "failure"


@pytest.mark.parametrize(("makefile", "state"), [("forged", "success"), ("forged once more", "failure")])
def test_an_approval_counts_while_the_file_is_what_was_approved(client, github, main_branch, makefile, state):
    github.trees[BEFORE] = {"Makefile": "forged", "params.yaml": "1"}
    github.trees[HEAD] |= {"Makefile": makefile}
    review(github, "ada", "APPROVED", BEFORE)
    assert posted(client, github, main_branch)[0] == state


def test_each_file_waits_for_its_own_owner(client, github, main_branch):
    (main_branch / "CODEOWNERS").write_text(f"{OWNERS}/dvc.yaml @bob\n")
    github.trees[HEAD] |= {**FORGED, "dvc.yaml": "forged"}
    review(github, "ada", "APPROVED")
    assert posted(client, github, main_branch) == (
        "failure",
        "an owner must review dvc.yaml: @bob or an administrator",
    )


def test_without_codeowners_an_administrator_approves(client, github, tmp_path):
    github.trees[HEAD] |= FORGED
    assert posted(client, github, tmp_path) == (
        "failure",
        "an owner must review Makefile: an administrator",
    )
    github.roles["root"] = "admin"
    review(github, "root", "APPROVED")
    assert posted(client, github, tmp_path)[0] == "success"


def test_a_reason_that_github_would_not_take_is_cut(client, github, main_branch):
    github.trees[HEAD] |= {f"vendor/{number}": "x" for number in range(60)}
    state, why = posted(client, github, main_branch)
    assert (state, len(why), why[-1]) == ("failure", 140, "…")


def test_a_commit_with_more_files_than_github_lists_is_an_error(client, github, main_branch):
    github.trees[HEAD] |= {str(number): "x" for number in range(200)}
    with pytest.raises(GitHubError, match="has more files than GitHub lists"):
        post(client, "acme/flights", ACME, main_branch)
    assert github.statuses == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("full_name", "acme/other"), ("ref", "development"), ("state", "closed"), ("label", "eve:faster")],
)
def test_another_pull_request_is_none(client, github, main_branch, pull, key, value):
    place = {"full_name": pull["head"]["repo"], "ref": pull["base"], "state": pull, "label": pull["head"]}[key]
    place[key] = value
    (line,) = post(client, "acme/flights", ACME, main_branch)
    assert line == "no open pull request comes from acme/flights faster; nothing is posted"
    assert github.statuses == []


def test_a_run_of_another_branch_or_fork_with_this_commit_says_nothing(client, github, main_branch):
    ran(github, 2, "failure", repository="mallory/flights")
    github.runs.append({**github.runs[0], "head_branch": "other", "run_number": 3, "conclusion": "failure"})
    assert posted(client, github, main_branch)[0] == "success"


@pytest.mark.parametrize("state", ["open", "closed"])
def test_a_commit_that_went_into_another_branch_too_was_judged_by_that_one(client, github, main_branch, state):
    other = open_pull(HEAD)
    github.pulls[8] = {**other, "number": 8, "state": state, "base": {**other["base"], "ref": "side"}}
    assert posted(client, github, main_branch) == ("failure", "this commit was judged for side too: push one more")


@pytest.mark.parametrize(("day", "state"), [("2026-11-01T12:00:00Z", "failure"), ("2026-10-31T12:00:00Z", "success")])
def test_what_was_judged_before_it_went_into_main_says_nothing(client, github, main_branch, day, state):
    github.happened = [{"event": "labeled", "created_at": "2027"}, {"event": "base_ref_changed", "created_at": day}]
    assert posted(client, github, main_branch)[0] == state


def test_after_a_review_the_comments_first_lines_follow(client, github, main_branch):
    github.trees[HEAD] |= FORGED
    report = f"# Ships\n\n{cml.mark(HEAD)}"
    comment = github.say(f"{chr(10).join(opening(HEAD, 'success', {'Makefile': ('@ada',)}))}\n\n{report}")
    reviewed = replace(ACME, event="pull_request_review")
    assert posted(client, github, main_branch, reviewed)[0] == "failure"
    assert comment["body"].startswith("**⛔ This changes what judges it: `Makefile`.")
    assert "Owners: `@ada`, `@acme/judges`, administrators." in comment["body"]
    review(github, "ada", "APPROVED")
    assert posted(client, github, main_branch, reviewed)[0] == "success"
    assert comment["body"] == f"**✅ The checks of commit 0123456 passed.**\n\n{report}"
    review(github, "ada", "DISMISSED")
    assert posted(client, github, main_branch, reviewed)[0] == "failure"
    assert comment["body"].startswith("**⛔ This changes what judges it: `Makefile`.")
    assert comment["body"].endswith(report)


def test_the_head_of_the_pull_request_is_judged_not_that_of_an_older_run(client, github, main_branch):
    old = Head("pull_request", BEFORE, "acme/flights", "faster")
    assert posted(client, github, main_branch, old)[0] == "success"


def test_the_merge_queue_is_judged_by_its_own_commit(client, github, main_branch):
    github.runs.clear()
    ran(github, 1, "success", event="merge_group")
    assert posted(client, github, main_branch, Head("merge_group", HEAD, "acme/flights", "queue"))[0] == "success"


def test_the_verb_says_what_it_did(github, main_branch):
    of_run = {"EVENT": "pull_request", "HEAD_SHA": HEAD, "HEAD_REPOSITORY": "acme/flights", "HEAD_BRANCH": "faster"}
    environment = {**os.environ, **LIBRARY_PATH, **of_run}
    done = subprocess.run(
        [*BARE, "status"], cwd=main_branch, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "pull request 7: model of 0123456 is success: train.yml passed\n"
    assert [status["target_url"] for _, status in github.statuses] == ["https://github.example/runs/1"]


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize("head", ["", "main", HEAD + "0"])
def test_the_head_of_the_run_must_be_given(monkeypatch, head):
    monkeypatch.setenv("HEAD_SHA", head)
    with pytest.raises(GitHubError, match="the commit of the run is needed"):
        main([])
