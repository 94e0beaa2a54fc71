"""The figures of `make monitor` as text for Prometheus: performance, drift, coverage, alarms, and how old they are.

This module needs the standard library only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

PREFIX = "modelyard_"

CATALOGUE = {
    "figures_age_seconds": "Time since the moment up to which production was last looked at",
    "monitored_model_info": "The bundles that answered in the newest window",
    "monitored_model_age_seconds": "Time since the first window in which this bundle answered",
    "window_rows": "Rows answered in the newest window",
    "drift_distance": "Distance of an input's distribution from training's in the newest window",
    "drift_state": "Whether an input drifted in the newest window: 1, or 0 if not; absent if the rows do not tell",
    "input_missing_ratio": "Share of rows of the newest window in which an input is missing",
    "score_drift_distance": "Distance of the scores' distribution from the release's in the newest window",
    "performance": "A metric of the newest window whose labels have matured",
    "performance_low": "Lower end of the metric's interval",
    "performance_high": "Upper end of the metric's interval",
    "performance_release": "The same metric when the bundle was released",
    "performance_baseline": "The same metric of the same answer for every row",
    "label_coverage_ratio": "Share of rows with a label, in the newest window whose labels have matured",
    "alarm": "1 for each alarm that is raised",
    "log_lines": "Lines of the prediction log that were read",
    "log_torn_lines": "Lines of the prediction log that are not complete",
    "log_duplicate_lines": "Lines of the prediction log that were there before",
}
LOGS = {"lines": "log_lines", "torn": "log_torn_lines", "duplicates": "log_duplicate_lines"}
STATES = {"drift": 1.0, "none": 0.0}

Sample = tuple[str, dict[str, str], float]


def render(latest: Mapping[str, Any], now: datetime | None = None) -> str:
    """The gauges of a figures/latest.json, in Prometheus's text format; nothing is said of what it does not hold.

    now: for the ages, in UTC.
    """
    now = now or datetime.now(UTC)
    samples = [sample for sample in _samples(latest, now) if math.isfinite(sample[2])]
    lines = []
    for name, text in CATALOGUE.items():
        told = {_labels(labels): value for one, labels, value in samples if one == name}
        if told:
            lines += [f"# HELP {PREFIX}{name} {text}", f"# TYPE {PREFIX}{name} gauge"]
            lines += [f"{PREFIX}{name}{labels} {_number(value)}" for labels, value in told.items()]
    return "".join(f"{line}\n" for line in lines)


def _samples(latest: Mapping[str, Any], now: datetime) -> Iterator[Sample]:
    model = {"model": str(latest.get("model", ""))}
    if until := _moment(latest.get("until")):
        yield "figures_age_seconds", model, (now - until).total_seconds()
    windows = latest.get("windows") or []
    for window in _newest(windows):
        labels = {**model, "bundle": str(window["bundle"])}
        yield "monitored_model_info", labels, 1.0
        first = min(one["start"] for one in windows if one["bundle"] == window["bundle"])
        if started := _moment(first):
            yield "monitored_model_age_seconds", labels, (now - started).total_seconds()
        yield "window_rows", labels, _value(window.get("rows"))
        yield from _drift(window.get("drift") or {}, labels)
    for window in _newest([one for one in windows if one.get("matured")]):
        labels = {**model, "bundle": str(window["bundle"])}
        yield "label_coverage_ratio", labels, _value(window.get("coverage"))
        yield from _performance(window, labels)
    for alarm in latest.get("alarms") or []:
        yield "alarm", {**model, "kind": str(alarm["kind"]), "subject": str(alarm.get("subject", ""))}, 1.0
    logs = latest.get("logs") or {}
    for key, name in LOGS.items():
        yield name, model, _value(logs.get(key))


def _newest(windows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The last window of each bundle that answered in the very last one: during a trial, two do."""
    end = max((str(window["end"]) for window in windows), default="")
    return [window for window in windows if str(window["end"]) == end]


def _drift(drift: Mapping[str, Any], labels: dict[str, str]) -> Iterator[Sample]:
    for name, found in (drift.get("inputs") or {}).items():
        named = {**labels, "input": str(name)}
        yield "drift_distance", named, _value(found.get("distance"))
        yield "drift_state", named, STATES.get(str(found.get("state")), math.nan)
        yield "input_missing_ratio", named, _value(found.get("missing"))
    yield "score_drift_distance", labels, _value((drift.get("score") or {}).get("distance"))


def _performance(window: Mapping[str, Any], labels: dict[str, str]) -> Iterator[Sample]:
    for metric, figures in (window.get("performance") or {}).items():
        named = {**labels, "metric": str(metric)}
        yield "performance", named, _value(figures.get("value"))
        yield "performance_low", named, _value(figures.get("low"))
        yield "performance_high", named, _value(figures.get("high"))
        release = (window.get("release") or {}).get(metric)
        yield "performance_release", named, _value(release.get("value") if isinstance(release, dict) else release)
        yield "performance_baseline", named, _value((window.get("baseline") or {}).get(metric))


def _value(found: object) -> float:
    """A number, NaN where there is none."""
    return float(found) if isinstance(found, int | float) else math.nan


def _moment(text: object) -> datetime | None:
    """An ISO day or time, taken as UTC if it does not say; None if it is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{name}={_quoted(value)}" for name, value in labels.items()) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else json.dumps(value)
