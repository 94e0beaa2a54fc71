"""Text and numbers as Markdown that says just that, whatever characters they have."""

from __future__ import annotations

import math
import re

from .markdown import code, cut, prose

__all__ = ["code", "cut", "interval", "number", "prose", "verbatim"]


def verbatim(text: str, length: int = 3000) -> str:
    """Lines as they are, in a block of code."""
    lines, left = [], length
    for line in text.splitlines():
        lines.append(cut(line, max(left, 1)))
        left -= len(lines[-1]) + 1
        if left <= 0:
            break
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return "\n".join([fence, *lines, fence])


def number(value: object, signed: bool = False) -> str:
    """A number with four decimals, `-` where it is undefined."""
    found = math.nan if value in (None, "") else float(str(value))
    if not math.isfinite(found):
        return "-"
    sign = "+" if signed else ""
    if abs(found) >= 1e6 or (signed and 0 < abs(found) < 5e-5):
        return f"{found:{sign}.3g}"
    return f"{round(found, 4) + 0.0:{sign}.4f}"  # adding zero takes the sign from a zero


def interval(low: object, high: object, signed: bool = False) -> str:
    """The two ends of an interval."""
    return "-" if number(low) == "-" else f"{number(low, signed)} to {number(high, signed)}"
