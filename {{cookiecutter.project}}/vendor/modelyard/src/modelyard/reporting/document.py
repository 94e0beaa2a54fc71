"""The parts of a report, and the report as a comment: Markdown for GitHub, within its size limit.

The same sections become the HTML page (page.py), where every table has all of its rows and every chart is a plot.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .charts import Chart
from .mermaid import SQUARES, mermaid

LIMIT = 60_000  # characters; GitHub refuses a comment above 65,536
ELSEWHERE = "in `report.html`, in this run's artifact `report`"
NUMBER = re.compile(r"[-+]?[\d,]+(\.\d+)?(e[-+]\d+)?( (%|s|MB))?|-|")


@dataclass(frozen=True)
class Table:
    """A table whose cells are Markdown; the comment shows the first `shown` rows and counts the others."""

    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    shown: int = 15
    size: int = 3_500  # characters that it may have in the comment

    def markdown(self, whole: bool = False) -> str:
        """The table; with `whole`, all of its rows."""
        rows = [_row(line) for line in (self.lines if whole else self.lines[: self.shown])]
        head = [_row(self.head), _row(_rules(self.lines, len(self.head)))]
        listed = rows if whole else _within(rows, self.size)
        left = len(self.lines) - len(listed)
        return "\n".join([*head, *listed]) + (f"\n\n{left:,} more are {ELSEWHERE}." if left else "")


@dataclass(frozen=True)
class Section:
    """A part of the report: paragraphs in Markdown, tables and charts, in order.

    `folded` folds it under its title in the comment; `level` is that of its heading.
    """

    title: str
    blocks: Sequence[str | Table | Chart] = field(default_factory=list)
    folded: bool = False
    level: int = 3


def to_markdown(sections: Sequence[Section]) -> str:
    """The report as a comment, at most LIMIT characters long; sections that do not fit are only in the page."""
    pointer = f"\n\nThe rest is {ELSEWHERE}.\n"
    text = ""
    for section in sections:
        part = f"\n\n{_section(section)}" if text else _section(section)
        if _length(text + part + pointer) > LIMIT:
            return text + pointer
        text += part
    return text + "\n"


def _section(section: Section) -> str:
    blocks = [text for block in section.blocks if (text := _block(block))]
    if section.folded:
        head = f"<details>\n<summary><b>{html.escape(section.title)}</b></summary>"
        return "\n\n".join([head, *blocks, "</details>"])
    return "\n\n".join([f"{'#' * section.level} {section.title}", *blocks])


def _block(block: str | Table | Chart) -> str:
    if isinstance(block, str):
        return block
    if isinstance(block, Table):
        return block.markdown()
    drawn = mermaid(block)
    if drawn is None:
        return ""
    names = " · ".join(f"{SQUARES[name]} {name}" for name in block.legend)
    return "\n\n".join([*([names] if names else []), f"```mermaid\n{drawn}\n```"])


def _row(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _rules(lines: Sequence[Sequence[str]], columns: int) -> list[str]:
    """The line under the header, which aligns columns of numbers to the right."""
    numeric = [all(NUMBER.fullmatch(line[place]) for line in lines) for place in range(columns)]
    return ["---:" if right and lines else "---" for right in numeric]


def _length(text: str) -> int:
    """The length of the text in UTF-16, as GitHub counts it."""
    return len(text.encode("utf-16-le")) // 2


def _within(rows: list[str], size: int) -> list[str]:
    fitting: list[str] = []
    for row in rows:
        size -= _length(row) + 1
        if size < 0:
            break
        fitting.append(row)
    return fitting
