"""The plans are run from every state that a stage can be found in, and from every point at which one may be killed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from modelyard.deploying.plan import (
    ALL_CANARY,
    ALL_STABLE,
    LONGEST,
    MOST_STEPS,
    Remove,
    SetWeights,
    Start,
    Step,
    previous_release,
    serve,
)
from modelyard.deploying.state import DeployedVersion, State, Variant

OLD, NEW, OTHER, OLDER = (DeployedVersion(f"image@{name}", name) for name in ("1.1.0", "1.2.0", "1.1.5", "1.0.0"))
Plan = Callable[[State], Step | None]


def to(release: DeployedVersion) -> Plan:
    return lambda state: serve(state, release)


def variant(release: DeployedVersion, *history: DeployedVersion, serving: bool = True) -> Variant:
    return Variant(release, history, serving)


def take(state: State, step: Step) -> State:
    """The state after a step that succeeds."""
    match step:
        case Start(name, release, history):
            made = Variant(release, history, True)
            return replace(state, stable=made) if name == "stable" else replace(state, canary=made)
        case SetWeights(weights):
            return replace(state, weights=weights)
        case Remove("canary"):
            return replace(state, canary=None)
    raise AssertionError(step)


def follow(state: State, plan: Plan) -> list[State]:
    """All states on the way to where there is nothing left to do."""
    states = [state]
    while step := plan(states[-1]):
        states.append(take(states[-1], step))
        assert len(states) <= MOST_STEPS, states
    return states


def answered(state: State) -> bool:
    """Whether requests that arrive now are answered: whoever has weight serves."""
    variants = (state.stable, state.canary)
    return all(one and one.serving for one, weight in zip(variants, state.weights, strict=True) if weight)


def every_state() -> Iterator[State]:
    stables = [None, *(variant(one, OLDER, serving=up) for one in (OLD, NEW) for up in (True, False))]
    canaries = [None, *(variant(one, OLD, OLDER, serving=up) for one in (NEW, OTHER) for up in (True, False))]
    for stable, canary, weights in itertools.product(stables, canaries, (ALL_STABLE, (90, 10), (50, 50), ALL_CANARY)):
        yield State(stable, canary, weights)


@pytest.mark.parametrize("goal", [OLD, NEW])
def test_from_every_state_stable_alone_serves_in_the_end(goal: DeployedVersion) -> None:
    for state in every_state():
        end = follow(state, to(goal))[-1]
        assert end.stable
        assert end.stable.release == goal
        assert end.stable.serving
        assert (end.canary, end.weights) == (None, ALL_STABLE), state


@pytest.mark.parametrize("goal", [OLD, NEW, None])
def test_what_is_answered_stays_answered_after_every_step(goal: DeployedVersion | None) -> None:
    for state in every_state():
        was = False
        for now in follow(state, to(goal or previous_release(state) or OLD)):
            assert answered(now) or not was, (state, now)
            was = answered(now)


def test_while_a_container_is_replaced_the_other_answers_all() -> None:
    for state, goal in itertools.product(every_state(), (OLD, NEW)):
        for now in follow(state, to(goal)):
            step = serve(now, goal)
            if isinstance(step, Start) and answered(now):
                other, weight = (now.canary, 0) if step.name == "stable" else (now.stable, 1)
                assert other
                assert other.serving
                assert now.weights[weight] == 0, (state, now, step)


def test_a_promotion_that_was_killed_anywhere_can_be_finished_or_undone() -> None:
    began = State(variant(OLD, OLDER))
    for killed in follow(began, to(NEW)):
        finished = follow(killed, to(NEW))[-1]
        assert finished.stable == variant(NEW, OLD, OLDER)
        before = previous_release(killed)
        assert before == (OLD if killed.canary or killed is began else NEW), killed
        assert follow(killed, to(before))[-1].stable == variant(before, *((OLDER,) if before == OLD else (OLD, OLDER)))


def test_a_healthy_promotion_takes_these_steps() -> None:
    steps, state = [], State(variant(OLD))
    while step := serve(state, NEW):
        steps.append(step)
        state = take(state, step)
    assert steps == [
        Start("canary", NEW, (OLD,)),
        SetWeights(ALL_CANARY),
        Start("stable", NEW, (OLD,)),
        SetWeights(ALL_STABLE),
        Remove("canary"),
    ]


def test_a_canary_is_taken_away_before_it_is_removed() -> None:
    state = State(variant(OLD), variant(NEW, OLD), (90, 10))
    assert serve(state, OLD) == SetWeights(ALL_STABLE)
    assert serve(replace(state, weights=ALL_STABLE), OLD) == Remove("canary")


def test_the_first_version_needs_no_canary() -> None:
    assert serve(State(), NEW) == Start("stable", NEW, ())
    assert previous_release(State()) is None
    assert previous_release(State(variant(NEW, serving=False))) is None


def test_going_back_forgets_what_was_gone_back_from() -> None:
    end = follow(State(variant(NEW, OLD, OLDER)), to(OLD))[-1]
    assert end.stable == variant(OLD, OLDER)


def test_no_more_releases_are_remembered_than_are_of_use() -> None:
    many = tuple(DeployedVersion(f"image@{number}", str(number)) for number in range(9))
    step = serve(State(variant(OLD, *many)), NEW)
    assert isinstance(step, Start)
    assert len(step.history) == LONGEST


def test_a_canary_that_remembers_nothing_gives_way_to_stable() -> None:
    assert previous_release(State(variant(OLD), variant(NEW))) == OLD
    assert previous_release(State(None, variant(NEW))) == NEW
