"""The actions on a stage, on any target: deploy, test, try, promote or roll back a version."""

from __future__ import annotations

from dataclasses import replace

from ..judging.policy import read_policy
from .failure import DeployError
from .plan import previous_release, serve
from .record import Record, describe
from .stage import DeployStage
from .state import DeployedVersion, State
from .watch import watch


def act(stage: DeployStage, record: Record) -> None:
    """Do what the record asks for, and note the result in it. Raises YardError where it failed."""
    acts = {"status": _status, "smoke": _smoke, "promote": _promote, "rollback": _rollback, "staging": _serve}
    acts.get(record.action, _canary)(stage, record)
    try:
        state = stage.read()
    except DeployError:
        if record.result != "failed":
            raise
        return  # the record says why, and what to do
    record.serves = state.stable.release if state.stable and state.stable.serving else None


def _status(stage: DeployStage, record: Record) -> None:
    record.result = "unchanged"
    for line in describe(stage.read()):
        record.say(line)


def _smoke(stage: DeployStage, record: Record) -> None:
    stable = stage.read().stable
    if stable is None:
        raise DeployError(f"there is no stable in {stage.project}; deploy a version first")
    if record.release and record.release.image != stable.release.image:
        raise DeployError(f"{stage.project} serves {stable.release}, not {record.release}")
    for line in stage.smoke("stable", replace(stable, release=record.release or stable.release)):
        record.say(line)
    record.result, record.reason = "unchanged", f"{stable.release} answers as it should"


def _serve(stage: DeployStage, record: Record, result: str = "deployed") -> None:
    """Make the record's release serve alone; if that fails, restore what served before."""
    release = record.release
    assert release  # noqa: S101 - callers checked it
    try:
        stage.follow(lambda state: serve(state, release))
    except DeployError as fault:
        _roll_back(stage, record, str(fault))
        return
    record.result = "promoted" if result == "promoted" else "deployed"
    record.reason = f"{release} serves alone"


def _canary(stage: DeployStage, record: Record) -> None:
    release = record.release
    assert release  # noqa: S101
    policy = read_policy().canary
    state = stage.read()
    if not (state.stable and state.stable.serving) or state.stable.release == release or not policy.weights:
        _serve(stage, record)
        return
    if state.canary and state.weights[0] == 0 and state.canary.release == release:
        record.say("its trial was decided before: resuming the promotion")
        _serve(stage, record, "promoted")
        return
    if state.canary and state.canary.release != release:
        record.say(f"another canary was left there, {state.canary.release}: removing it first")
        _restore(stage, state)
    try:
        _start(stage, release)
        decision, record.decisions = watch(stage, policy)
    except DeployError as fault:
        _roll_back(stage, record, str(fault))
        return
    if decision.word == "promote":
        _serve(stage, record, "promoted")
        if record.result == "promoted":  # the reason is registered as the verdict, with its evidence
            record.reason += f": {decision.reason}"
    else:
        _roll_back(stage, record, decision.reason)


def _start(stage: DeployStage, release: DeployedVersion) -> None:
    """Start and test the canary, unless it serves already."""
    state = stage.read()
    if state.canary and state.canary.serving:
        stage.say("the canary serves already: its trial starts again")
        return
    stage.follow(lambda current: None if current.canary and current.canary.serving else serve(current, release))


def _promote(stage: DeployStage, record: Record) -> None:
    if record.release is None:
        canary = stage.read().canary
        if canary is None:
            raise DeployError(f"there is no canary in {stage.project} to promote; give --image and --version")
        record.release = canary.release
    _serve(stage, record, "promoted")


def _rollback(stage: DeployStage, record: Record) -> None:
    state = stage.read()
    if state.canary:
        _restore(stage, state)
        record.result, record.reason = "deployed", f"the canary {state.canary.release} is gone"
        return
    if not state.stable or not state.stable.history:
        raise DeployError(
            f"{stage.project} remembers no earlier version; the action promote deploys any, with --image and --version"
        )
    record.release = state.stable.history[0]
    _serve(stage, record)


def _restore(stage: DeployStage, state: State) -> None:
    """Make what served before the canary serve alone again. Raises DeployError."""
    release = previous_release(state)
    if release:
        stage.follow(lambda current: serve(current, release))


def _roll_back(stage: DeployStage, record: Record, reason: str) -> None:
    record.say(f"rolling back: {reason}")
    record.result, record.reason = "rolled back", reason
    try:
        _restore(stage, stage.read())
    except DeployError as fault:
        record.result = "failed"
        record.reason = f"{reason}\nand the rollback failed too: {fault}\nfix that and run `make deploy ARGS=rollback`"
