"""What the registry's tags say: how versions were judged and proven, tried in production, and taken back."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from ..deploying.trial import PROMOTED
from ..releasing.registry.candidate import project_metadata
from ..releasing.registry.registry import Assignment, Registry, faults, read_registry
from ..releasing.registry.tags import Tag, read_tags
from .found import Lack, Part, Trace

RUN = re.compile(r"https?://[^/\s]+/([^/\s]+/[^/\s]+)/actions/runs/[0-9]+(/attempts/[0-9]+)?")
PRODUCTION = "production"
RELEASE = "git tag -a v1.0.0, and git push origin v1.0.0"


class Releases:
    """The registry of the project's model. repository: owner/name, to which runs must belong; empty if not known."""

    def __init__(self, root: Path, repository: str) -> None:
        self.registry: Registry = read_registry(read_tags(root), project_metadata(root)["name"])
        self.repository = repository
        self.faults = faults(self.registry)

    @property
    def run(self) -> str:
        """The run that registered the last version; empty if a person did, or if there is none."""
        last = None if self.faults else self.registry.last
        return last.tag.one("Run") if last and self._automated(last.tag) else ""

    def gate(self) -> Part:
        """The gate's verdict on the last version that was released."""
        return self._of_version("Verdict", ("ships: ",), "the gate judged {version}: {value}", "gate")

    def proof(self) -> Part:
        """The proof of the last version that was released."""
        proven = ("identical: ", "equivalent: ")
        return self._of_version("Proof", proven, "{version} was retrained from its source: {value}", "prove")

    def canary(self) -> Part:
        """The trial of the version that came into production last, unless it was one that had served before."""
        if broken := self._broken():
            return broken
        newest = next((one for one in reversed(self._production()) if not self._came_back(one)), None)
        if newest is None:
            return Lack("no version was registered as live in production", "make deploy ARGS='canary --help'")
        verdict = newest.tag.one("Verdict")
        if not PROMOTED.search(verdict):
            lacking = (
                f"{newest.tag.one('Version')} came into production without a trial: {verdict or 'no reason given'}"
            )
            return Lack(lacking, "make deploy ARGS='canary --help'")
        return self._trace(newest.tag, f"{newest.tag.one('Version')} was tried on live requests: {verdict}")

    def rollback(self) -> Part:
        """The last time that production went back to a version that had served before."""
        if broken := self._broken():
            return broken
        back = next(filter(self._came_back, reversed(self._production())), None)
        if back is None:
            lacking = "production never went back to an earlier version, so nobody has seen that it can"
            return Lack(lacking, "make deploy ARGS=rollback")
        return self._trace(back.tag, f"production went back to {back.tag.one('Version')}: {back.tag.one('Verdict')}")

    def _of_version(self, key: str, passed: tuple[str, ...], words: str, verb: str) -> Part:
        if broken := self._broken():
            return broken
        last = self.registry.last
        if last is None:
            return Lack("no version was released", RELEASE)
        value = last.tag.one(key)
        if not value.startswith(passed):
            found = f"says {value!r}" if value else "says nothing of it"
            return Lack(f"the tag {last.tag.name} {found} (`{key}`)", f"make {verb}")
        return self._trace(last.tag, words.format(version=last.version.tag, value=value))

    def _production(self) -> list[Assignment]:
        return self.registry.of(PRODUCTION)

    def _came_back(self, one: Assignment) -> bool:
        before = [other.version for other in self._production() if other.number < one.number]
        return one.version in before

    def _broken(self) -> Lack | None:
        if not self.faults:
            return None
        return Lack(f"the registry's tags are not believed: {self.faults[0]}", "make history")

    def _automated(self, tag: Tag) -> bool:
        run = RUN.fullmatch(tag.one("Run"))
        return run is not None and self.repository in ("", run[1])

    def _trace(self, tag: Tag, what: str) -> Trace:
        when = datetime.fromtimestamp(tag.time, UTC).isoformat().replace("+00:00", "Z")
        automated = self._automated(tag)
        where = f"tag {tag.name}" + (f", by {tag.one('Run')}" if automated else "")
        return Trace(what, where, when, automated)
