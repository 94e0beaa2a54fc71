"""A pull request, from its opening to the comment and the checks that let it merge or not: the real files, by act."""

from __future__ import annotations

import json
import re

from .hosted import REQUIRED, Hosted, step, why

WORSE = ("params.yaml", "learning_rate: 0.1", "learning_rate: 0.001")
HARMLESS = ("params.yaml", "max_leaf_nodes: 31", "max_leaf_nodes: 30")
WORDS = ("notebooks/explore.py", "at a glance", "in short")
OTHER_WORDS = ("notebooks/explore.py", "at a glance", "in a minute")
LONG = ("Makefile", "\t$(YARD) $@\n", "\tyes 'a line of it' | head -c 200000 > reports/report.md\n")
INTERVAL = r"\(-?\d\.\d{4} to -?\d\.\d{4}\)"
FORGED_GATE = (
    "Makefile",
    "\t$(YARD_ARGS) gate\n",
    """\t-$(YARD_ARGS) gate\n\tsed -i 's/"blocked"/"ships"/' reports/verdict.json\n""",
)
FORGED_CHECKS = b"""\
name: train
on: pull_request
permissions: {}
jobs:
  model:
    runs-on: ubuntu-24.04
    steps: [{run: "true"}]
"""
MARK = "CML watermark model-report"
OWN_RUNNER = ["self-hosted", "gpu"]


def trains_on_a_runner_of_its_own(hosted: Hosted) -> None:
    """Let the repository have one, and TRAIN_RUNNER name it."""
    hosted.github.shelf(hosted.repository).machines["gpu-1"] = ["gpu"]
    hosted.github.variables["TRAIN_RUNNER"] = json.dumps(OWN_RUNNER)


def test_a_harmless_change_is_locked_checked_again_and_reported_once(hosted: Hosted) -> None:
    trains_on_a_runner_of_its_own(hosted)
    pull = hosted.propose("fewer-leaves", hosted.edit(*HARMLESS))
    first = pull.head_sha
    runs = [run for run in hosted.deliver() if run.file == "train.yml"]
    assert [run.conclusion for run in runs] == ["success", "success"], why(*runs)
    assert [run.event.name for run in runs] == ["pull_request", "workflow_dispatch"]
    assert [run.jobs["train"].asked for run in runs] == [OWN_RUNNER, OWN_RUNNER]

    assert pull.head_sha != first
    lock = pull.repository.read(pull.head_sha, "dvc.lock")
    assert "max_leaf_nodes: 30" in lock
    assert pull.repository.changed(first, pull.head_sha)[0] in ("dvc.lock", "evaluation/calibration.csv")
    assert runs[1].event.head_sha == pull.head_sha
    assert "dvc.lock is up to date" in runs[1].jobs["train"].log
    assert pull.mergeable_by_checks(["model"])

    (comment,) = pull.comments
    assert MARK in comment
    verdict = json.loads(runs[1].artifacts["report"]["verdict.json"])
    found = verdict["comparison"]["metrics"]["log_loss"]
    assert verdict["verdict"] == "ships"
    assert found["low"] < 0 < found["high"]  # the two differ by noise


def test_a_worse_model_is_blocked_and_the_comment_says_why(hosted: Hosted) -> None:
    pull = hosted.propose("slower", hosted.edit(*WORSE))
    run = hosted.train(pull)
    assert run.conclusion == "failure"
    assert step(run, "train", "Gate") == "failure"
    assert run.jobs["relock"].conclusion == "skipped"
    assert not pull.mergeable_by_checks(["model"])
    (comment,) = pull.comments
    assert re.search(rf"log_loss.*worse by 0\.\d{{4}} {INTERVAL}", comment)
    assert re.search(r"policy\.yaml line \d+: `require: not_worse`", comment)
    assert "worse by" in run.summary


def test_a_change_of_docs_runs_nothing_and_may_merge(hosted: Hosted) -> None:
    pull = hosted.propose("docs", {"README.md": "# Flights\n", "docs/notes.md": "Some notes.\n"})
    runs = hosted.deliver(("ci.yml", "train.yml", "report.yml"))
    assert [run.conclusion for run in runs] == ["success"] * 3
    ran = {name for run in runs for name, job in run.jobs.items() if job.conclusion != "skipped"}
    assert ran == {"scope", "ci", "report"}
    assert pull.mergeable_by_checks(REQUIRED)
    assert pull.comments == []


def test_a_fork_with_a_stale_lock_is_told_what_to_run_in_a_comment_that_github_takes(hosted: Hosted) -> None:
    trains_on_a_runner_of_its_own(hosted)
    pull = hosted.propose("fewer-leaves", {**hosted.edit(*HARMLESS), **hosted.edit(*LONG)}, fork=True)
    run = hosted.train(pull)
    assert run.jobs["train"].asked == ["ubuntu-24.04"]
    assert run.conclusion == "failure"
    assert step(run, "train", "Gate") == "success"
    assert step(run, "train", "Lock") == "failure"
    assert run.jobs["relock"].conclusion == "skipped"
    assert "make pipeline" in run.jobs["train"].log
    assert "git commit" in run.jobs["train"].log
    (comment,) = pull.comments
    assert MARK in comment
    assert 50_000 < len(comment) <= 65_536  # of a report of 200,000 characters
    first, ended = comment.split("\n\n")[:2]
    assert first.startswith("**⛔ This changes what judges it: `Makefile`.")
    assert ended.startswith("**⛔ The checks of commit")
    above = comment.partition("> What follows was written by a run of the fork ")[0]
    assert "```sh\nmake pipeline\ngit add dvc.lock versions.json data model evaluation\ngit commit" in above


