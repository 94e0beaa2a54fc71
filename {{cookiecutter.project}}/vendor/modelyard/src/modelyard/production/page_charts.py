"""The charts of the monitoring page: a metric over time, and how many rows have a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import matplotlib as mpl
import matplotlib.dates
import matplotlib.patches
import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..markdown import cut
from ..reporting.charts import COLOURS, IDEAL, MAIN, THIS
from ..reporting.plots import STYLE, svg_of

Window = Mapping[str, Any]
TICKS = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S"]  # by what their steps are: years, months, days, ...
DOTTED = (0, (1, 2))
NAME = 0.07  # of a chart's width, for the name of a bundle
MARKER = 60  # windows up to which each has a point


def metric_over_time(windows: Sequence[Window], metric: str, title: str, wide: bool) -> str:
    """A metric with its intervals as an SVG element, each release marked, beside what it was there and the baseline."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes(9.6 if wide else 4.7, 3.0 if wide else 2.5)
        for number, part in enumerate(_by_bundle(windows)):
            told = [one for one in part if _figure(one, "performance", metric, "value") is not None]
            label = number == 0
            if told:
                _line(axes, told, metric, label)
            for key, colour, style, text in (
                ("release", COLOURS[MAIN], "--", "at its release"),
                ("baseline", COLOURS[IDEAL], DOTTED, "baseline"),
            ):
                days, values = _steps(told, key, metric)
                if days:
                    axes.plot(days, values, color=colour, linestyle=style, label=text if label else None)
        _releases(axes, windows, names=wide)
        _dates(axes, windows)
        axes.set_title(cut(title, 40), loc="left")
        if wide and axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=4, fontsize=8, borderaxespad=0)
        return svg_of(figure, f"{metric} over time")


def rows_over_time(windows: Sequence[Window]) -> str:
    """The answered rows of each window, with a label and without one, as an SVG element."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes(9.6, 2.2)
        left: dict[str, float] = {}
        for one in windows:
            start, end = _day(one["start"]), _day(one["end"])
            rows, labelled = float(one.get("rows") or 0), float(one.get("labelled") or 0)
            below = left.get(one["start"], 0.0)
            left[one["start"]] = below + rows
            width = 0.86 * (end - start)
            axes.bar(start, labelled, width, below, align="edge", color=COLOURS[THIS])
            waiting = COLOURS[IDEAL] if one.get("matured") else "none"
            edge = COLOURS[IDEAL]
            axes.bar(start, rows - labelled, width, below + labelled, align="edge", color=waiting, edgecolor=edge)
        keys = [
            mpl.patches.Patch(facecolor=colour, edgecolor=edge, label=text)
            for colour, edge, text in (
                (COLOURS[THIS], COLOURS[THIS], "with a label"),
                (COLOURS[IDEAL], COLOURS[IDEAL], "without"),
                ("none", COLOURS[IDEAL], "not due yet"),
            )
        ]
        _releases(axes, windows, names=False)
        _dates(axes, windows)
        axes.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
        axes.set_title("Rows by window", loc="left")
        axes.legend(handles=keys, loc="upper left", bbox_to_anchor=(0, -0.15), ncols=3, fontsize=8, borderaxespad=0)
        return svg_of(figure, "Rows by window")


def _line(axes: Axes, told: Sequence[Window], metric: str, label: bool) -> None:
    middles = [(_day(one["start"]) + _day(one["end"])) / 2 for one in told]
    values, lows, highs = (
        np.array([_figure(one, "performance", metric, part) for one in told], np.float64)
        for part in ("value", "low", "high")
    )
    axes.fill_between(middles, lows, highs, color=COLOURS[THIS], alpha=0.22, linewidth=0)
    if len(told) == 1:  # which no area shows
        axes.vlines(middles, lows, highs, color=COLOURS[THIS], alpha=0.5)
    marker = "o" if len(told) <= MARKER else ""
    text = "in production, with its interval" if label else None
    axes.plot(middles, values, color=COLOURS[THIS], marker=marker, markersize=3.5, label=text)


def _steps(told: Sequence[Window], key: str, metric: str) -> tuple[list[float], list[float]]:
    """A figure that holds for the whole of each window, as the points of a line; each window has its own baseline."""
    days: list[float] = []
    values: list[float] = []
    for one in told:
        if (value := _figure(one, key, metric, "value")) is not None:
            days += [_day(one["start"]), _day(one["end"])]
            values += [value, value]
    return days, values


def _releases(axes: Axes, windows: Sequence[Window], names: bool) -> None:
    """A line where a bundle answered for the first time, with its name above all else where there is room for it."""
    low, high = axes.get_ylim()
    high += 0.1 * (high - low) if names else 0
    room = NAME * (max(_day(one["end"]) for one in windows) - min(_day(one["start"]) for one in windows))
    free = -np.inf
    for part in _by_bundle(windows):
        day = _day(part[0]["start"])
        axes.axvline(day, color=STYLE["text.color"], linewidth=0.8, alpha=0.6)
        if names and day >= free:
            free = day + room
            where: Any = ("data", "axes fraction")
            beside: Any = {"xytext": (3, -1), "textcoords": "offset points", "fontsize": 8, "va": "top"}
            axes.annotate(str(part[0]["bundle"])[:7], (day, 1.0), xycoords=where, **beside)
    axes.set_ylim(low, high)


def _by_bundle(windows: Sequence[Window]) -> list[list[Window]]:
    """The windows of each bundle, in the order in which the bundles first answered."""
    parts: dict[str, list[Window]] = {}
    for one in windows:
        parts.setdefault(str(one["bundle"]), []).append(one)
    return list(parts.values())


def _dates(axes: Axes, windows: Sequence[Window]) -> None:
    locator = mpl.dates.AutoDateLocator(maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mpl.dates.ConciseDateFormatter(locator, formats=TICKS, show_offset=False))
    axes.set_xlim(min(_day(one["start"]) for one in windows), max(_day(one["end"]) for one in windows))
    axes.grid(axis="y", color=COLOURS[IDEAL], alpha=0.25, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8)


def _figure(window: Window, key: str, metric: str, part: str) -> float | None:
    """A number of a window; the baseline's have no interval."""
    found = (window.get(key) or {}).get(metric)
    value = found.get(part) if isinstance(found, Mapping) else found
    return float(value) if isinstance(value, int | float) else None


def _day(text: str) -> float:
    return float(mpl.dates.date2num(datetime.fromisoformat(text)))


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()
