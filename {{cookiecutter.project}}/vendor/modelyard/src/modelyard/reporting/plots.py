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
from matplotlib.patches import Rectangle

from ..markdown import cut
from .charts import (
    COLOURS,
    IDEAL,
    MAIN,
    THIS,
    Bars,
    Chart,
    ColumnDistribution,
    Curves,
    Heat,
    Intervals,
    RowCounts,
    Scatter,
)

BROKEN = "#dc2626"
INK = "#010203"  # stands for the colour of the page's text
SHOWN = 30  # bars or intervals in a plot
NAME = 40  # characters of a name
CATEGORIES = 12
MARKED = 40  # points of a line up to which each is marked
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
        return svg_of(_figure(chart), chart.title)


def svg_of(figure: Figure, title: str) -> str:
    """A figure that was drawn with STYLE as an SVG element in the colours of the page."""
    written = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "AutoDateLocator was unable")  # and then took a step that is as good
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    drawn = written.getvalue().partition("<svg")[2].replace(INK, "currentColor")
    # the ids of groups are the same in every plot, and must be unique in a page
    drawn = re.sub(r'<g id="[^"]*">', "<g>", drawn)
    return f'<svg role="img" aria-label="{html.escape(cut(title, 80))}"{drawn}'


def _figure(chart: Chart) -> Figure:
    match chart:
        case Curves():
            return _curves(chart)
        case Bars():
            return _bars(chart)
        case Intervals():
            return _intervals(chart)
        case Heat():
            return _heat(chart)
        case Scatter():
            return _scatter(chart)
        case RowCounts():
            return _histogram(chart)
        case ColumnDistribution():
            return _distribution(chart)


def _curves(chart: Curves) -> Figure:
    figure, axes = _axes(5.4, 3.6)
    ends = [value for line in chart.lines.values() for axis in line for value in axis]
    if chart.diagonal and ends:
        axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color=COLOURS[IDEAL], label=chart.ideal)
    for name, (xs, ys) in list(chart.lines.items())[::-1]:  # draws this model's line over main's
        marker = "o" if len(xs) <= MARKED else ""
        axes.plot(xs, ys, marker=marker, markersize=4, color=COLOURS[name], label=name)
    for name, (x, y) in chart.marks.items():
        axes.plot(x, y, "o", markersize=9, markeredgewidth=2, markerfacecolor="none", color=COLOURS[name])
        axes.annotate("threshold", (x, y), xytext=(9, -4), textcoords="offset points", fontsize=9)
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


def _heat(chart: Heat) -> Figure:
    """The share of each line's rows as the strength of a colour, so that text is legible on it in any light."""
    names, counts = _names(chart.names, 16), np.array(chart.counts, dtype=np.float64)
    side = 1.2 + 0.75 * len(names)
    figure, axes = _axes(side + 0.8, side)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for row, column in np.ndindex(*counts.shape):
        strength = 0.05 + 0.6 * shares[row, column]
        axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, color=COLOURS[THIS], alpha=strength, lw=0))
        text = f"{counts[row, column]:,.0f}\n{100 * shares[row, column]:.0f} %"
        axes.text(column, row, text, ha="center", va="center", fontsize=9)
    ends = -0.5, len(names) - 0.5
    axes.set(title=chart.title, xlabel=chart.x, ylabel=chart.y, xlim=ends, ylim=ends[::-1], aspect="equal")
    axes.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) < 9 else 30)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _scatter(chart: Scatter) -> Figure:
    figure, axes = _axes(5.4, 3.6)
    axes.axhline(0, color=COLOURS[IDEAL])
    axes.plot(*chart.points, "o", markersize=3, alpha=0.5, markeredgewidth=0, color=COLOURS[THIS])
    low, middle, high = chart.quantiles
    for line in (low, high):
        axes.plot(chart.middles, line, color=COLOURS[MAIN], linewidth=1, linestyle="--")
    axes.plot(chart.middles, middle, color=COLOURS[MAIN], label="median, and 5 % to 95 %")
    axes.set(title=chart.title, xlabel=chart.x, ylabel=cut(chart.y, NAME))
    axes.legend()
    return figure


def _histogram(chart: RowCounts) -> Figure:
    figure, axes = _axes(5.4, 3.6)
    axes.stairs(chart.counts, chart.edges, fill=True, color=COLOURS[THIS], alpha=0.75)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set(title=chart.title, xlabel=cut(chart.x, 2 * NAME), ylabel="rows")
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
    if len(chart.shares) > 1:
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
    width = 0.8 / len(shares)
    for number, (name, distribution) in enumerate(shares.items()):
        heights = [distribution.get(value, 0.0) for value in shown]
        axes.bar(places + width * (number + 0.5) - 0.4, heights, width, color=COLOURS[name], label=name)
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
