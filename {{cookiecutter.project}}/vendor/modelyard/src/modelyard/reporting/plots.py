"""Charts as SVG for a page: transparent, with lines and text in the colour of the page's text."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl
import matplotlib.dates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..markdown import cut
from .charts import COLOURS, IDEAL, MAIN, THIS, Bars, Chart, ColumnDistribution, Curves, Intervals

BROKEN = "#dc2626"
INK = "#010203"  # stands for the colour of the page's text
SHOWN = 30  # bars or intervals in a plot
NAME = 40  # characters of a name
CATEGORIES = 12
STYLE: Any = {
    "svg.hashsalt": "report",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name with two dollar signs is not a formula
    "axes.unicode_minus": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def svg(chart: Chart) -> str:
    """The chart as an SVG element; the same chart always gives the same text."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the reader's fonts draw the text, not matplotlib's
        if isinstance(chart, Curves):
            figure = _curves(chart)
        elif isinstance(chart, Bars):
            figure = _bars(chart)
        elif isinstance(chart, Intervals):
            figure = _intervals(chart)
        else:
            figure = _distribution(chart)
        return svg_of(figure, chart.title)


def svg_of(figure: Figure, title: str) -> str:
    """A figure that was drawn with STYLE as an SVG element in the colours of the page."""
    written = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    drawn = written.getvalue().partition("<svg")[2].replace(INK, "currentColor")
    # the ids of groups are the same in every plot, and must be unique in a page
    drawn = re.sub(r'<g id="[^"]*">', "<g>", drawn)
    return f'<svg role="img" aria-label="{html.escape(cut(title, 80))}"{drawn}'


def _curves(chart: Curves) -> Figure:
    figure, axes = _axes(6, 3.6)
    ends = [value for line in chart.lines.values() for axis in line for value in axis]
    if chart.diagonal and ends:
        axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color=COLOURS[IDEAL], label=IDEAL)
    for name, (xs, ys) in list(chart.lines.items())[::-1]:  # draws this model's line over main's
        axes.plot(xs, ys, marker="o", markersize=4, color=COLOURS[name], label=name)
    axes.set(title=chart.title, xlabel=chart.x, ylabel=chart.y)
    axes.legend(reverse=True)
    return figure


def _bars(chart: Bars) -> Figure:
    names = _names(chart.names)
    places = np.arange(len(names))[::-1]
    figure, axes = _axes(6, 0.27 * len(names) + 1)
    axes.barh(places, chart.values[:SHOWN], xerr=chart.errors[:SHOWN], color=COLOURS[THIS], ecolor=INK, label=THIS)
    if main_points := [(place, value) for place, value in zip(places, chart.main, strict=False) if value is not None]:
        axes.scatter(*reversed(list(zip(*main_points, strict=True))), color=COLOURS[MAIN], zorder=3, label=MAIN)
        axes.legend(loc="lower right")
    axes.set_yticks(places, names)
    axes.set(title=_title(chart.title, chart.names), xlabel=chart.x)
    return figure


def _intervals(chart: Intervals) -> Figure:
    names = _names(chart.names)
    figure, axes = _axes(6, 0.24 * len(names) + 1)
    axes.axvline(0, color=COLOURS[IDEAL], zorder=1)
    for place, name in zip(range(len(names))[::-1], range(len(names)), strict=True):
        colour = BROKEN if chart.kept[name] is False else COLOURS[THIS]
        axes.plot([chart.lows[name], chart.highs[name]], [place, place], color=colour)
        axes.plot(chart.values[name], place, marker="o", markersize=4, color=colour)
    axes.set_yticks(range(len(names))[::-1], names)
    axes.set(title=_title(chart.title, chart.names), xlabel=chart.x)
    return figure


def _distribution(chart: ColumnDistribution) -> Figure:
    figure, axes = _axes(4.6, 2.4)  # two fit beside each other
    if all("values" in distribution for distribution in chart.shares.values()):
        _categories(axes, {name: _shares(distribution["values"]) for name, distribution in chart.shares.items()})
        axes.set_ylabel("share of rows")
    else:
        for name, distribution in chart.shares.items():
            _density(axes, name, distribution, chart.time)
        axes.set_ylabel("density")
        axes.set_yticks([])
    axes.set_title(cut(chart.title, NAME))
    axes.legend()
    return figure


def _categories(axes: Axes, shares: Mapping[str, Mapping[str, float]]) -> None:
    most = {
        value: max(distribution.get(value, 0.0) for distribution in shares.values())
        for distribution in shares.values()
        for value in distribution
    }
    shown = sorted(most, key=lambda value: (-most[value], value))[:CATEGORIES]
    places = np.arange(len(shown))
    for number, (name, distribution) in enumerate(shares.items()):
        heights = [distribution.get(value, 0.0) for value in shown]
        axes.bar(places + 0.4 * number - 0.2, heights, 0.4, color=COLOURS[name], label=name)
    names = _names(shown, 12)
    axes.set_xticks(places, names, rotation=0 if sum(map(len, names)) < 60 else 45)


def _density(axes: Axes, name: str, distribution: Mapping[str, Any], time: bool) -> None:
    """The histogram of a quantity, as density because its parts have different widths."""
    edges, shares = distribution.get("edges") or [], distribution.get("shares") or []
    if len(edges) < 2:
        return
    heights = np.array(shares) / np.diff(edges)
    drawn = mpl.dates.date2num([datetime.fromtimestamp(edge, UTC) for edge in edges]) if time else np.array(edges)
    axes.stairs(heights, drawn, color=COLOURS[name], label=name, linewidth=1.5)
    if time:
        locator = mpl.dates.AutoDateLocator(maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(mpl.dates.ConciseDateFormatter(locator))


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _names(names: Sequence[str], length: int = NAME) -> list[str]:
    return [cut(name, length) for name in names[:SHOWN]]


def _title(title: str, names: Sequence[str]) -> str:
    shown = cut(title, 2 * NAME)
    return shown if len(names) <= SHOWN else f"{shown} (the first {SHOWN} of {len(names):,})"


def _shares(values: object) -> Mapping[str, float]:
    return values if isinstance(values, Mapping) else {}
