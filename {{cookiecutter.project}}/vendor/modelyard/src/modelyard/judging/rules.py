"""The rules of the policy that compare a challenger with the champion, and the limits on size and latency."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np

from ..runtime.bundle import Bundle
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training.data.dataset import slice_rows
from ..training.metrics import HIGHER_IS_BETTER, PRIMARY
from .compare import MetricDifference, Paired
from .policy import Judgement, Policy

SAME = 1e-9  # tolerance for equal answers of two models; that of the export, see `train.TOLERANCE`
CALIBRATION = "calibration_error"
DECIDED = {"cost", "precision", "recall"}  # metrics that depend on the threshold too
REQUIRED = {
    "not_worse": "not worse than the champion's",
    "non_inferior": "surely not worse than the champion's",
    "superior": "surely better than the champion's",
}


def same_answers(paired: Paired) -> bool:
    """Whether both models give the same answer to every row."""
    return np.allclose(paired.champion, paired.challenger, rtol=SAME, atol=SAME)


def judge_champion(policy: Policy, kind: Any, metrics: dict[str, MetricDifference], same: bool) -> Judgement:
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
        finding = f"the task has no {name}; it has: {', '.join(metrics)}" if difference is None else "undefined here"
        return Judgement(rule, finding, None, "champion.metric" if champion.metric else "champion.require")
    _, low, high = gain
    kept = {
        "not_worse": high >= -champion.margin,
        "non_inferior": low > -champion.margin,
        "superior": low > champion.margin,
    }[champion.require]
    return Judgement(rule, str(difference), kept, "champion.require")


def compare_slices(policy: Policy, contract: Contract, table: Any, paired: Paired, seed: int) -> list[dict[str, Any]]:
    """The primary metric in each slice that is large enough, worst first, and whether its rule is kept.

    Without a correction, one in twenty slices of two equal models would look worse. So the confidence is corrected for
    the number of slices (Bonferroni).
    """
    slices = policy.slices
    if slices is None:
        return []
    chosen = []
    for column in contract.slices:
        for value, mask in slice_rows(table[column], contract.columns[column]):
            if np.count_nonzero(mask) >= slices.rows:
                chosen.append((column, value, mask))
    confidence = 1 - (1 - policy.champion.confidence) / max(1, len(chosen))
    lines = []
    for column, value, mask in chosen:
        part = paired.where(mask)
        difference = part.primary(policy.champion.draws, seed, confidence)
        kept = part.draws_from < 2 or difference.gain is None or difference.gain[2] >= -slices.margin
        lines.append({"column": column, "slice": value, "rows": len(part), "difference": difference, "kept": kept})
    return sorted(lines, key=lambda line: line["difference"].gain[2] if line["difference"].gain else np.inf)


def judge_slices(policy: Policy, kind: Any, lines: list[dict[str, Any]]) -> list[Judgement]:
    """A judgement for each slice that is worse, or one that says that none is."""
    name, key = PRIMARY[kind], "slices.margin"
    if broken := [line for line in lines if not line["kept"]]:
        return [
            Judgement(f"{name} not worse where {line['column']} = {line['slice']}", str(line["difference"]), False, key)
            for line in broken
        ]
    finding = f"{len(lines)} slices of at least {policy.slices.rows:,} rows" if policy.slices else ""
    return [Judgement(f"{name} not worse in any slice", finding, True, key)]


def judge_calibration(policy: Policy, metrics: dict[str, MetricDifference]) -> Judgement:
    """The rule `calibration.margin`: the calibration error is not significantly worse by more than the margin."""
    margin = policy.calibration.margin if policy.calibration else 0.0
    rule, key = f"{CALIBRATION} not worse by {margin:g} or more", "calibration.margin"
    gain = metrics[CALIBRATION].gain
    if gain is None:
        return Judgement(rule, "undefined here", None, key)
    return Judgement(rule, str(metrics[CALIBRATION]), gain[2] >= -margin, key)


def judge_limits(project: Project, policy: Policy, bundle: Bundle) -> list[Judgement]:
    """The rules `limits`: the size of the bundle, and its latency for one row."""
    judgements = []
    if (limit := policy.limits.bundle_mb) is not None:
        weight = bundle.size / 1e6
        rule = f"bundle at most {limit:g} MB"
        judgements.append(Judgement(rule, f"{weight:.2f} MB", weight <= limit, "limits.bundle_mb"))
    if (limit := policy.limits.latency_ms) is not None:
        milliseconds = latency(project, bundle)
        rule = f"one row answered in at most {limit:g} ms, 95 times of 100"
        judgements.append(Judgement(rule, f"{milliseconds:.2f} ms", milliseconds <= limit, "limits.latency_ms"))
    return judgements


def latency(project: Project, bundle: Bundle) -> float:
    """The 95th percentile of the time to check and answer one row of the bundle's probe, in ms.

    The best of five rounds, because other load on the machine can only make it slower.
    """
    rows = json.loads((bundle.folder / "probe.json").read_text(encoding="utf-8"))["rows"]
    predictor = project.predictor(bundle.folder)
    rounds = []
    for _ in range(5):
        durations = []
        for row in rows:
            start = time.perf_counter()
            predictor.predict([row])
            durations.append(time.perf_counter() - start)
        rounds.append(float(np.quantile(durations, 0.95)))
    return 1000 * min(rounds)


def worst_first(metrics: dict[str, MetricDifference], kind: Any) -> dict[str, MetricDifference]:
    """The metrics, the primary one first, the others in the order of HIGHER_IS_BETTER."""
    primary = PRIMARY[kind]
    order = [primary, *(name for name in HIGHER_IS_BETTER if name != primary)]
    return {name: metrics[name] for name in order if name in metrics}
