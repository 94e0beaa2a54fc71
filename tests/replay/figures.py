"""The figures of a replay: as JSON to compare with, as Markdown tables and as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from .datasets import DataSet
from .policies import UNJUDGED
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
    parts = [f"## {data.title}", yearly(years)]
    if told := findings(years):
        parts.append("\n".join(told))
    for year, found in years.items():
        parts.append(f"### {YEARS[year].title.capitalize()}")
        parts.append(monthly(found))
        if events := _events(found):
            parts.append("\n".join(events))
    return "\n\n".join(parts) + "\n"


def yearly(years: Figures) -> str:
    """A table of each kind of year by policy."""
    metric = _metric(years)
    titles = {name: course["title"] for found in years.values() for name, course in found.items()}
    lines = [
        [YEARS[year].title, *_best(metric, [found.get(name, {}).get("year") for name in titles])]
        for year, found in years.items()
    ]
    return table([f"{metric} of the year", *titles.values()], lines)


def monthly(found: Figures) -> str:
    """A table of the months of one year by policy."""
    metric = next(iter(found.values()))["metric"]
    months = next(iter(found.values()))["months"]
    lines = []
    for month, entry in months.items():
        losses = [course["months"][month]["loss"] for course in found.values()]
        lines.append([month, f"{entry['rows']:,}", *_best(metric, losses)])
    return table(["month", "rows", *(course["title"] for course in found.values())], lines)


def _best(metric: str, losses: Sequence[float | None]) -> list[str]:
    """The losses as text, the least of them in bold; equal ones all. None: that policy was not tried."""
    shown = ["" if loss is None else f"{loss:.{DIGITS[metric]}f}" for loss in losses]
    least = min(filter(None, shown), key=float)
    return [f"**{text}**" if text == least and len(set(filter(None, shown))) > 1 else text for text in shown]


def _events(found: Figures) -> list[str]:
    """What happened beside promotions, a line each; the same thing month after month is one line."""
    lines = []
    for course in found.values():
        for event, group in groupby(course["months"].items(), lambda item: str(item[1]["event"])):
            months = [month for month, _ in group]
            if event not in ("", "promoted"):
                span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
                lines.append(f"- {span}, {course['title']}: {event}")
    return lines


def findings(years: Figures) -> list[str]:
    """How the judged loop compares with the best policy, and with those that it is to be better than, a line a year."""
    metric, lines = _metric(years), []
    for year, found in years.items():
        if "judged" not in found or not set(UNJUDGED) <= found.keys():
            continue
        ours = found["judged"]["year"]
        best = min(found.values(), key=lambda course: course["year"])
        others = [found["never"], found["always"]]
        told = [_against(metric, ours, course) for course in others]
        off = ours - best["year"]
        nearest = "the best" if off == 0 else f"{off:.{DIGITS[metric]}f} from the best ({best['title']})"
        better = ours <= min(course["year"] for course in others)
        policy = "" if better else f"; in such a year {best['title']} would be the policy"
        lines.append(f"- {YEARS[year].title}: judged {ours:.{DIGITS[metric]}f}, {nearest}; {', '.join(told)}{policy}")
    return lines


def _against(metric: str, ours: float, other: Figures) -> str:
    gain = other["year"] - ours
    word = "better than" if gain > 0 else "**worse than**"
    return f"{word} {other['title']} by {abs(gain):.{DIGITS[metric]}f}"


def _metric(years: Figures) -> str:
    found: str = next(iter(next(iter(years.values())).values()))["metric"]
    return found


def table(head: list[str], lines: list[list[str]]) -> str:
    """A table in Markdown."""
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
        len(years), 1, figsize=(7, 1.5 * len(years) + 0.8), sharex=True, layout="constrained"
    )
    reach = _reach(years["as-it-was"]) if "as-it-was" in years else None
    titles = dict.fromkeys(course["title"] for found in years.values() for course in found.values())
    colours = {title: f"C{place}" for place, title in enumerate(titles)}  # the same in each year
    lines = {}
    for axis, (year, found) in zip([axes] if len(years) == 1 else axes, years.items(), strict=True):
        still = [entry["loss"] for entry in found["never"]["months"].values()]
        for course in found.values():
            months = course["months"]
            gains = [before - entry["loss"] for before, entry in zip(still, months.values(), strict=True)]
            names = [date.fromisoformat(f"{month}-01").strftime("%b") for month in months]
            title = course["title"]
            above = 2 + (title == "judged")  # which others often hide
            (lines[title],) = axis.plot(names, gains, marker=".", color=colours[title], zorder=above)
        axis.grid(alpha=0.25)
        axis.set_title(YEARS[year].title, loc="left", fontsize=8)
        if reach:
            axis.set_ylim(-reach, reach)  # one scale, beyond which a line leaves the picture
    label = f"better than never retrained, {metric}"
    figure.supylabel(label if len(years) > 2 else label.replace(" never ", "\nnever "), fontsize=8)
    handles = [lines[title] for title in titles]
    figure.legend(handles, titles, loc="outside lower center", ncols=4)  # more are wider than the picture
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
