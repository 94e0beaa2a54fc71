"""Watch a canary on live requests until its trial is decided."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..judging.canary import Canary
from .failure import DeployError
from .metrics import counts
from .stage import PORT, DeployStage
from .state import NAMES, Name, State, Variant
from .trial import Counts, Trial, TrialDecision, judge, weight_at

PAUSE = 1.0  # seconds between two looks


@dataclass(frozen=True)
class Sight:
    """The counts of both variants at one moment."""

    canary: Counts
    stable: Counts


def watch(stage: DeployStage, policy: Canary) -> tuple[TrialDecision, list[TrialDecision]]:
    """The final decision on a stage's canary, and all decisions of its trial, one for each change of the counts.

    Sets the router's weights during the trial; the caller carries out the decision. Raises DeployError if the stage
    cannot be read.
    """
    began = time.monotonic()
    first = stage.read()
    trial, weight, reported, previous = Trial(), 0, -1, look(stage, policy, first)
    decisions: list[TrialDecision] = []
    while True:
        wanted = weight_at(policy, trial.canary.requests)
        if wanted != weight:
            stage.shift((100 - wanted, wanted))
            weight = wanted
            stage.say(f"give stable {100 - wanted} % of requests and canary {wanted} %")
        stage.agent.idle(PAUSE)
        state = stage.read()
        if reason := fell(first, state):
            decision = TrialDecision("roll back", reason, weight, requests=trial.canary.requests)
        else:
            current = look(stage, policy, state)
            trial = trial.plus(current.canary.since(previous.canary), current.stable.since(previous.stable))
            previous = current
            trial, decision = judge(policy, trial, (time.monotonic() - began) / 60)
        if decision.word != "go on" or decision.requests != reported:
            decisions.append(decision)
            stage.say(str(decision))
            reported = decision.requests
        if decision.word != "go on":
            return decision, decisions


def fell(first: State, current: State) -> str | None:
    """Why the canary is no longer the one on trial; None if it is."""
    if first.canary is None or current.canary is None:
        return "the canary is gone"
    if current.canary.started != first.canary.started or current.canary.instance != first.canary.instance:
        return "the canary ended and was started again"
    if not current.canary.serving:
        return f"the canary does not serve any more: {current.canary.status}"
    return None


def look(stage: DeployStage, policy: Canary, state: State) -> Sight:
    """The counts of both variants. Raises DeployError if they cannot be read."""
    traffic = stage.traffic()

    def count(name: Name, variant: Variant | None) -> Counts:
        if variant is None:
            raise DeployError(f"there is no {name}, so there is nothing to compare; run `make deploy ARGS=status`")
        answer = stage.agent.ask(host=variant.address, port=PORT, path="/metrics", headers=dict(stage.headers))
        if answer["status"] != 200:
            raise DeployError(
                f"{name}: /metrics answered {answer['status']}; set DEPLOY_API_KEY to a key that may read"
            )
        return counts(answer["text"], traffic[name], policy.latency.milliseconds)

    return Sight(**{name: count(name, getattr(state, name)) for name in NAMES})
