"""Run the benchmarks and print a Markdown table each; exit with status 1 where a limit is broken."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from . import (
    automl,
    builders,
    drafts,
    gate,
    generation,
    history,
    history_gain,
    lookups,
    messages,
    months,
    pipeline,
    production,
    review,
    rows,
    scoring,
    serving,
    waiting,
    whole_drafts,
    workflows,
)
from .draft_data import SETS
from .options import Options
from .table import HEAD, markdown
from .workspace import Workspace

GROUPS = {
    "generation": generation,
    "pipeline": pipeline,
    "months": months,
    "history": history,
    "gain": history_gain,
    "lookups": lookups,
    "rows": rows,
    "score": scoring,
    "gate": gate,
    "production": production,
    "workflows": workflows,
    "queue": waiting,
    "serving": serving,
    "stream": messages,
    "builders": builders,
    "automl": automl,
    "drafts": drafts,
    "review": review,
}


def main() -> None:
    """The command `python -m bench`."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"some of {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds behind each median (default: 5)")
    parser.add_argument("--scales", default="1,3,10,30,90", help="times the sample's rows (default: 1,3,10,30,90)")
    parser.add_argument("--logged", default="1,10,100", help="millions of logged rows (default: 1,10,100)")
    parser.add_argument("--sets", default="", help=f"data sets of drafts: some of {','.join(SETS)} (default: all)")
    parser.add_argument("--whole", action="store_true", help="drafts: report, gate, test, serve and wheel of each too")
    given = parser.parse_args()
    if unknown := set(given.groups) - GROUPS.keys():
        parser.error(f"no group {', '.join(sorted(unknown))}; there are: {', '.join(GROUPS)}")
    sets = tuple(one for one in given.sets.split(",") if one)
    if unknown := set(sets) - SETS.keys():
        parser.error(f"no data set {', '.join(sorted(unknown))}; there are: {', '.join(SETS)}")
    scales, logged = ([int(one) for one in text.split(",")] for text in (given.scales, given.logged))
    options = Options(
        given.repeats, tuple(sorted(scales)), tuple(sorted(10**6 * one for one in logged)), sets, given.whole
    )
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, medians of {options.repeats}", flush=True)
    broken = []
    with TemporaryDirectory(prefix="bench-") as folder:
        workspace = Workspace(Path(folder).resolve())
        groups = [GROUPS[name] for name in given.groups or GROUPS]
        if options.whole and drafts in groups:
            groups.insert(groups.index(drafts) + 1, whole_drafts)
        for group in groups:
            lines = group.bench(workspace, options)
            print(f"\n{markdown(group.TITLE, lines, getattr(group, 'HEAD', HEAD))}", flush=True)
            broken += [line.what for line in lines if line.kept is False]
    if broken:
        sys.exit("limits broken: " + "; ".join(broken))


if __name__ == "__main__":
    main()
