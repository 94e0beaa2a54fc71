"""A change of `policy.yaml` does not judge itself: main's policy judges too, and both must let the model ship."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..errors import ContractError
from .policy import POLICY, Policy, read_policy
from .verdict import PolicyChange, Verdict

JUDGING = ("beat_baseline", "floors", "warnings", "champion", "slices", "calibration", "limits")  # what the gate reads
ABSENT = "absent"


def mains_policy(champion: Path) -> Path:
    """Where main's policy is, beside the champion's bundle, if it came along."""
    return champion.parent / POLICY


def judge_by_both(judge: Callable[[Policy, Path], Verdict], path: Path | None) -> Verdict:
    """The verdict by the policy here and, where main's in `path` differs in what the gate reads, by main's too.

    If main's does not let the model ship, its verdict counts. Where it cannot compare with the champion, because the
    target is another, its rules for one model alone judge. If it cannot be applied at all, because the policy has a new
    format, the verdict says so and is the one of the policy here: its owner decides.
    """
    here = read_policy()
    verdict = judge(here, POLICY)
    if path is None or not path.is_file():
        return verdict
    try:
        mains = read_policy(path)
        if not (changed := changes(mains, here)):
            return verdict
        by_main = _judged_if_possible(judge, mains, path)
    except ContractError as error:
        return dataclasses.replace(verdict, policy=PolicyChange([], f"it cannot be applied: {error}", verdict.told))
    counts = verdict if by_main.verdict == "ships" else by_main
    return dataclasses.replace(counts, policy=PolicyChange(changed, by_main.told, verdict.told))


def _judged_if_possible(judge: Callable[[Policy, Path], Verdict], mains: Policy, path: Path) -> Verdict:
    try:
        return judge(mains, path)
    except ContractError:
        alone = dataclasses.replace(mains, champion=dataclasses.replace(mains.champion, require="none"))
        return judge(alone, path)


def changes(before: Policy, after: Policy) -> list[str]:
    """What differs in the keys that the gate reads, a line each: `champion.margin: 0.0, now 0.05`."""
    old, new = _stated(before), _stated(after)
    return [
        f"{key}: {old.get(key, ABSENT)}, now {new.get(key, ABSENT)}"
        for key in dict.fromkeys([*old, *new])
        if old.get(key, ABSENT) != new.get(key, ABSENT)
    ]


def _stated(policy: Policy) -> dict[str, object]:
    """The values of these keys, each by its path."""
    whole = dataclasses.asdict(policy)
    return dict(_leaves({name: whole[name] for name in JUDGING}))


def _leaves(tree: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{key}.")
        elif value is not None:
            yield f"{path}{key}", value
