"""Production comes back: the real workflow files, by act, on one repository with figures that the test makes."""

from __future__ import annotations

import json
import re

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
# In place of the verbs that need production's own files, or a month that is odd: what they write, and how they end
MONITOR = """monitor: setup
	@mkdir -p reports && echo "$$FIGURES" > reports/monitor.json && echo '# Monitoring' > reports/monitor.md
"""
RETRAIN = """retrain: setup
	@mkdir -p reports && echo "$$ODD" > reports/retrain.json && false
"""
FILES = ("monitor.yml", "retrain.yml", "train.yml", "report.yml")


def stand_in(hosted: Hosted, **recipes: str) -> None:
    """Let main name a store, and let these targets of its Makefile do something else."""
    makefile = (hosted.project.root / "Makefile").read_text()
    for target, recipe in recipes.items():
        makefile, count = re.subn(rf"^{target}: setup.*\n(?:\t.*\n)+", lambda _, new=recipe: new, makefile, flags=re.M)
        assert count == 1
    # the sample has all of 2013: one more month of it has arrived
    makefile = makefile.replace("$(YARD_ARGS) retrain", "$(YARD_ARGS) retrain --until 2013-06-05")
    policy = (hosted.project.root / "policy.yaml").read_text()
    assert "store: null" in policy
    hosted.push("main", {"Makefile": makefile, "policy.yaml": policy.replace("store: null", "store: /srv/logs")})
    hosted.github.deliver(only=())


def issues(hosted: Hosted) -> list[Issue]:
    return list(hosted.github.shelf(hosted.repository).issues.values())


def ran(runs: list[Run]) -> list[str]:
    """The jobs that ran, by their workflows."""
    jobs = [(run.file.removesuffix(".yml"), job) for run in runs for job in run.jobs.values()]
    return [f"{file}/{job.name}" for file, job in jobs if job.conclusion != "skipped"]


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
    stand_in(hosted, monitor=MONITOR)
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
    assert "cause: drift" in pull.repository.read(pull.head_sha, "params.yaml")
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
    runs = hosted.deliver(FILES, env=figures)
    assert [run.conclusion for run in runs] == ["success", "success"], why(*runs)
    assert "Running stage" not in runs[0].jobs["retrain"].log
    assert [word in pull.comments[1] for word in ("Cause: performance", "again")] == [True, True]
    assert "Cause: by_hand" in pull.comments[2]
    assert len(hosted.github.pulls(hosted.repository)) == 1


def test_implausible_data_is_an_incident_and_no_pull_request(hosted: Hosted) -> None:
    stand_in(hosted, retrain=RETRAIN)
    found = {"cause": "data", "reason": "May", "old": "2013-04", "new": "2013-04", "periods": ["2013-05"]}
    hosted.github.dispatch(hosted.repository, "retrain.yml", cause="data", reason="May")
    runs = hosted.deliver(FILES, env={"ODD": json.dumps({**found, "changed": False, "implausible": [ODD]})})
    assert [run.conclusion for run in runs] == ["failure"], why(*runs)
    assert ran(runs) == ["retrain/retrain", "retrain/incident"]
    assert [issue.title for issue in issues(hosted)] == ["data: temp"]
    assert hosted.github.pulls(hosted.repository) == []
    assert [ref for ref in hosted.repository.refs() if "retrain/" in ref] == []
