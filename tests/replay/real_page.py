"""The figures of the loop on its real parts: as JSON to compare with, beside the loop in process, and as a page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .datasets import DataSet
from .figures import SAME, table
from .real import RealMonth

INTRODUCTION = Path(__file__).with_name("introduction_real.md")
HEAD = ("month", "version", "rows", "log_loss", "weeks stated", "labels", "alarms", "cause", "pull request", "outcome")


def as_json(months: Mapping[str, RealMonth]) -> dict[str, Any]:
    """For a file of figures."""
    return {name: asdict(month) | {"alarms": list(month.alarms)} for name, month in months.items()}


def unlike(found: Mapping[str, Any], in_process: Mapping[str, Any]) -> list[str]:
    """Where the loop on real parts and the judged loop in process differ in what both have, one line each."""
    return list(_unlike(found, in_process["months"]))


def _unlike(found: Mapping[str, Any], in_process: Mapping[str, Any]) -> Iterator[str]:
    for name, month in found.items():
        other = in_process[name]
        if not math.isclose(month["loss"], other["loss"], rel_tol=SAME):
            yield f"{name}: loss {month['loss']} on real parts, {other['loss']} in process"
        # a month is promoted, blocked or stopped; the figures in a reason may differ in their last digit
        outcomes = [one["event"].partition(":")[0] for one in (month, other)]
        for part, here, there in (("rows", month["rows"], other["rows"]), ("outcome", *outcomes)):
            # nothing is made of the last month that is replayed
            if here != there and not (part == "outcome" and name == max(found)):
                yield f"{name}: {part} {here!r} on real parts, {there!r} in process"


def page(data: DataSet, found: Mapping[str, Any]) -> str:
    """The page: what happened in each month."""
    rows = sum(month["rows"] for month in found.values())
    loss = sum(month["rows"] * month["loss"] for month in found.values()) / rows
    lines = [_line(name, month) for name, month in found.items()]
    parts = [
        INTRODUCTION.read_text(encoding="utf-8").rstrip(),
        f"## {data.title}",
        table(list(HEAD), lines),
        f"The year: log_loss {loss:.4f} over {rows:,} labelled answers.",
        "\n".join(f"- {name}: {', '.join(map(_code, month['alarms'])) or 'no alarm'}" for name, month in found.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _line(name: str, month: Mapping[str, Any]) -> list[str]:
    pull = f"#{month['pull']}" if month["pull"] else ""
    figures = [f"{month['rows']:,}", f"{month['loss']:.4f}", str(month["windows"]), f"{month['coverage']:.1%}"]
    return [name, month["version"], *figures, str(len(month["alarms"])), month["cause"], pull, month["event"]]


def _code(text: str) -> str:
    return f"`{text}`"
