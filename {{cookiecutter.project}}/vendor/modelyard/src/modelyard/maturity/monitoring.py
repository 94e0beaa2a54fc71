"""The items about production: whether somebody is told when something there is not as it was."""

from __future__ import annotations

from typing import Any

from ..git import git
from ..github.patch import BOT
from ..training.metrics import PRIMARY
from .evidence import MONITOR, PracticeEvidence, objects
from .found import Lack, Part, Trace, best

UPDATER = "dependabot[bot]"
SPEED = ("Slow", "Errors", "ServiceDown", "ServiceGone", "StuckWorkers", "BreakerOpen")  # in deploy/prometheus
TOLD = {"drift", "none"}
CAUSES = ("schedule", "data", "drift", "performance")


def dependencies(found: PracticeEvidence) -> list[Part]:
    """Somebody is told when what the project depends on changes or breaks."""
    alerts: Part = Lack("whether GitHub warns of packages is not known here", "GH_TOKEN=... make maturity")
    if found.hub.alerts is not None:
        alerts = Trace(
            "GitHub warns of packages with known faults, and proposes updates", "settings on GitHub", "", True
        )
        if found.hub.alerts:
            alerts = Lack(f"warnings of packages are not on: {found.hub.alerts[0]}", "make github APPLY=1")
    line = git(found.root, "log", "-1", "--fixed-strings", f"--author={UPDATER}", "--format=%h%x09%cI%x09%s").strip()
    if not line:
        return [alerts]
    commit, when, subject = line.split("\t", 2)
    return [best(alerts, Trace(f"an update was proposed and taken: {subject}", f"commit {commit}", when))]


def inputs(found: PracticeEvidence) -> list[Part]:
    """Rows that are answered are compared with those of the training."""
    window = _newest(found)
    if window is None:
        return [_unwatched(found)]
    states = {name: one["state"] for name, one in ((window["drift"] or {}).get("inputs") or {}).items()}
    told = [name for name, state in states.items() if state in TOLD]
    if not told:
        return [Lack(f"the window from {window['start']} says of no input whether it drifted", MONITOR)]
    drifted = ", ".join(name for name in told if states[name] == "drift") or "none"
    what = f"{len(told)} inputs were compared in the window from {window['start']}; drifted: {drifted}"
    return [found.figure(what)]


def skew(found: PracticeEvidence) -> list[Part]:
    """A row gets the same features and score in training as in the service."""
    parity = found.check("rows of a table and the same rows in JSON have equal features", "check_parity")
    replayed = found.figures.get("skew") or {}
    if not replayed.get("rows"):
        lacking = replayed.get("note") or "no logged row was answered again"
        return [parity, Lack(str(lacking), MONITOR)]
    if replayed["different"]:
        lacking = f"{replayed['different']:,} of {replayed['rows']:,} logged rows get another score here"
        return [parity, Lack(lacking, MONITOR)]
    return [parity, found.figure(f"{replayed['rows']:,} logged rows were answered again, all with the same score")]


def staleness(found: PracticeEvidence) -> list[Part]:
    """Somebody, or a workflow, looks whether the model is too old."""
    alternatives: list[Part] = []
    # without a store or a time, `retrain --due` does not look at the model's age
    looks = found.policy.monitor.store is not None and found.contract.time is not None
    for files, report in objects(found, "retrain.json") if looks else ():
        said = f"whether to retrain was looked at: {report.get('cause') or 'not due'}, {report.get('reason')}"
        alternatives.append(files.trace("retrain.json", said))
    cause = found.params.cause
    if cause in CAUSES:
        form = "--format=%h%x09%cI%x09%an"
        line = git(found.root, "log", "-1", form, "-G", "^cause:", "--", "params.yaml").strip()
        what = f"new data was taken up to {found.params.watermark}, because of {cause}"
        if line:  # else it is not committed
            commit, when, author = line.split("\t", 2)
            alternatives.append(Trace(what, f"params.yaml at {commit}, by {author}", when, automated=author == BOT))
    if alternatives:
        return [best(*alternatives)]
    if found.contract.time is None:
        return [Lack("contract.yaml has no column of role time, so nothing tells new data from old", "")]
    if not looks:
        return [_unwatched(found)]
    return [Lack("nobody has looked whether the model is due to be made again", "make retrain ARGS=--due")]


def stability(found: PracticeEvidence) -> list[Part]:
    """Numbers stay finite, and rows that get no answer of the model are counted."""
    finite = found.check("no feature is infinite", "check_no_infinity")
    window = _newest(found)
    if window is None:
        return [finite, _unwatched(found)]
    others = sum(window["others"].values())
    what = f"in the window from {window['start']} the model answered {window['rows']:,} rows, others {others:,}"
    return [finite, found.figure(what)]


def speed(found: PracticeEvidence) -> list[Part]:
    """Somebody is told when answers become slow or fail."""
    issues = found.hub.incidents or ()
    fired = [one for one in issues if any(f"alert: {name}" in one["title"] for name in SPEED)]
    if fired:
        last = fired[0]
        what = f"an alert became an issue: {last['title']} ({last['state']})"
        return [Trace(what, str(last["html_url"]), str(last["created_at"]), automated=True)]
    for files, record in objects(found, "deploy.json"):
        compared = [one for trial in record.get("decisions", ()) for one in trial["findings"]]
        if latency := [one for one in compared if one["question"] == "latency"]:
            what = (
                f"a canary's latency was compared with stable's: {latency[-1]['counts']} slow, {latency[-1]['found']}"
            )
            return [files.trace("deploy.json", what)]
    lacking = "no alert of the service ever became an issue, and no trial that compared latency is here"
    return [Lack(lacking, "GH_TOKEN=... make maturity")]


def quality(found: PracticeEvidence) -> list[Part]:
    """How good the answers were is known, because labels come."""
    matured = [one for one in found.windows if one["matured"]]
    if not matured:
        return [_unwatched(found) if not found.windows else Lack("no window's labels had time to come yet", MONITOR)]
    last, metric = matured[-1], PRIMARY[found.contract.kind]
    needed = found.policy.monitor.coverage
    if last["coverage"] < needed or not last["performance"]:
        lacking = (
            f"{last['coverage']:.0%} of the rows from {last['start']} have a label, {needed:.0%} are needed "
            "(monitor.coverage): see whether labels still come"
        )
        return [Lack(lacking, MONITOR)]
    value: Any = last["performance"][metric]
    what = (
        f"{last['coverage']:.0%} of the rows from {last['start']} have a label: {metric} {value['value']:.4f}, "
        f"worse than the release: {'yes' if last['state'] == 'worse' else 'no'}"
    )
    return [found.figure(what)]


def _newest(found: PracticeEvidence) -> dict[str, Any] | None:
    return found.windows[-1] if found.windows else None


def _unwatched(found: PracticeEvidence) -> Lack:
    if not found.policy.monitor.store:
        return Lack("policy.yaml names no store (monitor.store), so production is not watched", MONITOR)
    return Lack("no figures of production are here", MONITOR)
