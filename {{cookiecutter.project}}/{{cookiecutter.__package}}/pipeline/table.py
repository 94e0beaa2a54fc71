"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """A table with this head; a cell may hold any text."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)


def _cell(content: object) -> str:
    return str(content).replace("|", "\\|").replace("\n", " ")
