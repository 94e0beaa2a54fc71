"""The levels of maturity that Google and Microsoft describe, each by the items that it asks for.

Google Cloud, "MLOps: Continuous delivery and automation pipelines in machine learning": level 0 is a process by hand,
level 1 retrains by an automated pipeline, level 2 also builds, tests and deploys that pipeline so. Microsoft, "Machine
Learning operations maturity model": 0 none, 1 DevOps but no MLOps, 2 automated training, 3 automated deployment of
models, 4 all of it, with retraining by what production says. Which items stand for a level is this library's choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .found import POINTS, JudgedItem, State

# For each level from 1 on, the items and the least state that each must have
GOOGLE: tuple[Mapping[str, State], ...] = (
    {
        "schema": "automated",
        "reproducible": "automated",
        "validated": "automated",
        "staleness": "automated",
        "inputs": "by hand",
        "quality": "by hand",
    },
    {
        "features": "automated",
        "model_code": "automated",
        "integrated": "automated",
        "canary": "automated",
        "rollback": "by hand",
    },
)
MICROSOFT: tuple[Mapping[str, State], ...] = (
    {"features": "automated", "model_code": "automated"},
    {"schema": "automated", "reproducible": "automated", "simpler": "by hand"},
    {"integrated": "automated", "validated": "automated", "canary": "automated", "rollback": "by hand"},
    {"inputs": "automated", "skew": "automated", "staleness": "automated", "quality": "automated"},
)


@dataclass(frozen=True)
class Level:
    """The level that was reached, of `top`. held_back: the items that the next one lacks, by their names."""

    of: str
    reached: int
    top: int
    held_back: tuple[str, ...]

    def __str__(self) -> str:
        if not self.held_back:
            return f"{self.of}: level {self.reached}, the highest"
        return (
            f"{self.of}: level {self.reached} of {self.top}; level {self.reached + 1} lacks {', '.join(self.held_back)}"
        )


def levels(judged: Iterable[JudgedItem]) -> list[Level]:
    """The level of each of the two, by the items."""
    by_key = {one.key: one for one in judged}
    return [_level("Google", GOOGLE, by_key), _level("Microsoft", MICROSOFT, by_key)]


def _level(of: str, steps: tuple[Mapping[str, State], ...], judged: Mapping[str, JudgedItem]) -> Level:
    for number, step in enumerate(steps):
        held_back = [
            f"{judged[key].name.lower()} ({judged[key].state}, {wanted} is needed)"
            for key, wanted in step.items()
            if judged[key].points < POINTS[wanted]
        ]
        if held_back:
            return Level(of, number, len(steps), tuple(held_back))
    return Level(of, len(steps), len(steps), ())
