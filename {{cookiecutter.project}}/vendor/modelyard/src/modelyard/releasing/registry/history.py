"""Show which version was live in which stage, since when, who put it there, by which run and on which verdict.

Reads only this clone: its annotated tags (`git fetch --tags` updates them), and for each registered version whether its
commit is on main and its image the project's (IMAGE_REGISTRY, or else of origin's owner). Exit status: 1 if a tag was
moved, deleted or not made by the verb `register`; the output names it, and what this clone cannot tell.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from ...errors import counted
from ...github.api import GitHubError
from ...markdown import code, prose
from .candidate import project_metadata
from .provenance import provenance
from .registry import Assignment, Registry, faults, read_registry, unreleased
from .tags import read_tags

SHOWN = ("version", "time", "actor", "run", "verdict")
ADDRESS = re.compile(r"https?://[A-Za-z0-9._:/-]{1,200}")


def history(root: Path, registry: Registry, stage: str | None, at: int | None, main: str) -> dict[str, Any]:
    """What was live where at a time, all assignments up to then, and what is wrong with the tags.

    stage: only that one. at: seconds since 1970; now, where it is None. main: the branch that releases are made from.
    """
    foreign, unsure = provenance(root, registry, main)
    stages = sorted({one.stage for one in registry.assignments}) if stage is None else [stage]
    events = [shown(one) for one in registry.assignments if one.stage in stages and (at is None or one.tag.time <= at)]
    live = {name: shown(one) if (one := registry.live(name, at)) else None for name in stages}
    return {
        "model": registry.model,
        "at": None if at is None else _iso(at),
        "live": live,
        "assignments": events,
        "versions": [str(version.tag) for version in sorted(registry.versions)],
        "unreleased": unreleased(registry),
        "faults": [*faults(registry), *foreign],
        "unsure": unsure,
    }


def shown(one: Assignment) -> dict[str, str | int]:
    """One assignment, in plain values."""
    tag = one.tag
    named = {key.lower(): tag.one(key) for key in ("Version", "Actor", "Run", "Verdict", "Bundle", "Image", "Commit")}
    return {"stage": one.stage, "number": one.number, "time": _iso(tag.time), "tag": tag.name, **named}


def read_time(text: str) -> int:
    """Seconds since 1970 of an ISO date or time. A date alone is its end, a time without a zone is UTC.

    Raises GitHubError where it is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise GitHubError(
            f"--at is {text!r}: a date such as 2026-03-01, or a time such as 2026-03-01T12:00+01:00, is needed"
        ) from None
    if re.fullmatch(r"[0-9]{4}-?(?:[0-9]{2}-?[0-9]{2}|W[0-9]{2}(?:-?[0-9])?)", text):
        moment = datetime.combine(moment.date(), time.max)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def markdown(report: dict[str, Any]) -> str:
    """The history as Markdown."""
    when = f" at {report['at']}" if report["at"] else ""
    parts = [f"# {report['model']}{when}", _table("live in", [(name, one) for name, one in report["live"].items()])]
    if not report["live"]:
        parts[-1] = "No version was ever put into a stage."
    if report["versions"]:
        parts.append(f"Registered: {', '.join(map(code, report['versions']))}")
    if report["assignments"]:
        parts += ["## Assignments", _table("stage", [(one["stage"], one) for one in reversed(report["assignments"])])]
    if report["unreleased"]:
        parts.append(f"Tagged, and not released: {', '.join(map(code, report['unreleased']))}")
    if report["faults"]:
        listed = "\n".join(f"- {prose(one)}" for one in report["faults"])
        parts += ["## These tags are not what they were", listed]
    if report["unsure"]:
        parts += ["Not known here:", "\n".join(f"- {prose(one)}" for one in report["unsure"])]
    return "\n\n".join(parts) + "\n"


def _table(title: str, lines: Iterable[tuple[str, dict[str, Any] | None]]) -> str:
    rows = [f"| {title} | version | since | by | run | verdict |", "| --- | --- | --- | --- | --- | --- |"]
    for name, one in lines:
        cells = [_cell(one[key]) for key in SHOWN] if one else ["-"] * len(SHOWN)
        rows.append(f"| {' | '.join([_cell(name), *cells])} |")
    return "\n".join(rows)


def _cell(value: object) -> str:
    text = str(value)
    return text if ADDRESS.fullmatch(text) else prose(text).replace("|", "\\|") or "-"


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main(arguments: list[str] | None = None) -> None:
    """The verb `history`."""
    parser = argparse.ArgumentParser(
        prog="history", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--at", metavar="DATE", help="the state at an ISO date (its end) or time (UTC by default)")
    parser.add_argument("--stage", help="this stage only")
    parser.add_argument("--main", default="main", help="the branch that releases are made from (main)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(arguments)
    root = Path()
    at = None if options.at is None else read_time(options.at)
    registry = read_registry(read_tags(root), project_metadata(root)["name"])
    report = history(root, registry, options.stage, at, options.main)
    print(json.dumps(report, indent=1) if options.json else markdown(report), end="\n" if options.json else "")
    if report["faults"]:
        number = counted(len(report["faults"]), "fault")
        print(f"error: {number} in the tags of the registry, see above", file=sys.stderr)
        sys.exit(1)
