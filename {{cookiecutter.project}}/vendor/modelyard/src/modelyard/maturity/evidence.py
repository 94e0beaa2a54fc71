"""All that the items are judged by, gathered once: Git, reports/, tags, the store of production and GitHub."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import YardError
from ..github.api import GitHubError, checked_repository
from ..github.doctor import origin
from ..judging.policy import POLICY, Policy, read_policy
from ..production.layout import AUDIT, LATEST
from ..production.store import Store, StoreError
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training.settings import Params, read_contract, read_params
from .found import Lack, Part, Trace, best
from .hub import Hub, ask
from .pipeline import Pipeline
from .releases import RUN, Releases
from .reports import RunFiles, local_files, with_object

MONITOR = "make monitor"


@dataclass(frozen=True)
class PracticeEvidence:
    """What was found. reports: the files here first, then those of runs, the newest first.

    figures: the newest of production, with the file that has them. audit: the lines of removals in the store. notes:
    what could not be looked at, and why.
    """

    root: Path
    package: Path
    contract: Contract
    params: Params
    policy: Policy
    pipeline: Pipeline
    reports: tuple[RunFiles, ...]
    releases: Releases
    hub: Hub
    figures: Mapping[str, Any]
    figures_file: str
    audit: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]

    @property
    def windows(self) -> list[dict[str, Any]]:
        """The windows of production in which rows were answered, in order."""
        return [one for one in self.figures.get("windows", ()) if one["rows"]]

    def figure(self, what: str) -> Trace:
        """A trace of the figures of production."""
        run = str(self.figures.get("run", ""))
        automated = RUN.fullmatch(run) is not None
        where = f"{self.figures_file}, by {run}" if automated else self.figures_file
        return Trace(what, where, str(self.figures.get("until", "")), automated)

    def check(self, what: str, *names: str) -> Part:
        """The trace of tests in which these checks of the library passed, all of them in one run of the tests."""
        stale = self._newer_than_tests()
        said = f"{what} (passed: {', '.join(names)})"
        traces = [
            files.trace("junit.xml", said)
            for files in self.reports
            if (files.where or not stale) and files.checks().issuperset(names)
        ]
        ran = any("junit.xml" in files.files for files in self.reports)
        missing = f"no test passed {' and '.join(names)}" if ran else "no results of tests are here (reports/junit.xml)"
        if stale:
            missing = f"reports/junit.xml is older than {stale}"
        return best(*traces, Lack(missing, "make test"))

    def _newer_than_tests(self) -> str:
        """The first file of the tested ones that is newer than the results here; empty if none is."""
        path = self.root / "reports/junit.xml"
        if not path.is_file():
            return ""
        tested = [*self.package.rglob("*.py"), *(self.root / "tests").rglob("*.py"), self.root / "contract.yaml"]
        ran = path.stat().st_mtime
        return next((one.relative_to(self.root).as_posix() for one in tested if one.stat().st_mtime > ran), "")


def gather(project: Project, root: Path) -> PracticeEvidence:
    """What the project in a folder has left. Raises YardError if something that is there cannot be read."""
    contract, params = read_contract(root / "contract.yaml"), read_params(root / "params.yaml")
    policy = read_policy(root / POLICY)
    repository = _repository(root)
    hub = ask(root, repository)
    reports = (local_files(root), *hub.runs)
    releases = Releases(root, repository)
    notes = [*hub.notes, *(f"the registry's tags are not believed: {one}" for one in releases.faults)]
    store, audit = _store(policy.monitor.store, notes)
    figures, file = _newest(reports, store)
    return PracticeEvidence(
        root=root,
        package=root / project.name,
        contract=contract,
        params=params,
        policy=policy,
        pipeline=Pipeline(root, releases.run or _trained_by(reports)),
        reports=reports,
        releases=releases,
        hub=hub,
        figures=figures,
        figures_file=file,
        audit=audit,
        notes=tuple(notes),
    )


def _repository(root: Path) -> str:
    """owner/name of the repository on GitHub; empty if there is none that is known here."""
    try:
        return checked_repository(os.environ.get("GITHUB_REPOSITORY") or origin(root))
    except GitHubError:
        return ""


def _trained_by(reports: tuple[RunFiles, ...]) -> str:
    """The newest run that left a proof or a verdict of a model that it had made itself."""
    made = (files.where for files in reports if files.where and {"prove.json", "verdict.json"} & files.files.keys())
    return next(made, "")


def _store(url: str | None, notes: list[str]) -> tuple[dict[str, Any], tuple[Mapping[str, Any], ...]]:
    """The figures in the store of production, and the removals of persons; both empty where there is no store.

    A store that cannot be reached from here is noted.
    """
    if not url:
        return {}, ()
    try:
        store = Store(url)
        latest = json.loads(store.read(LATEST)) if store.has(LATEST) else {}
        lines = store.read(AUDIT).decode().splitlines() if store.has(AUDIT) else []
        return latest, tuple(json.loads(line) for line in lines)
    except StoreError as error:
        notes.append(f"the store of production is not known here: {error}")
        return {}, ()
    except ValueError as error:
        raise YardError(f"{LATEST} or {AUDIT} in the store is no JSON: {error}; run `{MONITOR}` again") from None


def _newest(reports: tuple[RunFiles, ...], store: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The figures up to the latest time, and the file that has them."""
    found: list[tuple[Mapping[str, Any], str]] = [
        (content, files.trace("monitor.json", "").where) for files, content in with_object(reports, "monitor.json")
    ]
    found += [(store, f"{LATEST} of the store")] if store else []
    return max(found, key=lambda one: str(one[0].get("until", "")), default=({}, ""))


def objects(evidence: PracticeEvidence, name: str) -> Iterator[tuple[RunFiles, dict[str, Any]]]:
    """Each report of one name, those here first."""
    return with_object(evidence.reports, name)
