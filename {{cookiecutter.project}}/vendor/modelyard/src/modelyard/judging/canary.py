"""The section `canary` of `policy.yaml`: on what evidence a new version takes over from the one that serves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Lt

from ..runtime.contract import STRICT, ContractError

Share = Annotated[float, Gt(0), Lt(1)]


@dataclass(frozen=True)
class Rates:
    """How much more requests than stable's may fail, as a share: up to `tolerated` no harm, from `worse` on harm."""

    __pydantic_config__: ClassVar = STRICT

    tolerated: Share = 0.002
    worse: Share = 0.03

    def __post_init__(self) -> None:
        _ordered("canary.errors", self.tolerated, self.worse)


@dataclass(frozen=True)
class Slow:
    """As `Rates`, of the share of requests that take longer than `milliseconds`."""

    __pydantic_config__: ClassVar = STRICT

    milliseconds: Annotated[float, Gt(0)] = 100.0
    tolerated: Share = 0.02
    worse: Share = 0.1

    def __post_init__(self) -> None:
        _ordered("canary.latency", self.tolerated, self.worse)


@dataclass(frozen=True)
class Shift:
    """How far the distribution of scores may be from stable's: the largest difference of the two cumulated shares.

    Two models are never the same, so a distance up to `tolerated` is none; one from `worse` on is to be found.
    """

    __pydantic_config__: ClassVar = STRICT

    tolerated: Share = 0.1
    worse: Share = 0.25

    def __post_init__(self) -> None:
        _ordered("canary.shift", self.tolerated, self.worse)


@dataclass(frozen=True)
class Canary:
    """How a new version is tried on live requests.

    weights: the percentages of requests that it gets, one after the other, each for an equal part of `requests`, which
    is how many it answers at least before it is promoted. Without weights it is promoted when it passes the smoke test.
    most: where so many requests have not shown that it does no harm, it is rolled back; more are needed than `requests`
    where stable fails requests too. minutes: in these the requests must have come, or it is rolled back.
    alpha: how often, at most, a version that does no harm is rolled back. beta: how often, at most, one is promoted
    that does as much harm as `worse` says. shift None: scores are not compared.
    """

    __pydantic_config__: ClassVar = STRICT

    weights: tuple[Annotated[int, Ge(1), Lt(100)], ...] = (10, 50)
    requests: Annotated[int, Ge(100)] = 500
    most: int = 2000
    minutes: Annotated[float, Gt(0)] = 30.0
    alpha: Share = 0.05
    beta: Share = 0.05
    errors: Rates = field(default_factory=Rates)
    latency: Slow = field(default_factory=Slow)
    shift: Shift | None = field(default_factory=Shift)

    def __post_init__(self) -> None:
        if list(self.weights) != sorted(set(self.weights)):
            raise ContractError(f"canary.weights is {list(self.weights)}: percentages that rise are needed")
        if self.most < self.requests:
            raise ContractError(f"canary.most is {self.most}: at least canary.requests, {self.requests}, is needed")


def _ordered(key: str, tolerated: float, worse: float) -> None:
    if tolerated >= worse:
        raise ContractError(f"{key}: tolerated is {tolerated:g}: it must be below worse, which is {worse:g}")
