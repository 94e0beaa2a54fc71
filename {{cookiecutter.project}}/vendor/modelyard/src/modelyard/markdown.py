"""Text, numbers and tables as Markdown, escaped so that they show as they are whatever characters they hold."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

MARKUP = re.compile(r"[\\`*\[\]<>&~#$]|(?<![^\W_])_|_(?![^\W_])")
# what GitHub would turn into a mention, a reference or a link
LINKED = re.compile(r"(?<=[@#])(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
JOINER = "\u2060"  # a character without width that breaks up such a link


def code(text: object, length: int = 60) -> str:
    """Any text as inline code, in which GitHub applies no markup, mention or link."""
    shown = cut(text, length)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if len(fence) > 1 or not shown.strip() else ""
    return f"{fence}{space}{shown}{space}{fence}"


def prose(text: str, length: int = 300) -> str:
    """Untrusted text as Markdown that shows it unchanged; parts in backticks become code."""
    parts = re.split("`([^`]+)`", cut(text, length))
    return "".join(code(part, length) if place % 2 else _plain(part) for place, part in enumerate(parts))


def cut(text: object, length: int) -> str:
    """The text on one line, shortened to `length` characters."""
    # unprintable characters can break lines and files, or reverse the direction of the text
    line = " ".join(
        "".join(character if character.isprintable() else " " for character in str(text)[: 10 * length]).split()
    )
    return line if len(line) <= length else line[: length - 1] + "…"


def verbatim(text: str, length: int = 3000) -> str:
    """The lines unchanged, in a code block."""
    lines, left = [], length
    for line in text.splitlines():
        lines.append(cut(line, max(left, 1)))
        left -= len(lines[-1]) + 1
        if left <= 0:
            break
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return "\n".join([fence, *lines, fence])


def number(value: object, signed: bool = False) -> str:
    """A number with four decimals, `-` if it is undefined."""
    parsed = math.nan if value in (None, "") else float(str(value))
    if not math.isfinite(parsed):
        return "-"
    sign = "+" if signed else ""
    if abs(parsed) >= 1e6 or (signed and 0 < abs(parsed) < 5e-5):
        return f"{parsed:{sign}.3g}"
    return f"{round(parsed, 4) + 0.0:{sign}.4f}"  # adding zero takes the sign from a zero


def interval(low: object, high: object, signed: bool = False) -> str:
    """The two ends of an interval."""
    return "-" if number(low) == "-" else f"{number(low, signed)} to {number(high, signed)}"


def markdown_table(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """A table with this header; a cell may hold any text."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)


def _plain(text: str) -> str:
    return LINKED.sub(JOINER, MARKUP.sub(r"\\\g<0>", text))


def _cell(content: object) -> str:
    return str(content).replace("|", "\\|").replace("\n", " ")
