"""`policy.yaml`, read strictly: when a model may ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from .project import HIGHER_IS_BETTER, PRIMARY, STRICT, Contract, ContractError, parse, read_yaml

POLICY = Path("policy.yaml")


@dataclass(frozen=True)
class Policy:
    """The rules of `policy.yaml`.

    floors: for a metric on the holdout, the worst value with which a model may ship. beat_baseline: whether it must be
    better than the same answer for every row, by the whole of its interval.
    """

    __pydantic_config__: ClassVar = STRICT

    beat_baseline: bool = True
    floors: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """One rule, what was found, and whether it is kept."""

    rule: str
    found: str
    kept: bool


def read_policy(path: Path = POLICY) -> Policy:
    """The policy in a YAML file. Raises ContractError that names file, key, what was given and what is allowed."""
    policy: Policy = parse(path, Policy, read_yaml(path))
    if unknown := policy.floors.keys() - HIGHER_IS_BETTER.keys():
        raise ContractError(f"{path}: floors.{min(unknown)}: no such metric; there are: {', '.join(HIGHER_IS_BETTER)}")
    return policy


def judge(policy: Policy, metrics: Mapping[str, Any], contract: Contract) -> list[Judgement]:
    """Each rule of the policy held against a model's metrics. Raises ContractError where a metric is not among them."""
    found = [_judge_floor(name, bound, metrics["holdout"]) for name, bound in policy.floors.items()]
    if policy.beat_baseline:
        found.append(_judge_baseline(PRIMARY[contract.kind], metrics))
    return found


def _judge_floor(name: str, bound: float, holdout: Mapping[str, Any]) -> Judgement:
    if name not in holdout:
        raise ContractError(
            f"policy.yaml: floors.{name}: the evaluation has no such metric; it has: {', '.join(holdout)}"
        )
    value = holdout[name]["value"]
    higher = HIGHER_IS_BETTER[name]
    kept = value is not None and (value >= bound if higher else value <= bound)
    return Judgement(
        f"{name} at {'least' if higher else 'most'} {bound:g}", "undefined" if value is None else f"{value:.4f}", kept
    )


def _judge_baseline(name: str, metrics: Mapping[str, Any]) -> Judgement:
    gain, baseline = metrics["gain"], metrics["baseline"][name]
    found = f"by {gain['value']:.4f} ({gain['low']:.4f} to {gain['high']:.4f})"
    return Judgement(f"{name} better than the baseline's {baseline:.4f}", found, gain["low"] > 0)
