"""`policy.yaml`, read strictly: when a model may ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from annotated_types import Ge, Gt, Lt
from ruamel.yaml import CommentedMap

from ..errors import ContractError
from ..runtime.column import STRICT
from ..runtime.contract import Contract
from ..training.edit import round_trip
from ..training.metrics import HIGHER_IS_BETTER, PRIMARY
from ..training.strict_yaml import parse, read_yaml
from ..training.warned import Name
from .canary import Canary
from .monitoring import Monitor, Retrain
from .serving import Serving
from .warned import Handling, shown_warnings

POLICY = Path("policy.yaml")

Share = Annotated[float, Gt(0), Lt(1)]
Margin = Annotated[float, Ge(0)]
Count = Annotated[int, Gt(0)]


@dataclass(frozen=True)
class Champion:
    """How a model must compare with the champion, the model on main, on the same holdout rows.

    require: `not_worse` ships a model unless it is significantly worse by more than the margin; `non_inferior` requires
    that it is significantly not worse by the margin or more; `superior` that it is significantly better by more than
    the margin; `none` does not compare. metric: the metric to compare, or None for the primary one; the margin is in
    its unit. confidence: the confidence level; draws: resamples of the paired bootstrap.
    """

    __pydantic_config__: ClassVar = STRICT

    require: Literal["not_worse", "non_inferior", "superior", "none"] = "not_worse"
    metric: str | None = None
    margin: Margin = 0.0
    confidence: Share = 0.95
    draws: Annotated[int, Ge(200)] = 1000

    def __post_init__(self) -> None:
        if self.require == "non_inferior" and not self.margin:
            raise ContractError(
                "champion.margin is 0: `require: non_inferior` needs a margin above 0, how much worse is still good"
            )


@dataclass(frozen=True)
class Slices:
    """No slice with at least this many rows may be significantly worse than the champion's by more than the margin.

    The margin is in the unit of the primary metric. The confidence is corrected for the number of slices.
    """

    __pydantic_config__: ClassVar = STRICT

    rows: Count = 500
    margin: Margin = 0.0


@dataclass(frozen=True)
class Calibration:
    """The calibration error may not be significantly worse than the champion's by more than the margin."""

    __pydantic_config__: ClassVar = STRICT

    margin: Margin = 0.01


@dataclass(frozen=True)
class Limits:
    """The limits on a model's size and latency; None: no limit.

    bundle_mb: all files of the bundle, in 10^6 bytes. latency_ms: the 95th percentile of the time to answer a single
    row, on the machine that judges.
    """

    __pydantic_config__: ClassVar = STRICT

    bundle_mb: Annotated[float, Gt(0)] | None = None
    latency_ms: Annotated[float, Gt(0)] | None = None


@dataclass(frozen=True)
class Policy:
    """The rules of `policy.yaml`.

    floors: for a metric on the holdout, the worst value with which a model may ship. beat_baseline: whether it must be
    significantly better than the same answer for every row. warnings: what is done about a warning of the evaluation:
    `show` it, `block` the model, or `ignore` it. slices or calibration None: not compared. canary: how a new
    version is tried on live requests. serving: how it answers when it is deployed. monitor: how it is watched then.
    retrain: when it is made anew. The gate uses none of these four.
    """

    __pydantic_config__: ClassVar = STRICT

    beat_baseline: bool = True
    floors: dict[str, float] = field(default_factory=dict)
    warnings: dict[Name, Handling] = field(default_factory=dict)
    champion: Champion = field(default_factory=Champion)
    slices: Slices | None = None
    calibration: Calibration | None = None
    limits: Limits = field(default_factory=Limits)
    canary: Canary = field(default_factory=Canary)
    serving: Serving = field(default_factory=Serving)
    monitor: Monitor = field(default_factory=Monitor)
    retrain: Retrain = field(default_factory=Retrain)


@dataclass(frozen=True)
class Judgement:
    """One rule, the key of the policy that states it, the finding, and whether it is kept (None: undetermined)."""

    rule: str
    found: str
    kept: bool | None
    key: str = ""


def read_policy(path: Path = POLICY) -> Policy:
    """The policy in a YAML file. Raises ContractError that names file, key, what was given and what is allowed."""
    raw = read_yaml(path)
    if "release" in raw:
        raise ContractError(
            f"{path}: release has moved to [tool.modelyard.release] in pyproject.toml; state annotated_tags and "
            f"signed_tags there, and remove the section from {path.name}"
        )
    policy: Policy = parse(path, Policy, raw)
    named = {f"floors.{name}": name for name in policy.floors}
    if policy.champion.metric is not None:
        named["champion.metric"] = policy.champion.metric
    for key, name in named.items():
        if name not in HIGHER_IS_BETTER:
            raise ContractError(f"{path}: {key}: {name!r} is no such metric; there are: {', '.join(HIGHER_IS_BETTER)}")
    return policy


def policy_line(path: Path, key: str) -> str:
    """Where the policy states a rule, as in "policy.yaml line 4: `metric: rmse`", or that its default applies."""
    text = path.read_text(encoding="utf-8")
    node: Any = round_trip().load(text)
    line = None
    for step in key.split("."):
        if not isinstance(node, dict) or step not in node:
            break
        line, node = cast("CommentedMap", node).lc.key(step)[0], node[step]
    if line is None:
        return f"{path.name} does not name {key}, so its default holds"
    return f"{path.name} line {line + 1}: `{text.splitlines()[line].partition(' #')[0].strip()}`"


def judge_alone(policy: Policy, metrics: Mapping[str, Any], contract: Contract) -> list[Judgement]:
    """Each rule that concerns one model alone, applied to its metrics.

    Raises ContractError if a metric of the policy is not among them.
    """
    judgements = [_judge_floor(name, bound, metrics["holdout"]) for name, bound in policy.floors.items()]
    if policy.beat_baseline:
        judgements.append(_judge_baseline(PRIMARY[contract.kind], metrics))
    texts = shown_warnings(metrics, policy.warnings, contract)
    blocking = [name for name, handling in policy.warnings.items() if handling == "block"]
    judgements += [
        Judgement(f"no warning `{name}`", texts.get(name, "none"), name not in texts, f"warnings.{name}")
        for name in blocking
    ]
    return judgements


def _judge_floor(name: str, bound: float, holdout: Mapping[str, Any]) -> Judgement:
    if name not in holdout:
        raise ContractError(
            f"policy.yaml: floors.{name}: the evaluation has no such metric; it has: {', '.join(holdout)}"
        )
    value = holdout[name]["value"]
    higher = HIGHER_IS_BETTER[name]
    kept = value is not None and (value >= bound if higher else value <= bound)
    rule = f"{name} at {'least' if higher else 'most'} {bound:g}"
    return Judgement(rule, "undefined" if value is None else f"{value:.4f}", kept, f"floors.{name}")


def _judge_baseline(name: str, metrics: Mapping[str, Any]) -> Judgement:
    gain, baseline = metrics["gain"], metrics["baseline"][name]
    finding = f"by {gain['value']:.4f} ({gain['low']:.4f} to {gain['high']:.4f})"
    return Judgement(f"{name} better than the baseline's {baseline:.4f}", finding, gain["low"] > 0, "beat_baseline")
