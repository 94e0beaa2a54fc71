"""Show the test results in the run's summary, from pytest's reports/junit.xml and coverage.xml."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from xml.etree import ElementTree

from .api import GitHubError
from .outputs import write_summary

JUNIT = Path("reports/junit.xml")
COVERAGE = Path("coverage.xml")
SHOWN = 20  # failures that are listed


def results(junit: Path, coverage: Path) -> str:
    """Both as Markdown. Raises GitHubError if the tests wrote no result."""
    if not junit.is_file():
        raise GitHubError(f"{junit} is not there: the tests did not run to their end; see the step that runs them")
    suites = list(ElementTree.parse(junit).getroot().iter("testsuite"))  # noqa: S314 (this job's own pytest wrote it)
    names = ("tests", "failures", "errors", "skipped")
    count = {name: sum(int(suite.get(name, 0)) for suite in suites) for name in names}
    seconds = sum(float(suite.get("time", 0)) for suite in suites)
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    lines = [f"**Tests:** {passed} passed, {failed} failed, {count['skipped']} skipped, in {seconds:.0f} s"]
    if coverage.is_file():
        rate = float(ElementTree.parse(coverage).getroot().get("line-rate", 0))  # noqa: S314
        lines.append(f"**Coverage:** {100 * rate:.1f} % of the lines")
    bad = [case for suite in suites for case in suite.iter("testcase") if _fault(case) is not None]
    lines += [f"- `{case.get('classname')}.{case.get('name')}`: {_fault(case)}" for case in bad[:SHOWN]]
    if len(bad) > SHOWN:
        lines.append(f"- and {len(bad) - SHOWN} more")
    return "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:]) + "\n"


def _fault(case: ElementTree.Element) -> str | None:
    elements = [part for kind in ("failure", "error") for part in case.findall(kind)]
    if not elements:
        return None
    first = (elements[0].get("message") or elements[0].text or "").strip().splitlines()
    return re.sub(r"[`<>|]", " ", first[0])[:200] if first else "no message"


def main(arguments: list[str] | None = None) -> None:
    """The verb `results`."""
    argparse.ArgumentParser(prog="results", description=__doc__).parse_args(arguments)
    text = results(JUNIT, COVERAGE)
    print(text)
    write_summary(text)
