"""Say how mature the project is, by what its runs have left: the ML Test Score's 28 items, and two lists of levels.

A file that merely exists counts for nothing; what a person ran counts half, what a workflow ran counts whole. With
GH_TOKEN or GITHUB_TOKEN GitHub is asked too: for the files that runs left (actions: read), for issues of incidents
(issues: read) and, with an administrator's token, for the settings. Writes reports/maturity.json, reports/maturity.md
and, in a workflow, the run's summary. Exit status: 0, unless something that is there cannot be read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from ..command import REPORTS
from ..github.outputs import write_summary
from ..runtime.project import Project
from .badge import write_badge
from .evidence import gather
from .found import score
from .items import judge
from .levels import levels
from .page import to_markdown, to_object, to_text

JSON, TABLES = (REPORTS / f"maturity.{ending}" for ending in ("json", "md"))


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `maturity`."""
    parser = argparse.ArgumentParser(
        prog="maturity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON, as in reports/maturity.json")
    parser.add_argument(
        "--badge", type=Path, metavar="FILE", help="write a picture of the score, such as docs/score.svg"
    )
    options = parser.parse_args(arguments)
    evidence = gather(project, Path())
    judged = judge(evidence)
    reached = levels(judged)
    content = json.dumps(to_object(judged, reached, str(evidence.pipeline.head), evidence.notes), indent=1)
    tables = to_markdown(judged, reached, evidence.notes)
    REPORTS.mkdir(exist_ok=True)
    JSON.write_text(f"{content}\n", encoding="utf-8")
    TABLES.write_text(tables, encoding="utf-8")
    write_summary(tables)
    if options.badge:
        write_badge(score(judged)[0], options.badge)
    print(content if options.json else to_text(judged, reached, evidence.notes), end="\n" if options.json else "")
