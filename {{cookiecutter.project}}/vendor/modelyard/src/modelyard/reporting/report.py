"""Show how good the model is and how it compares with main's: prints the metrics, and writes Markdown and HTML.

It reads the bundle, main's in champion/bundle (`make champion`), the verdict in reports/verdict.json (`make gate`), and
the cost of the stages in reports/cost.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ContractError
from ..judging.verdict import VERDICT
from ..runtime.project import Project
from ..training import layout
from .answered import answered
from .document import Section, to_markdown
from .evidence import CHAMPION, Evidence, gather, other_case, read_refusal, read_verdict
from .sections.changes import changes
from .sections.contributions import contributions
from .sections.corrections import corrections
from .sections.curves import curves
from .sections.decisions import decisions
from .sections.headline import headline, in_short, stopped, unjudged, unreported
from .sections.lineage import lineage
from .sections.residuals import residuals
from .sections.rows import changed_rows
from .sections.scores import metrics, metrics_table, positive_class, slices

REPORTS = Path("reports")


def report(evidence: Evidence, learned: Section | None = None) -> list[Section]:
    """The sections of the report, in the order in which a reviewer needs them; `learned` is the learning curve."""
    changed, differing, rows = changes(evidence), changed_rows(evidence), answered(evidence)
    corrected = corrections(evidence)
    return [
        *headline(evidence),
        metrics(evidence),
        slices(evidence),
        *([changed] if changed else []),
        *([corrected] if corrected else []),
        *([differing] if differing else []),
        *decisions(evidence, rows),
        *residuals(evidence, rows),
        *curves(evidence),
        *contributions(evidence),
        *([learned] if learned else []),
        lineage(evidence),
    ]


def write(root: Path, sections: list[Section], title: str) -> None:
    """Write the report under `root` in both forms."""
    from .page import page  # imports matplotlib, which takes a second

    folder = root / REPORTS
    folder.mkdir(exist_ok=True)
    (folder / "report.md").write_text(to_markdown(sections), encoding="utf-8")
    (folder / "report.html").write_text(page(sections, title), encoding="utf-8")


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `report`."""
    parser = argparse.ArgumentParser(
        prog="report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--champion", type=Path, help=f"main's bundle ({CHAMPION}, if it is there)")
    parser.add_argument("--verdict", type=Path, help=f"what the gate wrote ({VERDICT}, if it is there)")
    options = parser.parse_args(arguments)
    if refusal := read_refusal(Path()):  # any bundle here is from an earlier commit
        write(Path(), [stopped(refusal)], "No model")
        print(f"The pipeline stopped in {refusal['stage']}: {refusal['message']}")
    else:
        print(_report(project, options.champion, options.verdict))
    print(f"\nThe report is in {REPORTS / 'report.html'} and {REPORTS / 'report.md'}")


def _report(project: Project, champion: Path | None, verdict: Path | None) -> str:
    """Write the report; return what a terminal shows of it: verdict and warnings, and the metrics as a table.

    Raises ContractError if there can be none. Unless an option was wrong, the report then says so.
    """
    try:
        evidence = gather(Path(), champion, verdict)
        from .learning import learning  # imports what trains, which takes seconds

        sections = report(evidence, learning(project, evidence))
    except ContractError as error:
        # the gate has recorded that it could not judge; the report must show that
        if judged := _unjudged(verdict):
            write(Path(), [unjudged(judged, str(error))], "No model")
            return f"There is nothing to judge: {error}"
        if champion is None and verdict is None:
            write(Path(), [unreported(str(error), is_made=layout.BUNDLE.is_dir())], "No report")
        raise
    write(Path(), sections, evidence.this.contract.name)
    first = ["\n".join(short)] if (short := in_short(evidence)) else []
    return "\n\n".join([*first, metrics_table(evidence).markdown(whole=True), *positive_class(evidence)])


def _unjudged(path: Path | None) -> Mapping[str, Any] | None:
    """The gate's verdict, if it could not judge what is here now."""
    try:
        judged = read_verdict(Path(), path)
    except ContractError:
        return None
    return judged if judged and judged["verdict"] == "unjudged" and not other_case(Path(), judged) else None