def test_a_change_that_is_not_of_the_model_trains_nothing_and_has_one_comment_whoever_posts_it(hosted: Hosted) -> None:
    pull = hosted.propose("words", hosted.edit(*WORDS))
    down = hosted.train(pull, env={"CML_DOWN": "1"})
    assert down.conclusion == "success", why(down)
    assert "Running stage" not in down.jobs["train"].log
    assert "the same answers on every row" in down.summary
    (posted,) = pull.comments
    assert MARK in posted

    # the next push updates the comment that is there
    hosted.push("words", hosted.edit(*OTHER_WORDS))
    runs = hosted.deliver()
    assert any("posted with CML" in run.log for run in runs if run.file == "report.yml")
    (updated,) = pull.comments
    assert pull.head_sha[:7] in updated
    assert pull.head_sha[:7] not in posted


def test_bad_data_is_refused_and_the_comment_says_which(hosted: Hosted) -> None:
    pull = hosted.propose("narrow", hosted.edit("contract.yaml", "maximum: 6000", "maximum: 4000"))
    run = hosted.train(pull)
    assert step(run, "train", "Pipeline") == "failure"
    assert not pull.mergeable_by_checks(["model"])
    (comment,) = pull.comments
    assert re.search(r"distance: must be at most 4000: \d+ rows", comment)


def test_an_evicted_cache_costs_time_and_nothing_else(hosted: Hosted) -> None:
    hosted.github.caches(hosted.repository).clear()
    pull = hosted.propose("words", hosted.edit(*WORDS))
    run = hosted.train(pull)
    assert run.conclusion == "success", why(run)
    assert "Cache not found" in run.jobs["train"].log
    assert "Running stage 'train'" in run.jobs["train"].log
    assert pull.mergeable_by_checks(["model"])


def test_the_merge_queue_is_judged_too(hosted: Hosted) -> None:
    pull = hosted.propose("slower", hosted.edit(*WORSE))
    hosted.github.deliver(only=())
    hosted.github.enqueue(pull)
    run, report = hosted.deliver()
    assert run.event.name == "merge_group"
    assert step(run, "train", "Gate") == "failure"
    assert report.conclusion == "success", why(report)
    found = hosted.github.checks_of(hosted.repository, run.event.head_sha)
    assert [check.conclusion for check in found if check.name == "model"] == ["failure"]


def test_a_gate_that_the_change_itself_turns_off_waits_for_an_owner(hosted: Hosted) -> None:
    pull = hosted.propose("slower", hosted.edit(*WORSE) | hosted.edit(*FORGED_GATE))
    run = hosted.train(pull)
    assert run.conclusion == "success", why(run)
    assert not pull.mergeable_by_checks(["model"])
    (comment,) = pull.comments
    assert comment.startswith(
        "**⛔ This changes what judges it: `Makefile`. The check `model` stays red until an owner"
    )

    for author, state, may_merge in (("mallory", "APPROVED", False), ("octo", "COMMENTED", True)):
        hosted.github.review(pull, author, state, "/approve")
        runs = hosted.deliver()
        assert [run.file for run in runs] == ["review.yml", "report.yml"], why(*runs)
        assert pull.mergeable_by_checks(["model"]) is may_merge
    (comment,) = pull.comments
    assert comment.startswith("**✅ The checks of commit")


def test_a_branch_that_judges_less_is_no_way_round(hosted: Hosted) -> None:
    hosted.push("side", {".github/workflows/train.yml": FORGED_CHECKS, **hosted.edit(*WORSE)})
    hosted.push("slower", {**hosted.edit(*WORSE), "docs/notes.md": "Notes.\n"})
    hosted.deliver(files=())
    pull = hosted.github.open_pull_request(hosted.repository, "slower", base="side")
    runs = hosted.deliver()
    assert [run.conclusion for run in runs if run.file == "train.yml"] == ["success"], why(*runs)
    hosted.github.retarget(pull, "main")
    hosted.github.review(pull, "mallory", "COMMENTED", "nice")
    hosted.deliver()
    assert not pull.mergeable_by_checks(["model"])


def test_a_workflow_that_the_change_brings_along_does_not_post_the_check_that_main_requires(hosted: Hosted) -> None:
    pull = hosted.propose("forged", hosted.edit(*WORSE) | {".github/workflows/train.yml": FORGED_CHECKS})
    run = hosted.train(pull)
    assert run.jobs["model"].conclusion == "success", why(run)
    assert not pull.mergeable_by_checks(["model"])
