"""What is asked of a stage, whatever it runs on: to deploy, test, try, promote or roll back a version."""

from __future__ import annotations

from dataclasses import replace

from ..judging.policy import read_policy
from .failure import DeployError
from .place import Place
from .plan import home, serve
from .record import Record, describe
from .state import Release, State
from .watch import watch


def act(stage: Place, record: Record) -> None:
    """Do what the record says was asked, and say in it what came of that. Raises ContractError where it failed."""
    acts = {"status": _status, "smoke": _smoke, "promote": _promote, "rollback": _rollback, "staging": _serve}
    acts.get(record.action, _canary)(stage, record)
    try:
        state = stage.read()
    except DeployError:
        if record.result != "failed":
            raise
        return  # it has said why, and what to do
    record.serves = state.stable.release if state.stable and state.stable.serving else None


def _status(stage: Place, record: Record) -> None:
    record.result = "unchanged"
    for line in describe(stage.read()):
        record.say(line)


def _smoke(stage: Place, record: Record) -> None:
    stable = stage.read().stable
    if stable is None:
        raise DeployError(f"there is no stable in {stage.project}; deploy a version first")
    if record.release and record.release.image != stable.release.image:
        raise DeployError(f"{stage.project} serves {stable.release}, not {record.release}")
    for line in stage.smoke("stable", replace(stable, release=record.release or stable.release)):
        record.say(line)
    record.result, record.reason = "unchanged", f"{stable.release} answers as it should"


def _serve(stage: Place, record: Record, done: str = "deployed") -> None:
    """Bring the record's release to where it alone serves, or what served before back to there."""
    release = record.release
    assert release  # noqa: S101 - whoever calls has seen to it
    try:
        stage.follow(lambda state: serve(state, release))
    except DeployError as fault:
        _back(stage, record, str(fault))
        return
    record.result = "promoted" if done == "promoted" else "deployed"
    record.reason = f"{release} serves alone"


def _canary(stage: Place, record: Record) -> None:
    release = record.release
    assert release  # noqa: S101
    policy = read_policy().canary
    state = stage.read()
    if not (state.stable and state.stable.serving) or state.stable.release == release or not policy.weights:
        _serve(stage, record)
        return
    if state.canary and state.weights[0] == 0 and state.canary.release == release:
        record.say("its trial was decided before: going on with the promotion")
        _serve(stage, record, "promoted")
        return
    if state.canary and state.canary.release != release:
        record.say(f"another canary was left there, {state.canary.release}: it goes first")
        _home(stage, state)
    try:
        _start(stage, release)
        decision, record.decisions = watch(stage, policy)
    except DeployError as fault:
        _back(stage, record, str(fault))
        return
    if decision.word == "promote":
        _serve(stage, record, "promoted")
        if record.result == "promoted":  # what is registered as the verdict says on which evidence
            record.reason += f": {decision.reason}"
    else:
        _back(stage, record, decision.reason)


def _start(stage: Place, release: Release) -> None:
    """Have the canary there, ready and tested, where it is not yet."""
    state = stage.read()
    if state.canary and state.canary.serving:
        stage.say("the canary is there already: its trial begins anew")
        return
    stage.follow(lambda now: None if now.canary and now.canary.serving else serve(now, release))


def _promote(stage: Place, record: Record) -> None:
    if record.release is None:
        canary = stage.read().canary
        if canary is None:
            raise DeployError(f"there is no canary in {stage.project} to promote; give --image and --version")
        record.release = canary.release
    _serve(stage, record, "promoted")


def _rollback(stage: Place, record: Record) -> None:
    state = stage.read()
    if state.canary:
        _home(stage, state)
        record.result, record.reason = "deployed", f"the canary {state.canary.release} is gone"
        return
    if not state.stable or not state.stable.history:
        raise DeployError(f"{stage.project} remembers no earlier version; `ops deploy promote --image` brings any")
    record.release = state.stable.history[0]
    _serve(stage, record)


def _home(stage: Place, state: State) -> None:
    """Bring what served before the canary back to where it alone serves. Raises DeployError."""
    release = home(state)
    if release:
        stage.follow(lambda now: serve(now, release))


def _back(stage: Place, record: Record, reason: str) -> None:
    record.say(f"rolling back: {reason}")
    record.result, record.reason = "rolled back", reason
    try:
        _home(stage, stage.read())
    except DeployError as fault:
        record.result = "failed"
        record.reason = f"{reason}\nand the way back failed too: {fault}\nmend that and run `ops deploy rollback`"
