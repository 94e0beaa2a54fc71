"""The rules of the policy that compare a challenger with the champion, and those of what it costs to serve."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np

from ..training.metrics import HIGHER_IS_BETTER, PRIMARY, Decision, measure, primary_loss
from ..runtime.contract import Contract
from ..training.settings import Params
from ..runtime.predictor import Predictor
from ..training.data.dataset import Rows
from ..training.evaluate import draw_groups
from ..training.bootstrap import intervals
from ..runtime.bundle import Bundle
from .compare import Difference, Paired
from .policy import Judgement, Policy

AGREES = 1e-6  # how far a metric may be from the bundle's own, for the last digits differ between processors
SAME = 1e-9  # how far two models' answers may be apart: an exported model is as far from what was fitted
CALIBRATION = "calibration_error"
DECIDED = {"cost", "precision", "recall"}  # what depends on the threshold, beside the answers
REQUIRED = {
    "not_worse": "not worse than the champion's",
    "non_inferior": "surely not worse than the champion's",
    "superior": "surely better than the champion's",
}


def judge_claims(bundle: Bundle, rows: Rows, scores: Any, decision: Decision | None, params: Params) -> Judgement:
    """Whether what the bundle says of its model on the holdout, and of the baseline, is so: nobody edited it.

    Of what the policy goes by, that is all: the values, and by how much the model is better than the baseline.
    """
    rule = "the bundle's metrics are those of its model"
    found, claimed = _measured(bundle, rows, scores, decision, params), _claimed(bundle.metrics)
    for name in sorted(found.keys() | claimed.keys()):
        if name not in found or name not in claimed:
            return Judgement(rule, f"{name} is in one of them only; make the bundle again with `dvc repro`", False)
        value, told = (np.nan if one is None else one for one in (found[name], claimed[name]))
        if not np.isclose(value, told, rtol=AGREES, atol=AGREES, equal_nan=True):
            return Judgement(rule, f"{name} is {value:.4f}, and the bundle says {told:.4f}", False)
    return Judgement(rule, f"{len(bundle.metrics['holdout'])} metrics agree", True)


def _claimed(metrics: dict[str, Any]) -> dict[str, float | None]:
    values = {name: one["value"] for name, one in metrics["holdout"].items()}
    baseline = {f"the baseline's {name}": value for name, value in metrics["baseline"].items()}
    return values | baseline | {f"gain.{end}": value for end, value in metrics["gain"].items()}


def _measured(
    bundle: Bundle, rows: Rows, scores: Any, decision: Decision | None, params: Params
) -> dict[str, float | None]:
    kind, target, once = bundle.contract.kind, rows.target, np.ones((1, len(rows.target)))
    answered = np.array(bundle.manifest["training"]["baseline"])
    constant = np.broadcast_to(answered if kind == "multiclass" else answered[0], scores.shape)
    values = {name: float(one[0]) for name, one in measure(kind, target, scores, once, decision).items()}
    baseline = measure(kind, target, constant, once, decision)

    def gain(weights: Any) -> dict[str, Any]:
        return {"gain": primary_loss(kind, target, constant, weights) - primary_loss(kind, target, scores, weights)}

    groups = draw_groups(rows, bundle.contract, params.evaluate)
    drawn = intervals(gain, groups, params.evaluate.bootstrap, params.seed)["gain"]
    return (
        values
        | {f"the baseline's {name}": float(one[0]) for name, one in baseline.items()}
        | {f"gain.{end}": value for end, value in drawn.items()}
    )


def same_answers(paired: Paired) -> bool:
    """Whether both models answer every row alike."""
    return np.allclose(paired.champion, paired.challenger, rtol=SAME, atol=SAME)


def judge_champion(policy: Policy, kind: Any, metrics: dict[str, Difference], same: bool) -> Judgement:
    """The rule `champion.require`, on the metric that the policy names or the primary one."""
    champion = policy.champion
    name = champion.metric or PRIMARY[kind]
    by = "by more than {:g}" if champion.require == "superior" else "by {:g} or more"
    rule = f"{name} {REQUIRED[champion.require]} {by.format(champion.margin) if champion.margin else ''}".strip()
    if same:
        return Judgement(rule, "the same answers on every row", True, "champion.require")
    difference = metrics.get(name)
    gain = difference.gain if difference else None
    if difference is None or gain is None:
        found = f"the task has no {name}; it has: {', '.join(metrics)}" if difference is None else "undefined here"
        return Judgement(rule, found, None, "champion.metric" if champion.metric else "champion.require")
    _, low, high = gain
    kept = {
        "not_worse": high >= -champion.margin,
        "non_inferior": low > -champion.margin,
        "superior": low > champion.margin,
    }[champion.require]
    return Judgement(rule, str(difference), kept, "champion.require")


def compare_slices(policy: Policy, contract: Contract, table: Any, paired: Paired, seed: int) -> list[dict[str, Any]]:
    """The primary metric in each slice that is large enough, worst first; each says whether its rule is kept.

    Of many slices of two equal models one in twenty would seem worse; so the confidence is corrected for their number
    (Bonferroni).
    """
    slices = policy.slices
    if slices is None:
        return []
    chosen = []
    for column in contract.slices:
        values = np.array(table[column].to_pylist(), dtype=object)
        for value in contract.columns[column].values or []:
            mask = values == value
            if np.count_nonzero(mask) >= slices.rows:
                chosen.append((column, value, mask))
    confidence = 1 - (1 - policy.champion.confidence) / max(1, len(chosen))
    lines = []
    for column, value, mask in chosen:
        part = paired.where(mask)
        found = part.primary(policy.champion.draws, seed, confidence)
        kept = part.draws_from < 2 or found.gain is None or found.gain[2] >= -slices.margin
        lines.append({"column": column, "slice": value, "rows": len(part), "difference": found, "kept": kept})
    return sorted(lines, key=lambda line: line["difference"].gain[2] if line["difference"].gain else np.inf)


def judge_slices(policy: Policy, kind: Any, lines: list[dict[str, Any]]) -> list[Judgement]:
    """A line for each slice that got worse, or one that says that none did."""
    name, key = PRIMARY[kind], "slices.margin"
    if broken := [line for line in lines if not line["kept"]]:
        return [
            Judgement(f"{name} not worse where {line['column']} = {line['slice']}", str(line["difference"]), False, key)
            for line in broken
        ]
    found = f"{len(lines)} slices of at least {policy.slices.rows:,} rows" if policy.slices else ""
    return [Judgement(f"{name} not worse in any slice", found, True, key)]


def judge_calibration(policy: Policy, metrics: dict[str, Difference]) -> Judgement:
    """The calibration error may not grow beyond the noise by more than the margin."""
    margin = policy.calibration.margin if policy.calibration else 0.0
    rule, key = f"{CALIBRATION} not worse by {margin:g} or more", "calibration.margin"
    gain = metrics[CALIBRATION].gain
    if gain is None:
        return Judgement(rule, "undefined here", None, key)
    return Judgement(rule, str(metrics[CALIBRATION]), gain[2] >= -margin, key)


def judge_limits(policy: Policy, bundle: Bundle) -> list[Judgement]:
    """What the bundle weighs, and how long it takes to answer one row."""
    found = []
    if (limit := policy.limits.bundle_mb) is not None:
        weight = bundle.size / 1e6
        found.append(Judgement(f"bundle at most {limit:g} MB", f"{weight:.2f} MB", weight <= limit, "limits.bundle_mb"))
    if (limit := policy.limits.latency_ms) is not None:
        took = latency(bundle)
        rule = f"one row answered in at most {limit:g} ms, 95 times of 100"
        found.append(Judgement(rule, f"{took:.2f} ms", took <= limit, "limits.latency_ms"))
    return found


def latency(bundle: Bundle) -> float:
    """How long the bundle takes to check and answer one of its probes, in ms: 95 of 100 are faster.

    The best of five rounds, as what else the machine does can only slow it down.
    """
    rows = json.loads((bundle.folder / "probe.json").read_text(encoding="utf-8"))["rows"]
    predictor = Predictor(bundle.folder)
    rounds = []
    for _ in range(5):
        took = []
        for row in rows:
            start = time.perf_counter()
            predictor.predict([row])
            took.append(time.perf_counter() - start)
        rounds.append(float(np.quantile(took, 0.95)))
    return 1000 * min(rounds)


def worst_first(metrics: dict[str, Difference], kind: Any) -> dict[str, Difference]:
    """The metrics with the primary one first, the others in the order of the task."""
    primary = PRIMARY[kind]
    order = [primary, *(name for name in HIGHER_IS_BETTER if name != primary)]
    return {name: metrics[name] for name in order if name in metrics}
