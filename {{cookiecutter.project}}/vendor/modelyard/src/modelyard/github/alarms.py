"""Alarms as the monitor, the check before a retraining, an alert or a failed job state them, read as untrusted text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .api import GitHubError
from .untrusted import read_json

LARGEST = 5_000_000  # bytes of a file of alarms
LONGEST_KEY = 300
MOST_LINES = 40
IDLE = 50  # days without a commit on main


@dataclass(frozen=True)
class Incident:
    """One thing that is wrong. key: the same for as long as it is the same thing. lines: what is known of it."""

    key: str
    kind: str
    subject: str
    since: str
    summary: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Statement:
    """Who states alarms, and which. over: the keys that it says are over; None: all that it does not state."""

    name: str
    alarms: tuple[Incident, ...]
    over: frozenset[str] | None = None


def read_alarms(path: Path) -> Statement | None:
    """What monitor.json or retrain.json says is wrong; None if it did not look. Raises GitHubError if it is neither."""
    content = read_json(path, LARGEST)
    if not isinstance(content, dict) or content.get("format", 1) != 1:
        raise GitHubError(f"{path} is no JSON of the form that `monitor` and `retrain` write; nothing is changed")
    if "alarms" in content:
        return Statement("monitor", _alarms(content["alarms"], f"{path}: alarms"))
    if "cause" not in content:
        raise GitHubError(f"{path} has neither `alarms` nor `cause`; nothing is changed")
    if "implausible" not in content:
        return None
    return Statement("retrain", _alarms(content["implausible"], f"{path}: implausible", kind="data"))


def read_alert(path: Path) -> Statement:
    """What the event of a `repository_dispatch` says of one alert. Raises GitHubError if it says nothing."""
    event = read_json(path, LARGEST)
    alert = event.get("client_payload") if isinstance(event, dict) else None
    if not isinstance(alert, dict) or alert.get("status") not in ("firing", "resolved"):
        raise GitHubError("the event's client_payload has no `status` firing or resolved; nothing is changed")
    (alarm,) = _alarms([alert], "client_payload", kind="alert")
    if alert["status"] == "resolved":
        return Statement("alert", (), frozenset({alarm.key}))
    return Statement("alert", (alarm,), frozenset())


def of_job(name: str, result: str) -> Statement:
    """The alarm that a job did not succeed; none if it did, or was not needed."""
    if result in ("success", "skipped"):
        # one that was not needed says nothing of what failed before
        return Statement(f"job-{name}", (), None if result == "success" else frozenset())
    summary = f"The job `{name}` ended with {result}."
    return Statement(f"job-{name}", (Incident(f"job:{name}", "job", name, "", summary),))


def of_schedule(idle: int) -> Statement:
    """The alarm that GitHub will stop the schedule, where main has had no commit for so many days."""
    if idle < IDLE:
        return Statement("schedule", ())
    summary = (
        f"Main has had no commit for {IDLE} days or more: after 60, GitHub stops schedules of public repositories."
    )
    return Statement("schedule", (Incident("schedule", "schedule", "monitor.yml", "", summary),))


def bounded(statement: Statement, preferred: frozenset[str], most: int) -> Statement:
    """At most so many alarms, those of the preferred keys first; what is left out is counted in one more."""
    if len(statement.alarms) <= most:
        return statement
    order = sorted(statement.alarms, key=lambda alarm: alarm.key not in preferred)
    left = order[most:]
    more = Incident(
        key="more",
        kind="more",
        subject=f"{len(left)} more alarms",
        since="",
        summary=f"There are {len(left)} alarms beside the {most} that have an issue of their own.",
        lines=_bounded_lines([f"{alarm.key}: {alarm.summary}" for alarm in left]),
    )
    return replace(statement, alarms=(*order[:most], more))


def _alarms(given: object, where: str, kind: str = "") -> tuple[Incident, ...]:
    if not isinstance(given, list):
        raise GitHubError(f"{where} is no list; nothing is changed")
    found: dict[str, Incident] = {}
    for number, one in enumerate(given):
        alarm = _alarm(one, f"{where}[{number}]", kind)
        same = found.get(alarm.key)
        lines = _bounded_lines([*same.lines, alarm.summary, *alarm.lines]) if same else ()
        found[alarm.key] = replace(same, lines=lines) if same else alarm
    return tuple(found.values())


def _alarm(given: object, where: str, kind: str) -> Incident:
    if not isinstance(given, Mapping):
        raise GitHubError(f"{where} is no table; nothing is changed")
    key, lines = given.get("key"), given.get("lines", [])
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
        raise GitHubError(f"{where}: key is no text of 1 to {LONGEST_KEY} characters; nothing is changed")
    if not isinstance(lines, list):
        raise GitHubError(f"{where}: lines is no list; nothing is changed")
    return Incident(
        key=key,
        kind=_text(given, "kind") or kind or key.partition(":")[0],
        subject=_text(given, "subject") or key.partition(":")[2] or key,
        since=_text(given, "since") or _text(given, "period"),
        summary=_text(given, "summary") or key,
        lines=_bounded_lines(list(map(str, lines))),
    )


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    return "" if value is None else str(value)


def _bounded_lines(lines: Sequence[str]) -> tuple[str, ...]:
    if len(lines) <= MOST_LINES:
        return tuple(lines)
    return (*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more lines")
