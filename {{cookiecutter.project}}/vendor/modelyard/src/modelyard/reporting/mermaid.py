"""Charts as Mermaid, which GitHub draws in a comment: curves and bars as `xychart-beta`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..markdown import cut
from .charts import CHANCE, COLOURS, IDEAL, MAIN, THIS, Bars, Chart, Curves

SQUARES = {THIS: "🟦", MAIN: "🟧", IDEAL: "⬜", CHANCE: "⬜"}  # in the colours of the lines: xychart-beta has no legend
POINTS = 21  # of a line, evenly spaced as Mermaid's numeric axis requires
BARS = 15
LEAST = 0.01  # of the largest; for smaller values too, Mermaid draws a visible bar
NAME = 28  # characters of a bar's name
# characters that end a quoted text, start an entity, or are markup
UNSAFE = str.maketrans({'"': "'", "`": "'", ";": ",", "<": "(", ">": ")", "&": "+"})


def mermaid(chart: Chart) -> str | None:
    """The chart in Mermaid; None if there is nothing to draw, or Mermaid has no such chart."""
    if isinstance(chart, Curves):
        return _curves(chart)
    return _bars(chart) if isinstance(chart, Bars) else None


def _curves(chart: Curves) -> str | None:
    drawn = [line for line in chart.lines.values() if len(line[0]) > 1]
    if not drawn or len(drawn) < len(chart.lines):
        return None
    low, high = max(line[0][0] for line in drawn), min(line[0][-1] for line in drawn)
    if not low < high:
        return None
    xs = np.linspace(low, high, POINTS)
    lines = [np.interp(xs, *line) for line in drawn] + ([xs] if chart.diagonal else [])
    bottom, top = min(line.min() for line in lines), max(line.max() for line in lines)
    return "\n".join(
        [
            *_head(chart.title, chart.legend, 640, 320),
            f"  x-axis {_text(chart.x)} {_range(low, high)}",
            f"  y-axis {_text(chart.y)} {_range(bottom, top)}",
            *(f"  line {_numbers(line)}" for line in lines),
        ]
    )


def _bars(chart: Bars) -> str | None:
    # in percent of the largest, so that the axis has few and short labels in any unit
    values = np.array(chart.values[:BARS], dtype=np.float64)
    largest = values.max(initial=0)
    if not (np.isfinite(values).all() and largest > 0):
        return None
    shown = [place for place, value in enumerate(values) if value >= LEAST * largest]
    names = [_text(chart.names[place], NAME) for place in shown]
    return "\n".join(
        [
            *_head(chart.title, [THIS], 640, 90 + 26 * len(names), " horizontal"),
            f"  x-axis [{', '.join(names)}]",
            f"  y-axis {_text(f'{chart.x}, in % of the largest')} 0 --> 100",
            f"  bar {_numbers(100 * (values[shown] / largest))}",
        ]
    )


def _head(title: str, names: Sequence[str], width: int, height: int, kind: str = "") -> list[str]:
    palette = ", ".join(COLOURS[name] for name in names)
    return [
        "---",
        "config:",
        f"  xyChart: {{width: {width}, height: {height}}}",
        f'  themeVariables: {{xyChart: {{plotColorPalette: "{palette}"}}}}',
        "---",
        f"xychart-beta{kind}",
        f"  title {_text(title)}",
    ]


def _text(text: str, length: int = 60) -> str:
    """Any text in quotes. Mermaid cannot escape quotes, so characters of its syntax are replaced."""
    return f'"{cut(re.sub("%+", "%", text.translate(UNSAFE)), length) or "-"}"'


def _range(low: float, high: float) -> str:
    if not low < high:
        low, high = low - 1, high + 1
    return f"{_number(low)} --> {_number(high)}"


def _numbers(values: Sequence[float] | np.ndarray) -> str:
    return f"[{', '.join(map(_number, values))}]"


def _number(value: float) -> str:
    # Mermaid reads no exponents
    return np.format_float_positional(value, precision=5, unique=False, fractional=False, trim="-")
