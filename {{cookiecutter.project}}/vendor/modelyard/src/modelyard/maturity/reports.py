"""The files that commands leave in reports/: here, and in the artifacts of workflows' runs.

What lies in reports/ of a workflow's machine was made by that workflow, what lies there elsewhere by a person.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..command import REPORTS
from ..errors import YardError
from ..github.this_run import BY_HAND, this_run
from ..testing.passed import PROPERTY
from .found import Trace

NAMES = ("verdict.json", "prove.json", "junit.xml", "monitor.json", "deploy.json", "retrain.json")
TUNING = "tuning"  # the artifact of tune.yml
STAGES = ("ingest", "train", "evaluate", "bundle")
COSTS = tuple(f"cost/{stage}.json" for stage in STAGES)


@dataclass(frozen=True)
class RunFiles:
    """Some of these files, by their names in reports/, as one run left them.

    where: the run's address, or empty here. times: when each was written, in ISO format. commit: that of the run; None
    here, where a file may be of any.
    """

    files: Mapping[str, bytes]
    times: Mapping[str, str]
    where: str = ""
    commit: str | None = None

    def trace(self, name: str, what: str) -> Trace:
        """What a file says, with its place."""
        where = f"{name} of {self.where}" if self.where else f"{REPORTS}/{name}"
        return Trace(what, where, self.times.get(name, ""), bool(self.where))

    def object(self, name: str) -> dict[str, Any] | None:
        """The JSON object in a file; None if it is not there. Raises YardError if it is none."""
        if name not in self.files:
            return None
        try:
            content = json.loads(self.files[name])
        except ValueError as error:
            content = error
        if not isinstance(content, dict):
            place = self.trace(name, "").where
            raise YardError(
                f"{place} holds no JSON object; remove the file, or have the command that writes it run again"
            )
        return content

    def checks(self) -> set[str]:
        """The library's checks that tests have passed, by junit.xml. Raises YardError if it cannot be read."""
        if "junit.xml" not in self.files:
            return set()
        try:
            tree = ElementTree.fromstring(self.files["junit.xml"])  # noqa: S314 - the project's own pytest wrote it
        except ElementTree.ParseError as error:
            place = self.trace("junit.xml", "").where
            raise YardError(f"{place} is no XML: {error}; run `make test` again, or remove the file") from None
        passed = (case for case in tree.iter("testcase") if not {"failure", "error", "skipped"} & {e.tag for e in case})
        return {
            str(one.get("value")) for case in passed for one in case.iter("property") if one.get("name") == PROPERTY
        }


def local_files(root: Path) -> RunFiles:
    """The files in reports/ here."""
    paths = {name: root / REPORTS / name for name in (*NAMES, *COSTS)}
    files = {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
    times = {
        name: datetime.fromtimestamp(int(paths[name].stat().st_mtime), UTC).isoformat().replace("+00:00", "Z")
        for name in files
    }
    run = this_run()
    return RunFiles(files, times, "" if run == BY_HAND else run)


def with_object(reports: Sequence[RunFiles], name: str) -> Iterator[tuple[RunFiles, dict[str, Any]]]:
    """Each of the files of one name, with its content."""
    for files in reports:
        content = files.object(name)
        if content is not None:
            yield files, content
