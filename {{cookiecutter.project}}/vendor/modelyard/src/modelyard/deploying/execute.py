"""Takes the steps of a plan, whatever the stage runs on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from .failure import DeployError
from .plan import MOST_STEPS, Remove, Shift, Start, Step
from .state import Name, Release, State


class Executor(ABC):
    """A stage that a plan is followed in. Each step raises DeployError where it fails."""

    project: str
    say: Callable[[str], None]

    @abstractmethod
    def read(self) -> State:
        """The state, from where it runs."""

    @abstractmethod
    def start(self, name: Name, release: Release, history: tuple[Release, ...]) -> None:
        """Do what `Start` says."""

    @abstractmethod
    def drain(self, weights: tuple[int, int]) -> None:
        """Do what `Shift` says."""

    @abstractmethod
    def remove(self, name: Name) -> None:
        """Do what `Remove` says."""

    def follow(self, plan: Callable[[State], Step | None]) -> State:
        """Take the steps of a plan until there is none left; the state then. Raises DeployError where one fails."""
        for _ in range(MOST_STEPS):
            state = self.read()
            step = plan(state)
            if step is None:
                return state
            self.take(step)
        raise DeployError(f"{self.project} is not what was planned after {MOST_STEPS} steps; see `ops deploy status`")

    def take(self, step: Step) -> None:
        """Take one step. Raises DeployError where it fails."""
        match step:
            case Start(name, release, history):
                self.say(f"start {name} with {release}")
                self.start(name, release, history)
            case Shift(weights):
                self.say(f"give stable {weights[0]} % of requests and canary {weights[1]} %")
                self.drain(weights)
            case Remove(name):
                self.say(f"remove {name}")
                self.remove(name)
