"""What to do next in a stage, from its state alone, so that the next deployment continues one that was killed.

If something serves before a step, something serves after it: a variant is replaced only while the other gets all
requests. A plan is followed by asking for the next step until there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from .state import DeployedVersion, Name, State

ALL_STABLE = (100, 0)
ALL_CANARY = (0, 100)
LONGEST = 5  # releases that a variant remembers
MOST_STEPS = 12  # no plan has more; stops if the state keeps changing by itself


@dataclass(frozen=True)
class Start:
    """Start a variant, in place of what runs there, and see that it serves and answers rightly."""

    name: Name
    release: DeployedVersion
    history: tuple[DeployedVersion, ...]


@dataclass(frozen=True)
class SetWeights:
    """Give the variants these weights, and wait until one without requests has answered those that it had."""

    weights: tuple[int, int]


@dataclass(frozen=True)
class Remove:
    """Remove a variant."""

    name: Name


Step = Start | SetWeights | Remove


def serve(state: State, release: DeployedVersion) -> Step | None:
    """The next step towards stable alone serving a release; None if it does."""
    stable, canary = state.stable, state.canary
    if stable and stable.serving and stable.release == release:
        return _alone(state)
    if not (canary and canary.serving):
        if stable and stable.serving:
            if canary:
                return Remove("canary") if state.weights == ALL_STABLE else SetWeights(ALL_STABLE)
            return Start("canary", release, _history(state, release))
        return Start("stable", release, _history(state, release))
    if state.weights == ALL_CANARY:
        return Start("stable", release, _history(state, release))
    if canary.release == release or not (stable and stable.serving):
        return SetWeights(ALL_CANARY)
    return _alone(state)


def previous_release(state: State) -> DeployedVersion | None:
    """The release to restore: the one before the canary, else stable's, else the canary's own; None without any."""
    stable, canary = state.stable, state.canary
    if canary and canary.history:
        return canary.history[0]
    if stable and stable.serving:
        return stable.release
    return canary.release if canary else None


def _alone(state: State) -> Step | None:
    if state.weights != ALL_STABLE:
        return SetWeights(ALL_STABLE)
    return Remove("canary") if state.canary else None


def _history(state: State, release: DeployedVersion) -> tuple[DeployedVersion, ...]:
    """The releases that served before a release, the latest first."""
    earlier: tuple[DeployedVersion, ...] = state.canary.history if state.canary else ()
    if state.stable:
        earlier = (state.stable.release, *state.stable.history)
    return earlier[earlier.index(release) + 1 :] if release in earlier else earlier[:LONGEST]
