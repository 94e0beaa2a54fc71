"""The section `canary` of `policy.yaml`: the evidence on which a new version replaces the one in service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Lt

from ..errors import ContractError
from ..runtime.column import STRICT

Share = Annotated[float, Gt(0), Lt(1)]


@dataclass(frozen=True)
class Rates:
    """How many more requests than stable's may fail, as a share: no harm up to `tolerated`, harm from `worse` on."""

    __pydantic_config__: ClassVar = STRICT

    tolerated: Share = 0.002
    worse: Share = 0.03

    def __post_init__(self) -> None:
        _ordered("canary.errors", self.tolerated, self.worse)


@dataclass(frozen=True)
class Slow:
    """Like `Rates`, for the share of requests that take longer than `milliseconds`."""

    __pydantic_config__: ClassVar = STRICT

    milliseconds: Annotated[float, Gt(0)] = 100.0
    tolerated: Share = 0.02
    worse: Share = 0.1

    def __post_init__(self) -> None:
        _ordered("canary.latency", self.tolerated, self.worse)


@dataclass(frozen=True)
class Shift:
    """How far the distribution of scores may be from stable's: the largest difference of the two cumulative shares.

    Two models never score alike, so a distance up to `tolerated` is accepted; one from `worse` on must be detected.
    """

    __pydantic_config__: ClassVar = STRICT

    tolerated: Share = 0.1
    worse: Share = 0.25

    def __post_init__(self) -> None:
        _ordered("canary.shift", self.tolerated, self.worse)


@dataclass(frozen=True)
class Canary:
    """How a new version is tried on live requests.

    weights: the percentages of requests that it gets, one after the other, each for an equal part of `requests`.
    Without weights it is promoted when it passes the smoke test. requests: how many it must answer before it is
    promoted. most: it is rolled back if so many requests have not shown that it does no harm; more than `requests` are
    needed if stable fails requests too. minutes: it is rolled back if the requests have not arrived in this time.
    alpha: the highest probability of rolling back a version that does no harm. beta: the highest probability of
    promoting one that does as much harm as `worse` says. shift None: scores are not compared.
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
