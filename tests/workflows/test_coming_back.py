"""Production comes back: the real workflow files, by act, on one repository with figures that the test makes."""

from __future__ import annotations

import json
from typing import Any

from .hosted import Hosted, why
from .local import Run
from .local.state import Issue

DRIFT = {
    "key": "drift:temp",
    "kind": "drift",
    "subject": "temp",
    "since": "2013-05-01",
    "summary": "`temp` is 0.21 away from the reference, more than 0.1",
    "lines": [],
}
FIGURES = {"format": 1, "alarms": [DRIFT], "retrain": {"cause": "drift", "reason": "temp drifts"}}
ODD = {"key": "data:2013-05:temp", "period": "2013-05", "subject": "temp", "summary": "9/5 of what it was", "lines": []}
# In place of the two verbs that need production's own files and a new month: what they write, and what they say
STAND_IN = """import json, os, pathlib, sys
pathlib.Path("reports").mkdir(exist_ok=True)
if sys.argv[1] == "monitor":
    pathlib.Path("reports/monitor.json").write_text(os.environ["FIGURES"])
    pathlib.Path("reports/monitor.md").write_text("# Monitoring\\n")
    sys.exit()
params = pathlib.Path("params.yaml")
if os.environ.get("ARGS") == "--due":
    found = {"cause": "drift", "reason": "temp drifts", "periods": ["2013-05"]}
else:
    odd = json.loads(os.environ.get("ODD", "[]"))
    cause = os.environ["CAUSE"]
    found = {"cause": cause, "reason": os.environ["REASON"], "old": "2013-04", "new": "2013-05", "periods": ["2013-05"]}
    found |= {"changed": not odd, "implausible": odd}
    if not odd:
        params.write_text(params.read_text().replace('watermark: "2013-04"', 'watermark: "2013-05"'))
pathlib.Path("reports/retrain.json").write_text(json.dumps(found))
sys.exit(bool(found.get("implausible")))
"""
FILES = ("monitor.yml", "retrain.yml", "train.yml", "report.yml")


def stand_in(hosted: Hosted, store: str) -> None:
    """Let main name a store, and take its figures from the environment."""
    makefile = (hosted.project.root / "Makefile").read_text()
    for verb, after in (("monitor", "retrain"), ("retrain", "github")):
        begin, end = makefile.index(f"\n{verb}: setup") + 1, makefile.index(f"\n{after}: ") + 1
        makefile = f"{makefile[:begin]}{verb}: setup ## x\n\t$(RUN) python stand_in.py {verb}\n\n{makefile[end:]}"
    policy = (hosted.project.root / "policy.yaml").read_text()
    named = (
        policy.replace("store: null", f"store: {store}")
        if "store: null" in policy
        else f"{policy}monitor: {{store: {store}}}\n"
    )
    hosted.push("main", {"Makefile": makefile, "policy.yaml": named, "stand_in.py": STAND_IN})
    hosted.github.deliver(only=())


def issues(hosted: Hosted) -> list[Issue]:
    return list(hosted.github.shelf(hosted.repository).issues.values())


def ran(runs: list[Run]) -> list[str]:
    """The jobs that ran, by their workflows."""
    jobs = [(run.file.removesuffix(".yml"), job) for run in runs for job in run.jobs.values()]
    return [f"{file}/{job.name}" for file, job in jobs if job.conclusion != "skipped"]


def dispatch(hosted: Hosted, cause: str, **env: Any) -> list[Run]:
    hosted.github.dispatch(hosted.repository, "retrain.yml", cause=cause, reason=f"a reason for {cause}")
    return hosted.deliver(FILES, env=env)


def test_where_nothing_is_watched_the_schedule_looks_at_one_file_and_an_alert_is_told_nevertheless(
    hosted: Hosted,
) -> None:
    hosted.github.schedule(hosted.repository, "monitor.yml", "23 5 * * *")
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


def test_drift_comes_back_as_one_issue_and_one_pull_request_that_names_it(hosted: Hosted) -> None:
    stand_in(hosted, "/srv/logs")
    hosted.github.shelf(hosted.repository).settings["workflow"] = {"can_approve_pull_request_reviews": True}
    figures = {"FIGURES": json.dumps(FIGURES)}
    hosted.github.schedule(hosted.repository, "monitor.yml", "23 5 * * *")
    runs = hosted.deliver(FILES, env=figures)
    assert [run.file for run in runs if run.file != "report.yml" or run.jobs["report"].conclusion != "skipped"] == [
        "monitor.yml",
        "retrain.yml",
        "train.yml",
        "report.yml",
    ], why(*runs)
    assert {run.conclusion for run in runs} <= {"success", "skipped"}, why(*runs)
    assert "# Monitoring" in runs[0].summary
    assert [(issue.title, issue.author) for issue in issues(hosted)] == [("drift: temp", "github-actions[bot]")]

    (pull,) = hosted.github.pulls(hosted.repository)
    assert pull.title == "Retrain because of drift: data up to 2013-05"
    assert "**Cause: drift**: temp drifts" in pull.body
    assert "opened with CML" in runs[1].jobs["propose"].log
    assert {"dvc.lock", "params.yaml"} <= set(pull.repository.changed(pull.base_sha, pull.head_sha))
    assert pull.checks()["model"] == "success"  # dvc.lock is what the pipeline makes, and the gate agrees
    (comment,) = pull.comments
    assert "CML watermark model-report" in comment

    # the same again, and then two other causes at once: trained is nothing, and there is no second one
    hosted.github.schedule(hosted.repository, "monitor.yml", "23 5 * * *")
    runs = hosted.deliver(FILES, env=figures)
    assert ran(runs) == ["monitor/look", "monitor/monitor", "monitor/tell"], why(*runs)
    assert "pull request 2 is open, and names the cause drift" in runs[0].jobs["tell"].log
    hosted.github.dispatch(hosted.repository, "retrain.yml", cause="performance")
    hosted.github.dispatch(hosted.repository, "retrain.yml", cause="by_hand")
    runs = hosted.deliver(FILES)
    assert [run.conclusion for run in runs] == ["success", "success"], why(*runs)
    assert "Running stage" not in runs[0].jobs["retrain"].log
    assert [word in pull.comments[1] for word in ("Cause: performance", "again")] == [True, True]
    assert "Cause: by_hand" in pull.comments[2]
    assert len(hosted.github.pulls(hosted.repository)) == 1


def test_implausible_data_is_an_incident_and_no_pull_request(hosted: Hosted) -> None:
    stand_in(hosted, "/srv/logs")
    runs = dispatch(hosted, "data", ODD=json.dumps([ODD]))
    assert [run.conclusion for run in runs] == ["failure"], why(*runs)
    assert ran(runs) == ["retrain/retrain", "retrain/incident"]
    assert [issue.title for issue in issues(hosted)] == ["data: temp"]
    assert hosted.github.pulls(hosted.repository) == []
    assert [ref for ref in hosted.repository.refs() if "retrain/" in ref] == []
