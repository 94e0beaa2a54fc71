"""Show the report of this run in its summary, and note for report.yml on which pull request to post it.

Reads PULL_REQUEST (its number; may be empty) and HEAD_SHA from the environment.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path

from .api import GitHubError
from .outputs import write_summary

REPORTS = Path("reports")
SHOWN = ("report.md", "prove.md", "monitor.md")
LONGEST = 1_000_000  # bytes; GitHub accepts 1 MiB of summary for a step


def hand_over(reports: Path, number: str, head: str) -> list[str]:
    """Write the pull request's number and the summary. Returns what was done, a line each."""
    lines = []
    reports.mkdir(exist_ok=True)
    if number:
        if not re.fullmatch(r"[1-9]\d{0,9}", number) or not re.fullmatch(r"[0-9a-f]{40}", head):
            raise GitHubError(f"PULL_REQUEST is {number!r} and HEAD_SHA {head!r}: a number and a commit are needed")
        (reports / "pull-request.json").write_text(json.dumps({"number": int(number), "head": head}) + "\n")
        lines.append(f"the report is for pull request {number} at {head[:7]}")
    shown = [path for name in SHOWN if (path := reports / name).is_file()]
    text = "\n".join(path.read_text(encoding="utf-8") for path in shown)
    write_summary(text.encode()[:LONGEST].decode(errors="ignore"))
    lines += [f"shown in the summary: {path}" for path in shown]
    return lines


def main(arguments: list[str] | None = None) -> None:
    """The verb `handover`."""
    parser = argparse.ArgumentParser(
        prog="handover", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    print("\n".join(hand_over(REPORTS, os.environ.get("PULL_REQUEST", ""), os.environ.get("HEAD_SHA", ""))))
