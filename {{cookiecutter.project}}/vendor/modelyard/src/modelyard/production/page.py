"""The monitoring page: what a person looks at on Monday, as one HTML file that loads nothing and runs no script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import counted
from ..markdown import cut
from ..reporting.page import whole_page
from .page_charts import Window, metric_over_time, rows_over_time
from .page_drift import distances, drift_section
from .page_text import interval, number, percent, rows_of, section, table, text, value_of

SLICES = 30
ALARMS = 8  # that are shown at once
# What a person has to see first: inputs may drift by the dozen
KINDS = ("performance", "skew", "data", "logs", "coverage", "drift")
IN_UNITS = ("rmse", "mae")  # metrics in the target's unit
STYLE = """
:root { --ok: #15803d; --bad: #dc2626; --quiet: #64748b; --heat: #f97316 }
@media (prefers-color-scheme: dark) { :root { --ok: #4ade80; --bad: #f87171; --quiet: #94a3b8; --heat: #fb923c } }
h1 { font-size: 1.6rem; margin: 0 }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .6rem; border-bottom: 1px solid var(--line) }
.quiet, caption { color: var(--quiet) } .quiet { margin: .2rem 0 } .small { font-size: .85rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem; margin: 1.2rem 0 }
.tile { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .8rem; border-top: 4px solid var(--line) }
.tile b { display: block; font-size: 1.35rem } .tile.ok { border-top-color: var(--ok) }
.tile.bad { border-top-color: var(--bad) } .tile.bad b { color: var(--bad) }
.alarm { border-left: 4px solid var(--bad); padding: .1rem 0 .1rem .9rem; margin: .8rem 0 }
b.bad { color: var(--bad) }
.alarm p, .alarm ul { margin: .15rem 0 }
.charts { display: flex; flex-wrap: wrap; gap: .5rem; overflow-x: auto }
.charts svg { flex: 1 1 24rem; max-width: 31.5rem }
.charts svg:first-child { flex-basis: 100%; min-width: 38rem; max-width: 100% }
.heat { border-collapse: separate; border-spacing: 1px; font-size: .85rem } .heat th, .heat td { border: 0 }
.heat th { background: none; position: static; font-weight: normal; white-space: nowrap }
.heat th:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 7rem; max-width: 14rem }
.heat td { padding: 0; min-width: .8rem; height: 1.3rem; text-align: center }
.heat td.distance { background: color-mix(in srgb, var(--heat) calc(var(--d) * 100%), var(--head)) }
.heat td.drift { outline: 2px solid var(--bad); outline-offset: -2px }
.heat td.untold { color: var(--quiet) } .heat td.number { padding: 0 .5rem; text-align: right }
.heat td.words { padding: 0 .5rem; text-align: left; white-space: nowrap }
td.right { text-align: right; font-variant-numeric: tabular-nums }
"""


def write_page(content: Mapping[str, Any], path: Path) -> None:
    """Write the page of a monitor.json."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(monitor_page(content), encoding="utf-8")


def monitor_page(content: Mapping[str, Any]) -> str:
    """The page of the content of a monitor.json, as HTML; the same content always gives the same page."""
    primary, unit = str(content.get("primary")), content.get("unit")
    windows = [
        {**one, "performance": _first(one.get("performance") or {}, primary)}
        for one in sorted(
            content.get("windows") or [], key=lambda one: (one["start"], one["end"], one.get("rows") or 0)
        )
    ]
    body = [_head(content, windows), _tiles(content, windows), _alarms(content)]
    if windows:
        body += [
            _performance(windows, unit),
            _slices(windows),
            drift_section(windows),
            _labels(windows),
            _table(windows),
        ]
    return whole_page("\n".join(part for part in body if part), f"{content.get('model', '')} in production", STYLE)


def _first(figures: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The figures with the one of this name first, if it is there."""
    return {**({name: figures[name]} if name in figures else {}), **figures}


def _head(content: Mapping[str, Any], windows: Sequence[Window]) -> str:
    until = text(str(content.get("until") or "-")[:16].replace("T", " "))
    lines = [f"<h1>{text(content.get('model', ''))} in production</h1>", f'<p class="quiet">As of {until} (UTC)']
    if windows:
        lines[-1] += f", {counted(len({one['start'] for one in windows}), 'window')} since {text(windows[0]['start'])}"
    lines[-1] += "</p>"
    if not windows:
        lines.append("<p>No row that was answered has arrived yet.</p>")
    return f"<header>{''.join(lines)}</header>"


def _tiles(content: Mapping[str, Any], windows: Sequence[Window]) -> str:
    """The state at a glance."""
    alarms = content.get("alarms") or []
    tiles = [_tile("alarms", str(len(alarms)), "", None if not windows else not alarms)]
    if windows:
        newest = windows[-1]
        kinds = {alarm["kind"] for alarm in alarms}
        told = next((one for one in reversed(windows) if one.get("performance")), None)
        if told:
            metric, figures = next(iter(told["performance"].items()))
            release = value_of((told.get("release") or {}).get(metric))
            ends = interval(figures)
            beside = "no interval" if ends == "-" else ends
            beside += "" if math.isnan(release) else f"; {number(release)} at its release"
            good = _told("performance" not in kinds, told.get("state"))
            named = _with_unit(metric, content.get("unit"))
            tiles.append(_tile(named, number(figures["value"]), beside, good))
        matured = next((one for one in reversed(windows) if one.get("matured")), None)
        if matured:
            when = f"of the window from {matured['start']}"
            good = _told("coverage" not in kinds, None if matured.get("performance") else "cannot tell")
            tiles.append(_tile("rows with a label", percent(matured.get("coverage")), when, good))
        inputs = (newest.get("drift") or {}).get("inputs") or {}
        states = [found.get("state") for found in inputs.values() if found.get("distance") is not None]
        drifting, untold = states.count("drift"), states.count("cannot tell")
        beside = "in the newest window" + (f"; {untold} cannot be told" if untold else "")
        beside += "; the scores drift" if distances(newest).get("", {}).get("state") == "drift" else ""
        good = None if "drift" not in kinds and (drifting or untold == len(states)) else "drift" not in kinds
        tiles.append(_tile("inputs drift", f"{drifting} of {len(states)}", beside, good))
        served = len([one for one in windows if one["bundle"] == newest["bundle"]])
        tiles.append(_tile("bundle that answers", str(newest["bundle"])[:7], f"for {counted(served, 'window')}", None))
    if logs := content.get("logs"):
        torn = int(logs.get("torn") or 0)
        beside = f"{torn:,} torn, {int(logs.get('duplicates') or 0):,} twice"
        tiles.append(_tile("lines of the log", f"{int(logs.get('lines') or 0):,}", beside, None))
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _told(is_good: bool, state: object) -> bool | None:
    """Whether something is good; None where nobody can tell, and no alarm says that it is not."""
    return None if is_good and state == "cannot tell" else is_good


def _with_unit(metric: str, unit: object) -> str:
    return f"{metric} ({unit})" if unit and metric in IN_UNITS else metric


def _tile(name: str, value: str, beside: str, good: bool | None) -> str:
    state = {True: " ok", False: " bad", None: ""}[good]
    return (
        f'<div class="tile{state}"><span class="quiet">{text(name)}</span><b>{text(value)}</b>'
        f'<span class="quiet small">{text(beside)}</span></div>'
    )


def _urgency(alarm: Mapping[str, Any]) -> int:
    kind = alarm.get("kind")
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def _alarms(content: Mapping[str, Any]) -> str:
    alarms = sorted(content.get("alarms") or [], key=_urgency)
    parts = [
        f'<div class="alarm"><p><b>{text(alarm.get("kind", ""))}: {text(alarm.get("subject", ""))}</b> '
        f'<span class="quiet">since {text(alarm.get("since", ""))}</span></p><p>{text(alarm.get("summary", ""))}</p>'
        f"<ul>{''.join(f'<li>{text(line)}</li>' for line in alarm.get('lines') or [])}</ul></div>"
        for alarm in alarms
    ]
    if not alarms:
        parts.append("<p>No alarm is raised.</p>")
    if rest := parts[ALARMS:]:
        parts = [
            *parts[:ALARMS],
            f"<details><summary>{counted(len(rest), 'more alarm')}</summary>{''.join(rest)}</details>",
        ]
    if retrain := content.get("retrain"):
        reason = cut(retrain["reason"], 160)
        parts.append(f"<p>The model is to be retrained, because of {text(retrain['cause'])}: {text(reason)}</p>")
    return section("Alarms", "".join(parts))


def _performance(windows: Sequence[Window], unit: object) -> str:
    found: dict[str, bool] = {}
    for one in windows:
        for metric, figures in (one.get("performance") or {}).items():
            found[metric] = found.get(metric, False) or not math.isnan(value_of(figures))
    metrics = [metric for metric, has_value in found.items() if has_value]
    if not metrics:
        return section("Performance", "<p>No window has enough labels yet.</p>")
    charts = [
        metric_over_time(windows, metric, _with_unit(metric, unit), wide=number == 0)
        for number, metric in enumerate(metrics)
    ]
    said = '<p class="quiet">Windows whose labels have matured; a vertical line marks a release, with its bundle.</p>'
    empty = ", ".join(text(metric) for metric in found if metric not in metrics)
    beneath = ""
    if empty:
        beneath = f'<p class="quiet">Without a value in any window, as where a class has no row: {empty}.</p>'
    return section("Performance", f'{said}<div class="charts">{"".join(charts)}</div>{beneath}')


def _slices(windows: Sequence[Window]) -> str:
    told = next((one for one in reversed(windows) if one.get("slices") and one.get("performance")), None)
    if not told:
        return ""
    metric = next(iter(told["performance"]))
    rows = []
    worse_first = sorted(told["slices"].items(), key=lambda one: one[1].get("state") != "worse")
    for name, figures in worse_first[:SLICES]:
        value, release = number(figures.get(metric)), (told.get("release_slices") or {}).get(name) or {}
        if figures.get("state") == "worse":
            value = f'<b class="bad">{value}</b>'
        rows.append([text(name), value, interval(figures.get(metric)), number(release.get(metric)), rows_of(figures)])
    shown = table(["slice", metric, "interval", "at its release", "rows"], rows)
    if len(told["slices"]) > SLICES:
        shown += f"<p>The first {SLICES} of {len(told['slices'])}.</p>"
    return section(f"Slices of the window from {told['start']}", shown)


def _labels(windows: Sequence[Window]) -> str:
    return section("Labels", f'<div class="charts">{rows_over_time(windows)}</div>')


def _table(windows: Sequence[Window]) -> str:
    rows = []
    for one in reversed(windows):
        metric, figures = next(iter((one.get("performance") or {}).items()), ("", None))
        value = f"{text(metric)} {number(figures['value'])} ({interval(figures)})" if figures else "-"
        drifting = [name for name, told in distances(one).items() if name and told.get("state") == "drift"]
        days = f"{text(one['start'])} to {text(one['end'])}"
        share = percent(one.get("coverage")) + ("" if one.get("matured") else ", not due yet")
        rows.append([days, text(str(one["bundle"])[:7]), rows_of(one), share, value, text(", ".join(drifting) or "-")])
    head = ["window", "bundle", "rows", "with a label", "performance", "inputs that drift"]
    return f"<details><summary>All windows as a table</summary>{table(head, rows)}</details>"
