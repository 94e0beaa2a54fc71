"""Let the year happen again under each policy of retraining, and write what came of it to docs/.

    python -m replay                          all data sets, all years
    python -m replay flights-late --year as-it-was
    python -m replay --real                   the judged loop on its real parts, and nothing else
    python -m replay --real --last 2013-05 --out real    two months of it
    python -m replay --again                  nothing is written; exit with 1 where a figure is not the one in docs/

A whole run writes docs/replay.json with all figures, docs/replay.md with the tables and a picture for each data set,
and the same of the loop on its real parts to docs/replay-real.json and docs/replay-real.md. The sample's year is also
written into README.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from projects import ROOT

from . import figures, readme
from .datasets import NAMES, DataSet, of
from .judged import LOOPS, loops
from .policies import UNJUDGED, Fits, unjudged
from .real import real_year
from .real_page import as_json, page, unlike
from .run import play
from .years import YEARS, Year

POLICIES = (*UNJUDGED, *LOOPS)

DOCS, README = ROOT / "docs", ROOT / "README.md"
INTRODUCTION = Path(__file__).with_name("introduction.md")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="*", metavar="data set", help=f"some of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--year", action="append", choices=YEARS, help="which years (default: all)")
    parser.add_argument("--only", action="append", choices=POLICIES, help="which policies (default: all)")
    parser.add_argument("--real", action="store_true", help="only the judged loop of the sample, on its real parts")
    parser.add_argument("--last", metavar="MONTH", help="with --real: the last month, such as 2013-05 (default: all)")
    parser.add_argument("--again", action="store_true", help="compare with the figures in docs/")
    parser.add_argument("--out", type=Path, default=DOCS, help="where to write (docs/)")
    given = parser.parse_args(arguments)
    if unknown := set(given.datasets) - set(NAMES):
        parser.error(f"no data set {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    is_part = bool(given.datasets or given.year or given.only)
    if given.real and is_part:
        parser.error("--real takes no data set, --year or --only")
    if given.last and not given.real:
        parser.error("--last goes with --real")
    # not after an hour
    before = [_in_process_path(given.out)] if given.real else []
    before += [given.out / "replay-real.json"] if given.again and not is_part else []
    if missing := [path for path in before if not path.is_file()]:
        parser.error(f"there is no {missing[0]} to compare with; `python -m replay` writes it")
    if given.last and given.last not in of(NAMES[0]).served:
        parser.error(f"--last is {given.last!r}; the months are {', '.join(of(NAMES[0]).served)}")
    is_part |= bool(given.last)
    if is_part and not given.again and given.out == DOCS:
        parser.error("a part of the figures must not replace those in docs/: name another folder with --out")
    given.out.mkdir(exist_ok=True, parents=True)
    if not given.real:
        _in_process(given)
    if given.real or not is_part:
        _on_real_parts(given)


def _in_process(given: argparse.Namespace) -> None:
    found: figures.Figures = {}
    pages = [INTRODUCTION.read_text(encoding="utf-8")]
    for name in given.datasets or NAMES:
        data = of(name)
        found[name] = _played(data, [YEARS[year] for year in given.year or YEARS], given.only)
        pages.append(figures.tables(data, found[name]) + f"\n![{data.title}](replay-{name}.svg)\n")
        if not given.again and all("never" in courses for courses in found[name].values()):
            figures.picture(given.out / f"replay-{name}.svg", data, found[name])
    if given.again:
        _compare(given.out / "replay.json", found)
    else:
        figures.write(given.out / "replay.json", found)
        (given.out / "replay.md").write_text("\n".join(pages), encoding="utf-8")
        if given.out == DOCS:
            readme.write(README, NAMES[0], found[NAMES[0]])
        print(f"written: {given.out}/replay.json, replay.md and a picture for each data set")


def _in_process_path(out: Path) -> Path:
    """The figures of the loops in process: those of a run into the same folder, else those in docs/."""
    return next((path for path in (out / "replay.json", DOCS / "replay.json") if path.is_file()), DOCS / "replay.json")


def _on_real_parts(given: argparse.Namespace) -> None:
    data, months = of(NAMES[0]), {}
    if given.last:
        data = dataclasses.replace(data, truth={name: rows for name, rows in data.truth.items() if name <= given.last})
    with TemporaryDirectory(prefix="replay-") as folder:
        for name, month in real_year(data, Path(folder), LOOPS["judged"][1]):
            months[name] = month
            print(f"{data.name} on real parts, {name}: {month}", flush=True)
    found = as_json(months)
    written = json.loads(_in_process_path(given.out).read_text(encoding="utf-8"))
    in_process = written[data.name]["as-it-was"]["judged"]
    if differing := unlike(found, in_process):
        sys.exit("the real parts and the loop in process differ:\n" + "\n".join(differing))
    path = given.out / "replay-real.json"
    if given.again:
        before = json.loads(path.read_text(encoding="utf-8"))
        _no_difference(path, {name: before.get(name) for name in found}, found)
    else:
        figures.write(path, found)
        (given.out / "replay-real.md").write_text(page(data, found), encoding="utf-8")
        print(f"written: {given.out}/replay-real.json and replay-real.md")


def _played(data: DataSet, years: list[Year], only: Collection[str] | None) -> figures.Figures:
    """All policies, or only these, in each year."""
    found: figures.Figures = {}
    fits, honest = Fits(), {}
    with TemporaryDirectory(prefix="replay-") as folder:
        for year in years:
            looped = loops(data, year, Path(folder), honest, only)
            policies = {**unjudged(data, year, fits), **looped}
            courses = play(data, year, {name: one for name, one in policies.items() if not only or name in only})
            if not year.spoil:
                honest = looped
            found[year.name] = figures.of_year(courses)
            print(f"{data.name}, {year.title}: {_shown(found[year.name])}", flush=True)
    return found


def _shown(courses: figures.Figures) -> str:
    return ", ".join(f"{course['title']} {course['year']:.4f}" for course in courses.values())


def _compare(path: Path, found: figures.Figures) -> None:
    """End with 1 where this run differs from the one that was written, in what both have."""
    written = json.loads(path.read_text(encoding="utf-8"))
    before = {
        name: {year: {policy: written[name][year].get(policy) for policy in courses} for year, courses in years.items()}
        for name, years in found.items()
    }
    _no_difference(path, before, found)


def _no_difference(path: Path, before: figures.Figures, found: figures.Figures) -> None:
    if differing := figures.differences(before, found):
        sys.exit("not the same figures:\n" + "\n".join(differing))
    print(f"the same figures as in {path}")


if __name__ == "__main__":
    main()
