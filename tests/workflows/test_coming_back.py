"""Production comes back: the real workflow files, by act, on one repository whose log the test ships."""

from __future__ import annotations

import csv
import datetime
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from library.production.logged import line_text, ship_lines
from modelyard.github.api import client
from modelyard.github.start import start
from modelyard.production.store import Store
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.predictor import Predictor
from modelyard.training.data.dataset import encode_table
from modelyard.training.data.periods import read_periods
from sample import SAMPLE

from .hosted import Hosted, why
from .local import PullRequest, Run
from .local.state import Issue

FILES = ("monitor.yml", "retrain.yml", "train.yml", "report.yml")
DAILY = ("monitor.yml", "23 5 * * *")
# The sample has all of 2013: what counts as today lets its next month arrive, and says how much of the log there is
TODAY = "2013-06-05"
BEFORE, WITHOUT_LABELS, WITH_LABELS = "2013-04-29", "2013-05-13", "2013-05-20"
FIRST = datetime.date(2013, 4, 29)  # a Monday, from which on rows are logged
WHO = {"NAME": "Ada", "EMAIL": "ada@example.invalid", "DATE": "2013-05-01T12:00:00Z"}
OLD = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in WHO.items()}


def watch(hosted: Hosted, store: Path, causes: str) -> None:
    """Let main name a store and these causes, and its Makefile say what counts as today."""
    main = hosted.repository
    # `schedule` counts from the commit that moved the watermark, which is to be of before that
    main.git("update-ref", "refs/heads/main", main.git("commit-tree", "main^{tree}", "-m", "Take April", env=OLD))
    makefile = main.read("main", "Makefile").replace("retrain $(if", f"retrain --until {TODAY} $(if")
    makefile = re.sub(r"(\$\(YARD_ARGS\) (?:labels|monitor))$", r'\1 --until "$$UNTIL"', makefile, flags=re.MULTILINE)
    assert makefile.count(" --until ") == 3
    policy = main.read("main", "policy.yaml")
    for key, value in {"store": str(store), "labels": f"{store}.csv", "causes": causes}.items():
        policy, count = re.subn(rf"^  {key}: .*$", f"  {key}: {value}", policy, flags=re.MULTILINE)
        assert count == 1
    hosted.push("main", {"Makefile": makefile, "policy.yaml": policy})
    hosted.github.deliver(only=())


def ship(hosted: Hosted, folder: Path) -> None:
    """Rows of April in degrees Celsius as the bundle of main answers them, and labels that are all false."""
    from flight_delays import project

    assert SAMPLE.is_dir()
    bundle = read_bundle(hosted.project.root / "bundle")
    contract, store = bundle.contract, Store(str(folder))
    month = read_periods(hosted.project.root / "data/periods", ["2013-04"], list(contract.columns))
    month = month.filter(month["late"].is_valid()).slice(0, 15 * 60)
    celsius = [None if one is None else (one - 32) / 1.8 for one in month["temp"].to_pylist()]
    month = month.set_column(month.column_names.index("temp"), "temp", pa.array(celsius, month["temp"].type))
    scores = Predictor(bundle.folder, project.features).model.predict(encode_table(month, contract))
    names = [name for name in month.column_names if name != "late"]
    with Path(f"{folder}.csv").open("w", newline="") as opened:
        labels = csv.writer(opened)
        labels.writerow(["request", "row", "late", "known"])
        for day in range(15):
            rows, date = month.slice(day * 60, 60), FIRST + datetime.timedelta(day)
            sent = [
                {name: str(value) if isinstance(value, datetime.datetime) else value for name, value in row.items()}
                for row in rows.select(names).to_pylist()
            ]
            given = {"request": str(date), "time": f"{date}T12:00:00", "bundle": bundle.digest[:12]}
            text = line_text(sent, contract, scores=scores[day * 60 : day * 60 + 60], **given)
            ship_lines(store, text, day + 1)
            known = date + datetime.timedelta(1)
            labels.writerows((date, place, not late, known) for place, late in enumerate(rows["late"].to_pylist()))


def issues(hosted: Hosted) -> list[Issue]:
    return list(hosted.github.shelf(hosted.repository).issues.values())


def ran(runs: list[Run]) -> list[str]:
    """The jobs that ran, by their workflows."""
    jobs = [(run.file.removesuffix(".yml"), job) for run in runs for job in run.jobs.values()]
    return [f"{file}/{job.name}" for file, job in jobs if job.conclusion != "skipped"]


def branches(hosted: Hosted) -> list[str]:
    return [ref for ref in hosted.repository.refs() if "retrain/" in ref]


def test_where_nothing_is_watched_the_schedule_looks_at_one_file_and_an_alert_is_told_nevertheless(
    hosted: Hosted,
) -> None:
    hosted.github.schedule(hosted.repository, *DAILY)
    runs = hosted.deliver(FILES)
    assert [run.conclusion for run in runs] == ["success"], why(*runs)
    assert ran(runs) == ["monitor/look"]
    assert issues(hosted) == []

    payload = {"key": "alert:ServiceDown", "kind": "alert", "subject": "ServiceDown", "summary": "Nobody answers"}
    for status, state in (("firing", "open"), ("resolved", "closed")):
        hosted.github.send(hosted.repository, "alert", {**payload, "status": status})
        runs = hosted.deliver(FILES)
        assert ran(runs) == ["monitor/look", "monitor/tell"], why(*runs)
        assert [(issue.title, issue.state) for issue in issues(hosted)] == [("alert: ServiceDown", state)]


