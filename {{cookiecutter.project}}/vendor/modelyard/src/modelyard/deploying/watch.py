"""Watch a canary on live requests until its trial is decided."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..judging.canary import Canary
from .failure import DeployError
from .metrics import counts
from .place import PORT, Place
from .state import NAMES, Name, State, Variant
from .trial import Counts, Decision, Trial, judge, weight_at

PAUSE = 1.0  # seconds between two looks


@dataclass(frozen=True)
class Sight:
    """What both variants had counted at one moment."""

    canary: Counts
    stable: Counts


def watch(stage: Place, policy: Canary) -> tuple[Decision, list[Decision]]:
    """The decision on the canary that stands in a stage, and those that went before, one for each change of a count.

    The router's weights follow the trial; what comes of the canary is left to the caller. Raises DeployError where the
    stage cannot be seen.
    """
    began = time.monotonic()
    first = stage.read()
    trial, weight, told, seen = Trial(), 0, -1, look(stage, policy, first)
    decisions: list[Decision] = []
    while True:
        wanted = weight_at(policy, trial.canary.requests)
        if wanted != weight:
            stage.shift((100 - wanted, wanted))
            weight = wanted
            stage.say(f"give stable {100 - wanted} % of requests and canary {wanted} %")
        stage.agent.idle(PAUSE)
        state = stage.read()
        if reason := fell(first, state):
            decision = Decision("roll back", reason, weight, requests=trial.canary.requests)
        else:
            now = look(stage, policy, state)
            trial = trial.plus(now.canary.since(seen.canary), now.stable.since(seen.stable))
            seen = now
            trial, decision = judge(policy, trial, (time.monotonic() - began) / 60)
        if decision.word != "go on" or decision.requests != told:
            decisions.append(decision)
            stage.say(str(decision))
            told = decision.requests
        if decision.word != "go on":
            return decision, decisions


def fell(before: State, now: State) -> str | None:
    """Why the canary is no longer the one that was put on trial, None where it is."""
    if before.canary is None or now.canary is None:
        return "the canary's container is gone"
    if now.canary.started != before.canary.started or now.canary.container != before.canary.container:
        return "the canary's container ended and was started again"
    if not now.canary.serving:
        return f"the canary does not serve any more, its container is {now.canary.status}"
    return None


def look(stage: Place, policy: Canary, state: State) -> Sight:
    """What both have counted. Raises DeployError where stable's figures are not to be had."""
    lines = stage.statistics()

    def count(name: Name, variant: Variant | None) -> Counts:
        if variant is None:
            raise DeployError(f"there is no {name}, so there is nothing to compare; see `ops deploy status`")
        answer = stage.agent.ask(host=variant.address, port=PORT, path="/metrics", headers=dict(stage.headers))
        if answer["status"] != 200:
            raise DeployError(
                f"{name}: /metrics answered {answer['status']}; set DEPLOY_API_KEY to a key that may read"
            )
        return counts(answer["text"], lines[name], policy.latency.milliseconds)

    return Sight(**{name: count(name, getattr(state, name)) for name in NAMES})
