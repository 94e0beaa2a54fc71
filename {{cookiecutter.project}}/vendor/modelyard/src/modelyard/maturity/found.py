"""What is found about an item: traces that runs left, what is missing, and the state that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["automated", "by hand", "missing"]
POINTS: dict[State, float] = {"automated": 1.0, "by hand": 0.5, "missing": 0.0}


@dataclass(frozen=True)
class Trace:
    """What a run has left.

    what: in words. where: the file, tag, commit or run that says so. when: a day or time in ISO format, empty if it is
    not known. automated: whether a workflow ran it; else a person did.
    """

    what: str
    where: str
    when: str = ""
    automated: bool = False


@dataclass(frozen=True)
class Lack:
    """What no run has left, and the command that would have it done."""

    what: str
    command: str = ""


Part = Trace | Lack


def best(*alternatives: Part) -> Part:
    """The alternative that says most: a workflow's trace, else a person's, else the first that is there."""
    ranked = [one for one in alternatives if isinstance(one, Trace)]
    return next((one for one in ranked if one.automated), ranked[0] if ranked else alternatives[0])


@dataclass(frozen=True)
class JudgedItem:
    """An item with its parts as they were found. workflow: what would automate a part that a person ran."""

    key: str
    section: str
    name: str
    workflow: Lack
    parts: tuple[Part, ...]

    @property
    def traces(self) -> list[Trace]:
        """What runs have left."""
        return [part for part in self.parts if isinstance(part, Trace)]

    @property
    def lacks(self) -> list[Lack]:
        """What is missing for the whole point."""
        lacks = [part for part in self.parts if isinstance(part, Lack)]
        is_by_hand = any(not trace.automated for trace in self.traces)
        return [*lacks, self.workflow] if is_by_hand else lacks

    @property
    def state(self) -> State:
        """`automated` if workflows left all parts, `by hand` if some part is there, else `missing`."""
        if not self.traces:
            return "missing"
        return "by hand" if self.lacks else "automated"

    @property
    def points(self) -> float:
        """What it adds to its section's sum: 0, 0.5 or 1."""
        return POINTS[self.state]


def score(judged: Sequence[JudgedItem]) -> tuple[float, dict[str, float]]:
    """The final score, which is the least sum of a section, and the sum of each section."""
    sums: dict[str, float] = {}
    for one in judged:
        sums[one.section] = sums.get(one.section, 0.0) + one.points
    return min(sums.values(), default=0.0), sums
