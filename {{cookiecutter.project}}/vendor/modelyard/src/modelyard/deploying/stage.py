"""A stage on any target: what can be done in it, and how the steps of a plan are taken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .failure import DeployError
from .metrics import Traffic
from .plan import MOST_STEPS, Remove, SetWeights, Start, Step
from .state import DeployedVersion, Name, State, Variant

PORT = 8000  # at which a variant listens


class StageAgent(Protocol):
    """Sends requests to the variants from inside a stage."""

    def ask(self, **task: Any) -> dict[str, Any]:
        """The answer of a variant to a request, see inside.py; `host` is the variant's address. Raises DeployError."""

    def ask_routed(self, name: Name, **task: Any) -> dict[str, Any]:
        """As `ask`, by the route of clients' requests, but to this variant. Raises DeployError."""

    def idle(self, seconds: float) -> None:
        """Wait, but keep the lock."""


class DeployStage(ABC):
    """A stage of the project; each method raises DeployError where it fails.

    project: its name, for messages. headers: the credentials for requests to the service. say: shows a line to people.
    """

    project: str
    agent: StageAgent
    headers: Mapping[str, str]
    say: Callable[[str], None]

    @abstractmethod
    def read(self) -> State:
        """The state, read from the place where the stage runs."""

    @abstractmethod
    def start(self, name: Name, release: DeployedVersion, history: tuple[DeployedVersion, ...]) -> None:
        """Do what `Start` says."""

    @abstractmethod
    def shift(self, weights: tuple[int, int]) -> None:
        """Set the router's weights of stable and canary."""

    @abstractmethod
    def drain(self, weights: tuple[int, int]) -> None:
        """Do what `SetWeights` says: set the weights, and wait until a variant with none has answered its requests."""

    @abstractmethod
    def remove(self, name: Name) -> None:
        """Do what `Remove` says."""

    @abstractmethod
    def traffic(self) -> Mapping[str, Traffic]:
        """The requests of clients to each variant until now."""

    @abstractmethod
    def smoke(self, name: Name, variant: Variant) -> list[str]:
        """What the smoke test of a variant checked, a line each; DeployError names the first check that failed."""

    def follow(self, plan: Callable[[State], Step | None]) -> State:
        """Take the steps of a plan until there is none left; the state then."""
        for _ in range(MOST_STEPS):
            state = self.read()
            step = plan(state)
            if step is None:
                return state
            self.take(step)
        raise DeployError(
            f"{self.project} is not as planned after {MOST_STEPS} steps; look at it with `make deploy ARGS=status`"
        )

    def take(self, step: Step) -> None:
        """Take one step."""
        match step:
            case Start(name, release, history):
                self.say(f"start {name} with {release}")
                self.start(name, release, history)
            case SetWeights(weights):
                self.say(f"give stable {weights[0]} % of requests and canary {weights[1]} %")
                self.drain(weights)
            case Remove(name):
                self.say(f"remove {name}")
                self.remove(name)
