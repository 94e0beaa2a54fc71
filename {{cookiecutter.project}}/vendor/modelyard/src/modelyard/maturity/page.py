"""The items for a reader: as a table for a terminal, as Markdown, and as plain values."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ..markdown import code, markdown_table, prose
from .found import JudgedItem, Lack, Trace, score
from .levels import Level

NARROWEST, WIDEST = 60, 140  # columns of a terminal that are used
FORMAT = 1


def to_object(
    judged: Sequence[JudgedItem], reached: Sequence[Level], commit: str, notes: Sequence[str]
) -> dict[str, Any]:
    """All of it in plain values, for reports/maturity.json."""
    total, sums = score(judged)
    return {
        "format": FORMAT,
        "commit": commit,
        "score": total,
        "sections": sums,
        "levels": {one.of: {"reached": one.reached, "of": one.top, "held_back": one.held_back} for one in reached},
        "items": [
            {
                "key": one.key,
                "section": one.section,
                "name": one.name,
                "state": one.state,
                "points": one.points,
                "evidence": [asdict(trace) for trace in one.traces],
                "missing": [asdict(lack) for lack in one.lacks],
            }
            for one in judged
        ],
        "notes": [*notes],
    }


def to_text(judged: Sequence[JudgedItem], reached: Sequence[Level], notes: Sequence[str]) -> str:
    """A table for a terminal: the points of each item, its evidence, and below it what is missing."""
    width = min(max(shutil.get_terminal_size((100, 24)).columns, NARROWEST), WIDEST)
    total, sums = score(judged)
    lines = []
    for section, points in sums.items():
        lines += [f"{section}: {points:g} of 7", ""]
        for one in (one for one in judged if one.section == section):
            lines.append(f"  {one.points:3.1f}  {one.name}")
            lines += [line for part in _told(one) for line in _wrapped(part, width)]
        lines.append("")
    lines += [
        f"score: {total:g}, the least of the four sections",
        *map(str, reached),
        *(f"note: {one}" for one in notes),
    ]
    return "\n".join(lines) + "\n"


def to_markdown(judged: Sequence[JudgedItem], reached: Sequence[Level], notes: Sequence[str]) -> str:
    """The same as Markdown, a table for each section."""
    total, sums = score(judged)
    parts = [
        "## Maturity",
        f"**ML Test Score {total:g}**, the least of the four sections' sums.",
        "\n".join(f"- {prose(str(one), 600)}" for one in reached),
    ]
    for section, points in sums.items():
        rows = [
            [one.name, one.state, _cell(_evidence(trace) for trace in one.traces), _cell(map(_missing, one.lacks))]
            for one in judged
            if one.section == section
        ]
        head = [f"{section}: {points:g} of 7", "state", "evidence", "what is missing"]
        parts.append(markdown_table(head, rows))
    parts += [f"- {prose(one)}" for one in notes]
    return "\n\n".join(parts) + "\n"


def _told(one: JudgedItem) -> Iterator[str]:
    for trace in one.traces:
        when = f", {trace.when}" if trace.when else ""
        yield f"+ {trace.what} [{trace.where}{when}]"
    for lack in one.lacks:
        yield f"- {lack.what}" + (f": {lack.command}" if lack.command else "")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=" " * 7, subsequent_indent=" " * 9, break_long_words=False)


def _evidence(trace: Trace) -> str:
    when = f", {trace.when[:10]}" if trace.when else ""
    return f"{prose(trace.what)} ({prose(trace.where)}{when})"


def _missing(lack: Lack) -> str:
    return prose(lack.what) + (f": {code(lack.command, 100)}" if lack.command else "")


def _cell(parts: Any) -> str:
    return "<br>".join(parts) or "-"
