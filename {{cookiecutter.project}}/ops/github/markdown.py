"""Text as Markdown that says just that, whatever characters it has."""

from __future__ import annotations

import re

MARKUP = re.compile(r"[\\`*\[\]<>&~#$]|(?<![^\W_])_|_(?![^\W_])")
# a mention, a reference or a link that GitHub would make of bare text
LINKED = re.compile(r"(?<=[@#])(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
JOINER = "\u2060"  # has no width; parts what would be a link otherwise


def code(text: object, length: int = 60) -> str:
    """Any text as code, in which GitHub reads no markup, mention or link."""
    shown = cut(text, length)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if len(fence) > 1 or not shown.strip() else ""
    return f"{fence}{space}{shown}{space}{fence}"


def prose(text: str, length: int = 300) -> str:
    """Text from elsewhere as Markdown that shows it as it is; what it has in backticks is code."""
    parts = re.split("`([^`]+)`", cut(text, length))
    return "".join(code(part, length) if place % 2 else _plain(part) for place, part in enumerate(parts))


def cut(text: object, length: int) -> str:
    """The text on one line, with at most so many characters."""
    # what is neither seen nor a space would break a line, a file or a reader's sense of direction
    line = " ".join("".join(one if one.isprintable() else " " for one in str(text)[: 10 * length]).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _plain(text: str) -> str:
    return LINKED.sub(JOINER, MARKUP.sub(r"\\\g<0>", text))
