"""The figures of production as tables that a person reads: reports/monitor.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import counted
from ..markdown import code, interval, markdown_table, number, prose

LAST = 12  # windows that are shown


def page(found: Mapping[str, Any]) -> str:
    """The page of the figures in reports/monitor.json."""
    parts = [f"# {prose(found['model'])} in production", _headline(found), *_alarms(found)]
    if found["windows"]:
        parts += [*_performance(found), *_slices(found), *_drift(found)]
    else:
        parts.append("No window is over yet.")
    parts += [*_skew(found), *_labels(found)]
    return "\n\n".join(parts) + "\n"


def _headline(found: Mapping[str, Any]) -> str:
    logs, alarms = found["logs"], len(found["alarms"])
    beyond = {0: "Nothing is beyond its limit.", 1: "**One alarm.**"}.get(alarms, f"**{alarms} alarms.**")
    return (
        f"{beyond} Known until {found['until']} (UTC): {logs['lines']:,} lines of the log on "
        f"{counted(logs['days'], 'day')}, {logs['torn']:,} torn and {logs['duplicates']:,} duplicates left out."
    )


def _alarms(found: Mapping[str, Any]) -> Iterator[str]:
    for alarm in found["alarms"]:
        lines = [f"- **{prose(alarm['key'])}** (since {alarm['since']}): {prose(alarm['summary'], 500)}"]
        yield "\n".join(lines + [f"  - {prose(line)}" for line in alarm["lines"]])
    if found["retrain"]:
        yield f"A reason to make the model anew: **{found['retrain']['cause']}**."


def _performance(found: Mapping[str, Any]) -> Iterator[str]:
    primary = found["primary"]
    rows = []
    for window in found["windows"][-LAST:]:
        figures = (window["performance"] or {}).get(primary, {})
        rows.append(
            (
                window["start"],
                code(window["bundle"]),
                f"{window['rows']:,}",
                f"{window['coverage']:.1%}" + ("" if window["matured"] else " so far"),
                number(figures.get("value")),
                interval(figures.get("low"), figures.get("high")),
                number(window["release"].get(primary, {}).get("value")),
                number(window["baseline"].get(primary)),
                _why(window),
            )
        )
    yield f"## Performance: {primary}"
    head = ("from", "bundle", "rows", "with a label", primary, "95 % by days", "release", "baseline", "state")
    yield markdown_table(head, rows)
    if others := _others(found):
        yield f"In no figure: {others}."
    latest = next((window for window in reversed(found["windows"]) if window["performance"]), None)
    if latest:
        yield f"All metrics of the window from {latest['start']}, of bundle {code(latest['bundle'])}:"
        lines = [
            (
                name,
                number(one["value"]),
                interval(one["low"], one["high"]),
                number(latest["release"].get(name, {}).get("value")),
                number(latest["baseline"].get(name)),
            )
            for name, one in latest["performance"].items()
        ]
        yield markdown_table(("metric", "value", "95 % by days", "release", "baseline"), lines)


def _why(window: Mapping[str, Any]) -> str:
    if window["drift"] is None:
        return "the bundle is not known here"
    if not window["matured"]:
        return "labels may still come"
    if window["performance"] is None:
        return "too few labels"
    return f"**{window['state']}**" if window["state"] == "worse" else str(window["state"])


def _others(found: Mapping[str, Any]) -> str:
    counts: dict[str, int] = {}
    for window in found["windows"][-LAST:]:
        for reason, rows in window["others"].items():
            counts[reason] = counts.get(reason, 0) + rows
        if window["unusable_labels"]:
            counts["label of no class"] = counts.get("label of no class", 0) + window["unusable_labels"]
    return ", ".join(f"{rows:,} rows ({reason})" for reason, rows in sorted(counts.items()))


def _slices(found: Mapping[str, Any]) -> Iterator[str]:
    primary = found["primary"]
    latest = next((window for window in reversed(found["windows"]) if window["slices"]), None)
    if latest is None:
        return
    yield f"## Slices, in the window from {latest['start']}"
    lines = [
        (
            code(name),
            f"{one['rows']:,}",
            number(one[primary]["value"]),
            interval(one[primary]["low"], one[primary]["high"]),
            number(latest["release_slices"].get(name, {}).get(primary, {}).get("value")),
            one["state"],
        )
        for name, one in latest["slices"].items()
    ]
    yield markdown_table(("slice", "labelled rows", primary, "95 % by days", "release", "state"), lines)


def _drift(found: Mapping[str, Any]) -> Iterator[str]:
    latest = next((window for window in reversed(found["windows"]) if window["drift"]), None)
    if latest is None:
        return
    held = latest["drift"]
    yield f"## Drift, in the window from {latest['start']}"
    inputs = sorted(held["inputs"].items(), key=lambda one: -(one[1]["distance"] or 0))
    lines = [
        (
            code(name),
            number(one["distance"]),
            "-" if one["p"] is None else f"{one['p']:.2g}",
            _state(one),
            "-" if one["missing"] is None else f"{one['missing']:.1%}",
            f"{one['reference_missing']:.1%}" if "reference_missing" in one else "-",
            f"{one['outside']:.1%}" if "outside" in one else "-",
            ", ".join(f"{code(value)} {count:,}" for value, count in one.get("unknown", {}).items()) or "-",
            f"{one['needed_rows']:,}" if one.get("needed_rows") else "-",
        )
        for name, one in [("the scores", held["score"]), *inputs]
    ]
    head = ("input", "distance", "p", "state", "missing", "in training", "out of range", "unknown", "rows needed")
    yield markdown_table(head, lines)
    alike = "of rows that are taken as independent, as a window has one day"
    if not held["independent"]:
        alike = "and for the likeness of the rows of a day"
    yield (
        f"{held['rows']:,} rows. The p values are corrected for the number of tests, {alike}. "
        "With the rows needed, a distance that matters is found in 8 of 10 windows."
    )


def _state(one: Mapping[str, Any]) -> str:
    if one["state"] == "drift":
        return "**drift**"
    return f"{one['state']}: {one['reason']}" if "reason" in one else str(one["state"])


def _skew(found: Mapping[str, Any]) -> Iterator[str]:
    held = found["skew"]
    yield "## Logged rows, answered again"
    if held is None:
        yield "The bundle that answers is not in this project."
    elif "note" in held:
        yield prose(held["note"])
    elif not held["different"]:
        yield f"All of {held['rows']:,} rows get the score that is in the log."
    else:
        yield f"{held['different']:,} of {held['rows']:,} rows get another score; see the alarm."
    if joined := found.get("parity"):
        yield "## Features with history, joined again"
        if "note" in joined:
            yield prose(joined["note"])
        elif not joined["features"]:
            yield f"All of {joined['rows']:,} rows were served what the records say, to the last bit."
        else:
            yield f"Served otherwise than the records say: {', '.join(map(code, joined['features']))}; see the alarms."


def _labels(found: Mapping[str, Any]) -> Iterator[str]:
    held = found["labels"]
    if not held:
        return
    yield "## Labels, when they were last joined"
    if "error" in held:
        yield prose(held["error"], 1000)
        return
    yield (
        f"{held['written']:,} new ({held['changed']:,} changed), {held['unmatched']:,} of rows that were not asked "
        f"for, {held['repeated']:,} repeated, {held['conflicting']:,} conflicting, {held['keyless']:,} rows without id."
    )
    if held["notes"]:
        yield "\n".join(f"- {prose(note, 500)}" for note in held["notes"])
