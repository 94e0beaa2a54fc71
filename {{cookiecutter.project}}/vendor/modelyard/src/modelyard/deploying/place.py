"""What a stage is to those who deploy to it: `compose.stage.Stage` on a Docker host, `kubernetes.cluster.Cluster`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .plan import Step
from .state import Name, State, Variant

PORT = 8000  # at which a variant listens


class Agent(Protocol):
    """Our hand inside a stage."""

    def ask(self, **task: Any) -> dict[str, Any]:
        """The answer to a request of a variant, see inside.py. Raises DeployError."""

    def idle(self, seconds: float) -> None:
        """Wait, but keep the lock."""


class Place(Protocol):
    """A stage. headers: what lets us ask the service."""

    @property
    def project(self) -> str:
        """Its name, for messages."""

    @property
    def agent(self) -> Agent:
        """Our hand in it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What lets us ask the service."""

    @property
    def say(self) -> Callable[[str], None]:
        """Tells a person what is done."""

    def read(self) -> State:
        """The state, from where it runs."""

    def follow(self, plan: Callable[[State], Step | None]) -> State:
        """Take the steps of a plan until there is none left; the state then. Raises DeployError."""

    def shift(self, weights: tuple[int, int]) -> None:
        """Set the router's weights of stable and canary. Raises DeployError."""

    def statistics(self) -> dict[str, dict[str, str]]:
        """What the router, or what stands for it, counted for each variant, as HAProxy names it."""

    def smoke(self, name: Name, variant: Variant) -> list[str]:
        """What the smoke test of a variant checked. Raises DeployError with the first check that failed."""
