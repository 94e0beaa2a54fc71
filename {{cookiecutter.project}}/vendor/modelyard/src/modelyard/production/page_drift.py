"""What the monitoring page shows of drift: a line for each input, a cell for each window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..markdown import cut
from .page_charts import Window
from .page_text import number, percent, section, text, value_of

INPUTS = 40  # that are shown, those that moved most first
WINDOWS = 60  # columns
FARTHEST = 0.4  # distance with the strongest colour
# What is told of an input in the newest window; outside: the share beyond training's range
NEWEST = ("distance", "missing", "outside", "new values")


def drift_section(windows: Sequence[Window]) -> str:
    """The distance of each input in each window, as colours; the numbers are in the cells' titles."""
    shown = windows[-WINDOWS:]
    found = [distances(one) for one in shown]
    newest = found[-1]
    names = sorted({name for one in found for name in one} - {""}, key=lambda name: (-_of(newest, name), name))
    lines = [_heat_line(name, shown, found) for name in ["", *names[:INPUTS]] if any(name in one for one in found)]
    if not lines:
        return section("Drift", "<p>Nothing was compared with training yet.</p>")
    needed = (shown[-1].get("drift") or {}).get("needed_rows")
    said = (
        "Distance of each window's distribution from training's: the stronger the colour, the farther. Drift is framed."
    )
    if isinstance(needed, int):
        said += f" A window of fewer than {needed:,} rows cannot tell (·), nor one whose days differ as much."
    elif any(told.get("state") == "cannot tell" for one in found for told in one.values()):
        said += " Where there is a dot (·), the rows do not tell."
    if len(names) > INPUTS:
        said += f" The {INPUTS} of {len(names)} inputs that moved most."
    ends = f'<th colspan="{len(shown)}">{text(shown[0]["start"])} to {text(shown[-1]["end"])}</th>'
    last = f'<th colspan="{len(NEWEST)}">in the window from {text(shown[-1]["start"])}</th>'
    head = f"<tr><th></th>{ends}{last}</tr>"
    head += f'<tr><th></th><th colspan="{len(shown)}"></th>{"".join(f"<th>{name}</th>" for name in NEWEST)}</tr>'
    return section(
        "Drift",
        f'<p class="quiet">{said}</p><div class="table"><table class="heat">{head}{"".join(lines)}</table></div>',
    )


def distances(window: Window) -> dict[str, Mapping[str, Any]]:
    """What was found for each input, and for the score under an empty name."""
    drift = window.get("drift") or {}
    return {**({"": drift["score"]} if drift.get("score") else {}), **(drift.get("inputs") or {})}


def _of(found: Mapping[str, Mapping[str, Any]], name: str) -> float:
    distance = value_of(found.get(name, {}).get("distance"))
    return -1.0 if math.isnan(distance) else distance


def _heat_line(name: str, windows: Sequence[Window], found: Sequence[Mapping[str, Mapping[str, Any]]]) -> str:
    cells = []
    for window, one in zip(windows, found, strict=True):
        told = one.get(name, {})
        distance, state = value_of(told.get("distance")), str(told.get("state", ""))
        figures = f"distance {number(distance)}, p {number(told.get('p'))}"
        title = f"{window['start']}: {state or 'not compared'}, {figures}"
        if math.isnan(distance) or state == "cannot tell":
            cells.append(f'<td class="untold" title="{text(title)}">·</td>')
        else:
            drift = " drift" if state == "drift" else ""
            shade = min(distance / FARTHEST, 1.0)
            cells.append(f'<td class="distance{drift}" style="--d:{shade:.2f}" title="{text(title)}"></td>')
    last = found[-1].get(name, {})
    label = f"<b>{text(name)}</b>" if name else "<b>scores</b>"
    unseen = ", ".join(f"{value} ({count:,})" for value, count in (last.get("unknown") or {}).items())
    distance = value_of(last.get("distance"))
    moved = "-" if math.isnan(distance) else f"{distance:.4f}"  # as in the tables of monitor.md
    told_of = [moved, *(percent(last.get(key)) for key in ("missing", "outside"))]
    newest = "".join(f'<td class="number">{one}</td>' for one in told_of)
    newest += f'<td class="words">{text(cut(unseen, 60))}</td>'
    return f"<tr><th>{label}</th>{''.join(cells)}{newest}</tr>"
