"""What is beyond its limit in enough of the last windows, and whether the model is to be made anew for it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import counted
from ..judging.monitoring import Monitor
from . import drift, performance

Entry = Mapping[str, Any]  # a window of one bundle, as reports/monitor.json has it
Alarm = dict[str, Any]

SCORE = "scores"  # the subject of drift of the scores; an input of this name has `input` before its own
TORN = 0.01  # the share of lines from which on torn ones are an alarm


def alarms(entries: Sequence[Entry], monitor: Monitor, primary: str) -> list[Alarm]:
    """The alarms of the bundle that answers now, by its windows in order."""
    if not entries:
        return []
    now = max(entries, key=lambda entry: (entry["end"], entry["rows"]))["bundle"]
    own = [entry for entry in entries if entry["bundle"] == now and entry["rows"]]
    mature = [entry for entry in own if entry["matured"]]
    judged = [entry for entry in mature if entry["performance"] is not None]
    return [
        *_drifts(own, monitor),
        *_performances(judged, monitor, primary),
        *_coverage(mature, monitor),
    ]


def retrain(found: Iterable[Alarm]) -> dict[str, str] | None:
    """The cause for which the model is to be made anew, with the reason; a worse performance before drift."""
    by_kind: dict[str, list[str]] = {}
    for alarm in found:
        by_kind.setdefault(alarm["kind"], []).append(alarm["summary"])
    for cause in ("performance", "drift"):
        if cause in by_kind:
            return {"cause": cause, "reason": "; ".join(by_kind[cause])}
    return None


def silence(days: Iterable[str], until: datetime.datetime, monitor: Monitor) -> list[Alarm]:
    """An alarm if the log has had no row for a window's length."""
    last = datetime.date.fromisoformat(max(days))
    quiet = (until.date() - last).days
    if quiet <= monitor.window_days:
        return []
    summary = f"the last answered row in the store is of {last}, {counted(quiet, 'day')} before {until.date()}"
    return [_alarm("logs", "silence", last.isoformat(), summary, ["Is the service up, and do its logs arrive?"])]


def torn(logs: Mapping[str, int], until: datetime.datetime) -> list[Alarm]:
    """An alarm if many lines of the log could not be read."""
    if not logs["torn"] or logs["torn"] < TORN * logs["lines"]:
        return []
    summary = f"{logs['torn']:,} of {logs['lines']:,} lines of the log are torn and left out"
    return [_alarm("logs", "torn", until.date().isoformat(), summary, [])]


def of_labels(report: Mapping[str, Any], until: datetime.datetime) -> list[Alarm]:
    """The alarms of what `labels` reported: labels that were refused, or contradict each other."""
    since = until.date().isoformat()
    if "error" in report:
        lines = str(report["error"]).splitlines()
        return [_alarm("data", "labels", since, f"no labels could be taken: {lines[0].rstrip(':')}", lines[1:])]
    if conflicting := report.get("conflicting"):
        summary = f"{conflicting:,} labels contradict others of the same row and are left out"
        return [_alarm("data", "conflicting labels", since, summary, report["notes"])]
    return []


def of_skew(found: Mapping[str, Any] | None, until: datetime.datetime) -> list[Alarm]:
    """An alarm if logged rows get other scores here."""
    if not found or not found["different"]:
        return []
    by = "no single feature explains it"
    if found["feature"]:
        by = f"{found['feature']} alone explains {found['explained']} of {found['tried']}"
    summary = (
        f"{found['different']:,} of {found['rows']:,} logged rows get another score here, "
        f"by up to {found['largest']:.3g}; {by}"
    )
    lines = [
        f"request {one['request']} row {one['row']}: logged {one['logged']}, answered again {one['answered']}"
        for one in found["examples"]
    ]
    lines += [f"{name} is not the one that the bundle was made with" for name in found["changed_code"]]
    return [_alarm("skew", found["feature"] or "scores", until.date().isoformat(), summary, lines)]


def of_parity(found: Mapping[str, Any] | None, until: datetime.datetime) -> list[Alarm]:
    """An alarm for each feature with history that was served otherwise than its records say."""
    if not found:
        return []
    alarms = []
    for name, one in found["features"].items():
        summary = f"{name} was served otherwise than joined again in {one['different']:,} of {found['rows']:,} rows"
        lines = [
            f"request {row['request']} row {row['row']}: served {row['served']}, joined again {row['joined']}"
            for row in one["examples"]
        ]
        lines.append("the online store may be behind its records: run `make materialize` whenever records have arrived")
        alarms.append(_alarm("skew", name, until.date().isoformat(), summary, lines))
    return alarms


