"""The figures of a replay: as JSON to compare with, as Markdown tables and as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .datasets import DataSet
from .run import Course
from .years import YEARS

Figures = dict[str, Any]

SAME = 1e-6  # how far figures of two runs may be apart, as the last digits differ between processors
DIGITS = {"log_loss": 4, "rmse": 3}


def of_year(courses: Mapping[str, Course]) -> Figures:
    """The courses of a year as JSON."""
    return {name: course.to_json() for name, course in courses.items()}


def write(path: Path, figures: Figures) -> None:
    """Write the figures as JSON."""
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def differences(before: Figures, now: Figures) -> list[str]:
    """Where two runs differ, one line each."""
    return list(_differences("", before, now))


def _differences(where: str, before: Any, now: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            yield from _differences(f"{where}/{key}" if where else key, before.get(key), now.get(key))
    elif isinstance(before, float) and isinstance(now, float):
        if not math.isclose(before, now, rel_tol=SAME, abs_tol=SAME):
            yield f"{where}: {before} before, {now} now"
    elif before != now:
        yield f"{where}: {before!r} before, {now!r} now"


def tables(data: DataSet, years: Figures) -> str:
    """The whole year of each policy in each kind of year, and then month by month."""
    metric = _metric(years)
    columns = list(next(iter(years.values())))
    titles = [next(iter(years.values()))[name]["title"] for name in columns]
    lines = [
        [YEARS[year].title, *_best(metric, [found[name]["year"] for name in columns])] for year, found in years.items()
    ]
    parts = [f"## {data.title}", _table([f"{metric} of the year", *titles], lines)]
    for year, found in years.items():
        parts.append(f"### {YEARS[year].title.capitalize()}")
        parts.append(_table(["month", "rows", *titles], _monthly(metric, found, columns)))
        if events := _events(found):
            parts.append("\n".join(events))
    return "\n\n".join(parts) + "\n"


def _monthly(metric: str, found: Figures, columns: list[str]) -> list[list[str]]:
    months = next(iter(found.values()))["months"]
    lines = []
    for month, entry in months.items():
        losses = [found[name]["months"][month]["loss"] for name in columns]
        lines.append([month, f"{entry['rows']:,}", *_best(metric, losses)])
    return lines


def _best(metric: str, losses: list[float]) -> list[str]:
    """The losses as text, the least of them in bold; equal ones all."""
    shown = [f"{loss:.{DIGITS[metric]}f}" for loss in losses]
    least = min(shown, key=float)
    return [f"**{text}**" if text == least and len(set(shown)) > 1 else text for text in shown]


def _events(found: Figures) -> list[str]:
    """What happened beside promotions, a line each."""
    return [
        f"- {month}, {course['title']}: {entry['event']}"
        for course in found.values()
        for month, entry in course["months"].items()
        if entry["event"] not in ("", "promoted")
    ]


def _metric(years: Figures) -> str:
    found: str = next(iter(next(iter(years.values())).values()))["metric"]
    return found


def _table(head: list[str], lines: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def picture(path: Path, data: DataSet, years: Figures) -> None:
    """Draw for each kind of year how much better than the model that is never retrained the others are, by month."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams |= {"svg.hashsalt": data.name, "svg.fonttype": "none", "font.size": 8}
    from matplotlib import pyplot

    metric = _metric(years)
    figure, axes = pyplot.subplots(
        len(years), 1, figsize=(7, 1.5 * len(years) + 0.6), sharex=True, layout="constrained"
    )
    reach = _reach(years["as-it-was"]) if "as-it-was" in years else None
    for axis, (year, found) in zip([axes] if len(years) == 1 else axes, years.items(), strict=True):
        still = [entry["loss"] for entry in found["never"]["months"].values()]
        for course in found.values():
            months = course["months"]
            gains = [before - entry["loss"] for before, entry in zip(still, months.values(), strict=True)]
            axis.plot([month[2:] for month in months], gains, marker=".", label=course["title"])
        axis.set_title(YEARS[year].title, loc="left", fontsize=8)
        if reach:
            axis.set_ylim(-reach, reach)  # one scale, beyond which a line leaves the picture
    figure.supylabel(f"better than never retrained, {metric}")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def _reach(found: Figures) -> float:
    """The largest difference between the policies in a year without a fault, and a half."""
    still = [entry["loss"] for entry in found["never"]["months"].values()]
    gains = [
        abs(before - entry["loss"])
        for course in found.values()
        for before, entry in zip(still, course["months"].values(), strict=True)
    ]
    return 1.5 * max(gains)
