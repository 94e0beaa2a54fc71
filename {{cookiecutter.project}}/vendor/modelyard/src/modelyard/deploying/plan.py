"""What to do next in a stage, from its state alone, so that whoever comes after a deployment that was killed goes on.

Each step leaves a state in which something serves, where something did before: a container is replaced only while the
other has all requests. A plan is followed by asking for the next step until there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from .state import Name, Release, State

ALL_STABLE = (100, 0)
ALL_CANARY = (0, 100)
LONGEST = 5  # releases that a container remembers
MOST_STEPS = 12  # no plan has more; a state that changes by itself must not keep us for ever


@dataclass(frozen=True)
class Start:
    """Make a variant's container, in place of the one that is there, and see that it serves and answers rightly."""

    name: Name
    release: Release
    history: tuple[Release, ...]


@dataclass(frozen=True)
class Shift:
    """Give the variants these weights, and wait until one that gets nothing has answered what it had."""

    weights: tuple[int, int]


@dataclass(frozen=True)
class Remove:
    """Remove a variant's container."""

    name: Name


Step = Start | Shift | Remove


def serve(state: State, release: Release) -> Step | None:
    """The next step to where stable alone serves a release; None there."""
    stable, canary = state.stable, state.canary
    if stable and stable.serving and stable.release == release:
        return _alone(state)
    if not (canary and canary.serving):
        if stable and stable.serving:
            if canary:
                return Remove("canary") if state.weights == ALL_STABLE else Shift(ALL_STABLE)
            return Start("canary", release, _before(state, release))
        return Start("stable", release, _before(state, release))
    if state.weights == ALL_CANARY:
        return Start("stable", release, _before(state, release))
    if canary.release == release or not (stable and stable.serving):
        return Shift(ALL_CANARY)
    return _alone(state)


def home(state: State) -> Release | None:
    """What stable served before the canary came, or serves where there is none; None where there is nothing."""
    stable, canary = state.stable, state.canary
    if canary and canary.history:
        return canary.history[0]
    if stable and stable.serving:
        return stable.release
    return canary.release if canary else None


def _alone(state: State) -> Step | None:
    if state.weights != ALL_STABLE:
        return Shift(ALL_STABLE)
    return Remove("canary") if state.canary else None


def _before(state: State, release: Release) -> tuple[Release, ...]:
    """What was served before a release, the last first: what it replaces, or what was there when it served before."""
    known: tuple[Release, ...] = state.canary.history if state.canary else ()
    if state.stable:
        known = (state.stable.release, *state.stable.history)
    return known[known.index(release) + 1 :] if release in known else known[:LONGEST]
