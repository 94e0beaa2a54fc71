"""Text, numbers and tables as HTML, for the monitoring page."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..markdown import cut


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; its cells are HTML already."""
    lines = ["".join(f"<td{_align(cell)}>{cell}</td>" for cell in row) for row in rows]
    top = "".join(f"<th>{text(name)}</th>" for name in head)
    return f'<div class="table"><table><tr>{top}</tr>{"".join(f"<tr>{line}</tr>" for line in lines)}</table></div>'


def _align(cell: str) -> str:
    return ' class="right"' if cell[:1].isdigit() and cell.replace(",", "").replace(".", "").isdigit() else ""


def section(title: str, content: str) -> str:
    """A part of the page under its title."""
    return f"<section><h2>{text(title)}</h2>{content}</section>"


def text(found: object) -> str:
    """Any text on one line, as HTML."""
    return html.escape(cut(found, 500))


def value_of(found: object) -> float:
    """A number, alone or as the `value` of a figure; NaN if there is none."""
    value = found.get("value") if isinstance(found, Mapping) else found
    return float(value) if isinstance(value, int | float) else math.nan


def number(found: object) -> str:
    """With four digits, `-` if there is none."""
    value = value_of(found)
    return "-" if not math.isfinite(value) else f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def interval(figures: object) -> str:
    """The two ends of a figure's interval."""
    if not isinstance(figures, Mapping) or figures.get("low") is None:
        return "-"
    return f"{number(figures['low'])} to {number(figures['high'])}"


def percent(share: object) -> str:
    """A share in percent."""
    value = value_of(share)
    return "-" if math.isnan(value) else f"{value:.1%}".replace("%", " %")


def rows_of(figures: Mapping[str, Any]) -> str:
    """The number of rows of a window or slice."""
    rows = figures.get("rows")
    return f"{rows:,}" if isinstance(rows, int) else "-"
