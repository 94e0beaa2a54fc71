"""The sections `monitor` and `retrain` of `policy.yaml`: how production is watched, and when the model is made anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Lt

from ..errors import ContractError
from ..runtime.column import STRICT

Share = Annotated[float, Gt(0), Lt(1)]
Days = Annotated[int, Ge(1)]

Cause = Literal["schedule", "data", "drift", "performance"]


@dataclass(frozen=True)
class Alarm:
    """An alarm is raised when `windows` of the last `of` windows are beyond their limit."""

    __pydantic_config__: ClassVar = STRICT

    windows: Annotated[int, Ge(1)] = 2
    of: Annotated[int, Ge(1)] = 3

    def __post_init__(self) -> None:
        if self.windows > self.of:
            raise ContractError(f"monitor.alarm: windows is {self.windows} of {self.of}; it must not be more than `of`")


@dataclass(frozen=True)
class Monitor:
    """How production is watched.

    store: the folder or URL to which logs are shipped (None: nothing is watched). labels: the CSV or Parquet files that
    say what happened, with the ids and the target of the contract (None: the source of params.yaml). maturity_days: how
    long after an answer its label counts as late. window_days: the length of one window. alpha: the share of windows
    without any change in which something is found, all tests together. effect: the smallest distance between two
    distributions that matters (Kolmogorov-Smirnov or total variation). margin: the smallest loss of performance that
    matters, in the primary metric's unit. coverage: the share of rows with a label below which no performance is
    stated. keep_days: after so many days rows are removed from the store (None: never).
    """

    __pydantic_config__: ClassVar = STRICT

    store: str | None = None
    labels: str | None = None
    maturity_days: Annotated[int, Ge(0)] = 7
    window_days: Days = 7
    alarm: Alarm = field(default_factory=Alarm)
    alpha: Share = 0.01
    effect: Share = 0.1
    margin: Annotated[float, Ge(0)] = 0.01
    coverage: Share = 0.8
    keep_days: Days | None = 400


@dataclass(frozen=True)
class Retrain:
    """When the model is made anew, as a pull request.

    causes: what may start it; a person always may. every_days: for the cause `schedule`, so long after the last time.
    tune: whether settings are searched for again. alpha: the share of usual periods in which the check before training
    may find something odd, all tests together.
    """

    __pydantic_config__: ClassVar = STRICT

    causes: list[Cause] = field(default_factory=lambda: ["data", "drift", "performance"])
    every_days: Days = 30
    tune: bool = False
    alpha: Share = 0.01
