"""What a group found, as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEAD = ("what", "median", "ratio or exponent", "limit", "kept")


@dataclass(frozen=True)
class Line:
    """One measurement: what it is, what was measured and what follows from it; `kept` where there is a limit."""

    what: str
    median: str = ""
    found: str = ""
    limit: str = ""
    kept: bool | None = None
    cells: tuple[str, ...] = ()  # instead of the three, in a group with columns of its own


def seconds(value: float) -> str:
    """A time as it is printed."""
    return f"{value:.2f} s"


def ratio(what: str, time: float, base: float, limit: float) -> Line:
    """A time against the one that it is compared with, and the largest ratio allowed."""
    return at_most(what, seconds(time), time / base, limit)


def at_most(what: str, median: str, value: float, limit: float) -> Line:
    """A ratio or an exponent and the largest that is allowed."""
    return Line(what, median, f"{value:.2f}", f"{limit:g}", value <= limit)


def markdown(title: str, lines: Iterable[Line], head: Sequence[str] = HEAD) -> str:
    """The lines under a heading."""
    kept = {None: "", True: "yes", False: "**NO**"}
    rows = [
        head,
        ["---"] * len(head),
        *([line.what, *(line.cells or (line.median, line.found, line.limit)), kept[line.kept]] for line in lines),
    ]
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(row)} |" for row in rows)])