def _drifts(entries: Sequence[Entry], monitor: Monitor) -> Iterable[Alarm]:
    last = entries[-monitor.alarm.of :]
    for name in sorted({name for entry in last if entry["drift"] for name in entry["drift"]["inputs"]}):
        yield from _drift(name, f"input {name}" if name == SCORE else name, last, monitor)
    yield from _drift(None, SCORE, last, monitor)


def _drift(name: str | None, subject: str, last: Sequence[Entry], monitor: Monitor) -> Iterable[Alarm]:
    def of(entry: Entry) -> Mapping[str, Any]:
        if not entry["drift"]:
            return {}
        found: Mapping[str, Any] = entry["drift"]["score"] if name is None else entry["drift"]["inputs"].get(name, {})
        return found

    flagged = [entry for entry in last if of(entry).get("state") == drift.DRIFT]
    if len(flagged) < monitor.alarm.windows:
        return
    worst = of(flagged[-1])
    summary = (
        f"{subject}: distance {worst['distance']:.3f} from training (matters from {monitor.effect:g}), "
        f"p {worst['p']:.2g}, in {len(flagged)} of {len(last)} windows"
    )
    lines = [f"{cell}: {then:.1%} in training, now {now:.1%}" for cell, (then, now) in worst["moved"].items()]
    if worst["outside"]:
        lines.append(f"{worst['outside']:.1%} are outside of the range in training")
    lines += [f"{value}: {count} rows, and none in training" for value, count in worst["unknown"].items()]
    yield _alarm("drift", subject, flagged[0]["start"], summary, lines)


def _performances(entries: Sequence[Entry], monitor: Monitor, primary: str) -> Iterable[Alarm]:
    last = entries[-monitor.alarm.of :]
    if not last:
        return

    def told(figures: Mapping[str, Any], claimed: Mapping[str, Any]) -> str:
        value, claim = figures[primary], claimed[primary]["value"]
        return f"{value['value']:.4f} ({value['low']:.4f} to {value['high']:.4f}), the release claims {claim:.4f}"

    flagged = [entry for entry in last if entry["state"] == performance.WORSE]
    if len(flagged) >= monitor.alarm.windows:
        entry = flagged[-1]
        summary = f"{primary} {told(entry['performance'], entry['release'])}, in {len(flagged)} of {len(last)} windows"
        yield _alarm("performance", primary, flagged[0]["start"], summary, _lines(flagged, primary))
    below = [entry for entry in last if entry["below_baseline"]]
    if len(below) >= monitor.alarm.windows:
        entry = below[-1]
        value, base = entry["performance"][primary]["value"], entry["baseline"][primary]
        summary = (
            f"{primary} {value:.4f} is worse than the same answer for every row ({base:.4f}), in {len(below)} of "
            f"{len(last)} windows"
        )
        yield _alarm("performance", "baseline", below[0]["start"], summary, _lines(below, primary))
    for name in sorted({name for entry in last for name in entry["slices"]}):
        worse = [entry for entry in last if entry["slices"].get(name, {}).get("state") == performance.WORSE]
        if len(worse) >= monitor.alarm.windows:
            entry = worse[-1]
            figures = told(entry["slices"][name], entry["release_slices"][name])
            summary = f"{name}: {primary} {figures}, in {len(worse)} of {len(last)} windows"
            yield _alarm("performance", name, worse[0]["start"], summary, [])


def _lines(entries: Sequence[Entry], primary: str) -> list[str]:
    return [
        f"{entry['start']} to {entry['end']}: {primary} {entry['performance'][primary]['value']:.4f}, "
        f"{entry['labelled']:,} labelled rows"
        for entry in entries
    ]


def _coverage(entries: Sequence[Entry], monitor: Monitor) -> Iterable[Alarm]:
    flagged = [entry for entry in entries[-monitor.alarm.of :] if entry["coverage"] < monitor.coverage]
    if len(flagged) >= monitor.alarm.windows:
        entry = flagged[-1]
        summary = (
            f"{entry['labelled']:,} of {entry['rows']:,} rows from {entry['start']} have a label after "
            f"{monitor.maturity_days} days ({entry['coverage']:.1%}, expected {monitor.coverage:.0%})"
        )
        yield _alarm("coverage", "labels", flagged[0]["start"], summary, [])


def _alarm(kind: str, subject: str, since: str, summary: str, lines: Iterable[str]) -> Alarm:
    return {
        "key": f"{kind}:{subject}",
        "kind": kind,
        "subject": subject,
        "since": since,
        "summary": summary,
        "lines": list(lines),
    }
