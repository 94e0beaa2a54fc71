"""Let the year happen again under each policy of retraining, and write what came of it to docs/.

    python -m replay                          all data sets, all years
    python -m replay flights-late --year as-it-was
    python -m replay --again                  nothing is written; exit with 1 where a figure is not the one in docs/

A whole run writes docs/replay.json with all figures, docs/replay.md with the tables and a picture for each data set.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from projects import ROOT

from . import figures
from .datasets import NAMES, of
from .policies import Fits, unjudged
from .run import play
from .years import YEARS

DOCS = ROOT / "docs"
INTRODUCTION = """# The year, replayed

Made by `make replay`. A model of the first three months serves, and the next months arrive one after the other. Each
answers the rows of a month, is measured on their true labels, and a policy decides which model serves the month after.
In a year with a fault the feed spoils one month, the fourth; the labels by which all are measured here stay true.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="*", metavar="data set", help=f"some of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--year", action="append", choices=YEARS, help="which years (default: all)")
    parser.add_argument("--again", action="store_true", help="compare with the figures in docs/")
    parser.add_argument("--out", type=Path, default=DOCS, help="where to write (docs/)")
    given = parser.parse_args(arguments)
    if unknown := set(given.datasets) - set(NAMES):
        parser.error(f"no data set {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    found: figures.Figures = {}
    pages = [INTRODUCTION]
    for name in given.datasets or NAMES:
        data, fits = of(name), Fits()
        found[name] = {}
        for year in given.year or YEARS:
            courses = play(data, YEARS[year], unjudged(data, YEARS[year], fits))
            found[name][year] = figures.of_year(courses)
            print(f"{name}, {YEARS[year].title}: {_shown(found[name][year])}", flush=True)
        pages.append(figures.tables(data, found[name]) + f"\n![{data.title}](replay-{name}.svg)\n")
        if not given.again:
            given.out.mkdir(exist_ok=True, parents=True)
            figures.picture(given.out / f"replay-{name}.svg", data, found[name])
    if given.again:
        _compare(given.out / "replay.json", found)
    else:
        figures.write(given.out / "replay.json", found)
        (given.out / "replay.md").write_text("\n".join(pages), encoding="utf-8")
        print(f"written: {given.out}/replay.json, replay.md and a picture for each data set")


def _shown(courses: figures.Figures) -> str:
    return ", ".join(f"{course['title']} {course['year']:.4f}" for course in courses.values())


def _compare(path: Path, found: figures.Figures) -> None:
    """End with 1 where this run differs from the one that was written, in what both have."""
    written = json.loads(path.read_text(encoding="utf-8"))
    before = {name: {year: written[name][year] for year in years} for name, years in found.items()}
    if differing := figures.differences(before, found):
        sys.exit("not the same figures:\n" + "\n".join(differing))
    print(f"the same figures as in {path}")


if __name__ == "__main__":
    main()