def only_pull(hosted: Hosted, cause: str) -> PullRequest:
    """The one pull request, which names this cause and no other."""
    (pull,) = hosted.github.pulls(hosted.repository)
    assert re.findall(r"\*\*Cause: (\w+)\*\*", "\n".join([pull.body, *pull.comments])) == [cause]
    assert f"cause: {cause}" in pull.repository.read(pull.head_sha, "params.yaml")
    assert branches(hosted) == [f"refs/heads/{pull.branch}"]
    return pull


def forget(hosted: Hosted) -> None:
    """Remove the pull request as if it had never been there: one that is closed stops its data."""
    hosted.github.shelf(hosted.repository).pulls.clear()
    hosted.repository.git("update-ref", "-d", branches(hosted)[0])


def started_again(hosted: Hosted, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the last step of monitor.yml says if the next night finds what this run found."""
    monkeypatch.setenv("GITHUB_API_URL", hosted.github.url)
    may = {"actions": "write", "pull-requests": "read"}
    monkeypatch.setenv("GH_TOKEN", hosted.github.token(may, hosted.repository))
    (folder / "retrain.json").write_bytes(run.artifacts["monitoring"]["retrain.json"])
    found = json.loads((folder / "retrain.json").read_text())
    return start(client(), hosted.repository.name, found["cause"], found["reason"], found["periods"])


def test_each_cause_opens_one_pull_request_that_names_it(
    hosted: Hosted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted.github.shelf(hosted.repository).settings["workflow"] = {"can_approve_pull_request_reviews": True}
    ship(hosted, tmp_path / "store")
    watch(hosted, tmp_path / "store", "[drift, performance, schedule]")

    def monitored(until: str) -> list[Run]:
        hosted.github.schedule(hosted.repository, *DAILY)
        runs = hosted.deliver(FILES[:2], env={"UNTIL": until})
        assert {run.conclusion for run in runs} == {"success"}, why(*runs)
        return runs

    for _ in range(2):
        hosted.github.dispatch(hosted.repository, "retrain.yml", reason="New airline")
    runs = hosted.deliver(FILES)
    assert {run.conclusion for run in runs} <= {"success", "skipped"}, why(*runs)
    assert [run.file for run in runs if ran([run])] == ["retrain.yml", "retrain.yml", "train.yml", "report.yml"]
    assert issues(hosted) == []
    pull = only_pull(hosted, "by_hand")
    assert pull.title == "Retrain because of a person's request: data up to 2013-05"
    assert "**Cause: by_hand**: New airline" in pull.body
    assert "opened with CML" in runs[0].jobs["propose"].log
    assert "names this cause" in runs[1].jobs["propose"].log
    assert {"dvc.lock", "params.yaml"} <= set(pull.repository.changed(pull.base_sha, pull.head_sha))
    assert pull.checks()["model"] == "success"  # dvc.lock is what the pipeline makes, and the gate agrees
    assert "CML watermark model-report" in pull.comments[0]
    assert re.search(r"\*\*28,\d{3} rows added, 0 removed, 0 changed\*\*", pull.comments[0])
    assert "Paired by `flight_id` in period `2013-05`; the others are the same." in pull.comments[0]
    forget(hosted)

    # what `make monitor` finds in the log: temperatures that are others, and then that the answers were wrong
    for cause, until, title in (
        ("drift", WITHOUT_LABELS, "drift: temp"),
        ("performance", WITH_LABELS, "performance: log_loss"),
        ("schedule", BEFORE, ""),
    ):
        runs = monitored(until)
        assert "flight-delays in production" in runs[0].summary
        opened = [issue.title for issue in issues(hosted) if issue.state == "open"]
        assert title in opened if title else opened == []
        only_pull(hosted, cause)
        said = started_again(hosted, runs[0], tmp_path, monkeypatch)
        assert re.fullmatch(rf"not started: pull request \d+ is open, and names the cause {cause}", said)
        assert hosted.deliver(FILES) == []
        if cause == "drift":  # a night later, all of it once more
            assert ran(monitored(until)) == ["monitor/look", "monitor/monitor", "monitor/tell"]
            only_pull(hosted, cause)
        forget(hosted)

    watch(hosted, tmp_path / "store", "[data, drift]")
    runs = monitored(BEFORE)
    only_pull(hosted, "data")
    assert "started" in started_again(hosted, runs[0], tmp_path, monkeypatch)  # for there may be newer data
    # its checks were left out above, so that this run starts them
    (run,) = hosted.deliver(FILES[:2])
    assert "names this cause" in run.jobs["propose"].log
    assert "Running stage" not in run.jobs["retrain"].log
    only_pull(hosted, "data")


def test_implausible_data_is_an_incident_and_no_pull_request(hosted: Hosted, tmp_path: Path) -> None:
    watch(hosted, tmp_path / "store", "[data]")

    def retrained(limit: str) -> Run:
        contract = hosted.project.root.joinpath("contract.yaml").read_text()
        assert "minimum: -30, maximum: 120," in contract
        contract = contract.replace("minimum: -30, maximum: 120,", f"minimum: -30, maximum: {limit},")
        hosted.push("main", {"contract.yaml": contract})
        hosted.github.deliver(only=())
        hosted.github.dispatch(hosted.repository, "retrain.yml", cause="data")
        (run,) = hosted.deliver(FILES[1:2])
        assert ran([run]) == ["retrain/retrain", "retrain/incident"]
        assert hosted.github.pulls(hosted.repository) == []
        assert branches(hosted) == []
        return run

    # the warmest hours of May are warmer than all before
    for limit, ended in (("90", "failure"), ("90", "success"), ("88", "failure")):
        run = retrained(limit)
        assert run.conclusion == ended, why(run)
        assert [(issue.title, issue.state) for issue in issues(hosted)] == [("data: temp", "open")]
        assert ("waits, as before, for an answer to #1" in run.summary) == (ended == "success")
