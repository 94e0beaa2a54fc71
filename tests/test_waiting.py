"""The simulation behind `make bench BENCH_ARGS=queue`, on plans small enough to do by hand."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from workflows.local import GitHub

from projects import ROOT


@pytest.fixture(scope="module")
def waiting() -> ModuleType:
    """The module; the benchmarks are found from the top of the repository only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        from bench import waiting

        return waiting


@pytest.fixture
def push(waiting: ModuleType):
    """Two jobs of 60 and 30 seconds between one of 10 before and one of 5 after them."""
    job = waiting.Job
    return {"a": job(10.0), "b": job(60.0, ("a",)), "c": job(30.0, ("a",)), "d": job(5.0, ("b", "c"))}


def test_without_a_wait_a_push_takes_what_its_longest_way_takes(waiting: ModuleType, push) -> None:
    assert waiting.longest(push) == 75.0


@pytest.mark.parametrize(
    ("runners", "whole", "busy"), [(1, [205.0, 210.0], 1.0), (2, [105.0, 105.0], 1.0), (4, [75.0, 75.0], 0.7)]
)
def test_jobs_are_taken_in_the_order_in_which_they_become_ready(
    waiting: ModuleType, push, runners: int, whole: list[float], busy: float
) -> None:
    waits, share = waiting.simulate([(0.0, [push]), (0.0, [push])], runners, seed=1)
    assert sorted(wait.whole for wait in waits) == whole
    assert [wait.waited for wait in waits] == [wait.whole - 75 for wait in waits]
    assert share == pytest.approx(busy)


def test_a_push_follows_the_checks_of_the_one_before(waiting: ModuleType, push) -> None:
    waits, _ = waiting.simulate([(0.0, [push, push, push])], 1, seed=1)
    assert [wait.waited for wait in waits] == [30.0] * 3


def test_the_plan_is_a_week_of_working_hours_and_the_same_each_time(waiting: ModuleType, push) -> None:
    found = waiting.plan([[push], [push, push]], seed=2013)
    assert len(found) == waiting.PULLS * waiting.DAYS
    hours = {int(at % waiting.DAY // 3600) for at, _ in found}
    assert hours == set(range(8, 19))
    assert found == waiting.plan([[push], [push, push]], seed=2013)


def workflow(on: object, **needs: list[str]) -> str:
    """A workflow of jobs that do nothing, by what they need."""
    jobs = {name: {"needs": of, "runs-on": "ubuntu-24.04", "steps": [{"run": "true"}]} for name, of in needs.items()}
    return json.dumps({"on": on, "jobs": jobs})


def test_jobs_wait_for_those_that_they_need_and_a_report_for_its_workflow(waiting: ModuleType, tmp_path: Path) -> None:
    train = json.loads(workflow("pull_request", scope=[], train=["scope"])) | {"name": "train"}
    files = {
        "ci.yml": workflow("pull_request", scope=[], lint=["scope"], ci=["scope", "lint"]),
        "train.yml": json.dumps(train),
        "report.yml": workflow({"workflow_run": {"workflows": ["train"], "types": ["completed"]}}, report=[]),
    }
    github = GitHub(tmp_path / "github")
    try:
        repository = github.create("octo/flights")
        github.push(repository, "main", {f".github/workflows/{name}": text for name, text in files.items()})
        github.push(repository, "more", {"more.txt": "more"})
        github.deliver(only=())
        github.open_pull_request(repository, "more")
        push = waiting.jobs_of(github.deliver())
    finally:
        github.stop()
    assert {name: job.needs for name, job in push.items()} == {
        "0:ci.yml/scope": (),
        "0:ci.yml/lint": ("0:ci.yml/scope",),
        "0:ci.yml/ci": ("0:ci.yml/scope", "0:ci.yml/lint"),
        "1:train.yml/scope": (),
        "1:train.yml/train": ("1:train.yml/scope",),
        "2:report.yml/report": ("1:train.yml/scope", "1:train.yml/train"),
    }
