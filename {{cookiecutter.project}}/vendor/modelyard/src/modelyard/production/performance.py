"""How good the answers of a window were: the metrics of the evaluation, with intervals by drawing days.

Each metric is made of sums by day, so that drawing days a thousand times costs the same however many rows there are.
Metrics of ranking (roc_auc, average_precision) are those of scores in narrow bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..judging.monitoring import Monitor
from ..training.bootstrap import LEVEL
from ..training.metrics import HIGHER_IS_BETTER, PRIMARY, TINY
from .comparing import holm
from .known import KnownBundle
from .outcomes import Outcomes, Sums

Floats = NDArray[np.float64]
Metrics = dict[str, Floats]
Figures = Mapping[str, Mapping[str, float | None]]

DRAWS = 1000
LEAST_ROWS = 100  # of a slice, with fewer of which it is not judged
WORSE, NONE, UNKNOWN = "worse", "none", "cannot tell"


@dataclass(frozen=True)
class Judged:
    """The figures of one window. state: whether the primary metric is surely worse, and by `margin` or more."""

    performance: dict[str, dict[str, float | None]]
    slices: dict[str, dict[str, Any]]
    baseline: dict[str, float | None]
    below_baseline: bool
    state: str
    p: float | None


def judge(days: Sequence[Outcomes], known: KnownBundle, monitor: Monitor, seed: int) -> Judged:
    """The figures of the days of a window that have labelled rows, beside the release's own."""
    present = [day for day in days if day.overall.get("rows")]
    metric = PRIMARY[known.contract.kind]
    draws = _draws(len(present), seed)
    spread = _overall(present, known, draws)
    performance = {name: _interval(values, len(present)) for name, values in spread.items()}
    base = baseline([day.overall for day in present], known, draws)
    gain = (spread[metric] - base[metric]) * (1 if HIGHER_IS_BETTER[metric] else -1)
    parts = {"": (performance, known.metrics, len(present))}
    slices: dict[str, dict[str, Any]] = {}
    for name in sorted({name for day in present for name in day.slices}):
        held = [day.slices[name] for day in present if name in day.slices]
        rows = sum(one["rows"] for one in held)
        if rows < LEAST_ROWS:
            continue
        found = from_sums(held, known, _draws(len(held), seed))
        figures = {one: _interval(values, len(held)) for one, values in found.items()}
        slices[name] = {"rows": int(rows), **figures}
        if name in known.slices:
            parts[name] = (figures, known.slices[name], len(held))
    states = _states(parts, metric, monitor)
    for name in slices:
        slices[name] |= {"state": states[name][0], "p": states[name][1]} if name in states else {"state": UNKNOWN}
    return Judged(
        performance,
        slices,
        {name: _number(values[0]) for name, values in base.items()},
        len(present) > 1 and bool(np.quantile(gain[1:], (1 + LEVEL) / 2) < 0),
        *states[""],
    )


def _states(
    parts: Mapping[str, tuple[Figures, Figures, int]], metric: str, monitor: Monitor
) -> dict[str, tuple[str, float | None]]:
    """Whether each part is worse than in the evaluation, corrected for their number."""
    losses = {name: _loss(figures, claimed, days, metric) for name, (figures, claimed, days) in parts.items()}
    tested = [name for name, (_, p) in losses.items() if p is not None]
    corrected = dict(zip(tested, holm([losses[name][1] or 0.0 for name in tested]), strict=True)) if tested else {}
    states: dict[str, tuple[str, float | None]] = {}
    for name, (loss, _) in losses.items():
        p = corrected.get(name)
        if p is None:
            states[name] = UNKNOWN, None
        else:
            states[name] = WORSE if p < monitor.alpha and loss >= monitor.margin else NONE, p
    return states


def _loss(figures: Figures, claimed: Figures, days: int, metric: str) -> tuple[float, float | None]:
    """How much worse a metric is than it was in the evaluation, and the p value of no loss (None: cannot be said)."""
    now, then = figures.get(metric, {}), claimed.get(metric, {})
    ends = [one.get(end) for one in (now, then) for end in ("value", "low", "high")]
    if days < 2 or any(end is None for end in ends):
        return 0.0, None
    value, low, high, claim, claim_low, claim_high = (float(end) for end in ends if end is not None)
    loss = (value - claim) * (-1 if HIGHER_IS_BETTER[metric] else 1)
    error = float(np.hypot(high - low, claim_high - claim_low)) / (2 * stats.norm.isf((1 - LEVEL) / 2))
    if not error:
        return loss, 0.0 if loss > 0 else 1.0
    return loss, float(stats.t.sf(loss / error, days - 1))


def from_sums(days: Sequence[Sums], known: KnownBundle, draws: Floats) -> Metrics:
    """The metrics that sums tell, for each draw of days, shape (draws,) each."""
    names = sorted({name for day in days for name in day})
    table = np.array([[day.get(name, 0.0) for name in names] for day in days])
    sums = dict(zip(names, (draws @ table).T, strict=True))
    rows, kind = sums["rows"], known.contract.kind
    if kind == "regression":
        squares = sums["squares"] / rows
        variance = sums["spread"] / rows - (sums["centred"] / rows) ** 2
        return {
            "rmse": np.sqrt(squares),
            "mae": sums["absolutes"] / rows,
            "r2": 1 - _ratio(squares, variance),
        }
    if kind == "multiclass":
        classes = range(len(known.contract.classes))
        right = [sums[f"right {place}"] for place in classes]
        return {
            "log_loss": sums["log_loss"] / rows,
            "accuracy": np.sum(right, axis=0) / rows,
            "balanced_accuracy": np.mean([_ratio(right[place], sums[f"members {place}"]) for place in classes], axis=0),
        }
    false_positive, false_negative = known.costs
    misses = sums["positives"] - sums["hits"]
    return {
        "log_loss": sums["log_loss"] / rows,
        "brier": sums["brier"] / rows,
        "cost": (false_positive * sums["false_alarms"] + false_negative * misses) / rows,
        "precision": _ratio(sums["hits"], sums["hits"] + sums["false_alarms"]),
        "recall": _ratio(sums["hits"], sums["positives"]),
    }


def baseline(days: Sequence[Sums], known: KnownBundle, draws: Floats) -> Metrics:
    """The metrics of the same answer for every row, on the same draws."""
    names = sorted({name for day in days for name in day})
    table = np.array([[day.get(name, 0.0) for name in names] for day in days])
    sums = dict(zip(names, (draws @ table).T, strict=True))
    rows, answer = sums["rows"], np.clip(known.baseline, TINY, 1 - TINY)
    if known.contract.kind == "regression":
        return {"rmse": np.sqrt(sums["spread"] / rows), "mae": sums["apart"] / rows}
    if known.contract.kind == "multiclass":
        members = np.stack([sums[f"members {place}"] for place in range(len(answer))])
        return {"log_loss": -(np.log(answer) @ members) / rows, "accuracy": members[int(np.argmax(answer))] / rows}
    share, one = sums["positives"] / rows, answer[0]
    return {
        "log_loss": -(share * np.log(one) + (1 - share) * np.log(1 - one)),
        "brier": share * (1 - one) ** 2 + (1 - share) * one**2,
    }


def _overall(days: Sequence[Outcomes], known: KnownBundle, draws: Floats) -> Metrics:
    found = from_sums([day.overall for day in days], known, draws)
    if names := sorted({name for day in days for name in day.ranks}):
        ranked = [ranking([day.ranks.get(name, {}) for day in days], draws) for name in names]
        if known.contract.kind == "binary":
            found |= ranked[0]
        else:
            found["roc_auc"] = np.mean([one["roc_auc"] for one in ranked], axis=0)
    if cells := sorted({cell for day in days for cell in day.bins}):
        off = draws @ np.array([[day.bins.get(cell, [0, 0.0])[1] for cell in cells] for day in days])
        found["calibration_error"] = np.abs(off).sum(axis=1) / (draws @ [day.overall["rows"] for day in days])
    return found


def ranking(days: Sequence[Mapping[str, Sequence[int]]], draws: Floats) -> Metrics:
    """Area under the ROC curve and average precision. days: by bin of the score, [negatives, positives]."""
    places = sorted({int(place) for day in days for place in day}, reverse=True)
    table = np.array([[day.get(str(place), [0, 0]) for place in places] for day in days], dtype=np.float64)
    negatives, positives = draws @ table[:, :, 0], draws @ table[:, :, 1]
    hits, false_alarms = np.cumsum(positives, axis=1), np.cumsum(negatives, axis=1)
    won = ((hits - positives / 2) * negatives).sum(axis=1)
    precision = np.divide(hits, hits + false_alarms, out=np.zeros_like(hits), where=hits > 0)
    return {
        "roc_auc": _ratio(won, hits[:, -1] * false_alarms[:, -1]),
        "average_precision": _ratio((precision * positives).sum(axis=1), hits[:, -1]),
    }


def _draws(days: int, seed: int) -> Floats:
    """How often each day is drawn, shape (1 + DRAWS, days): first all days once, then as many at random."""
    random = np.random.default_rng(seed)
    drawn = random.multinomial(days, np.full(days, 1 / days), size=DRAWS)
    return np.concatenate([np.ones((1, days)), drawn]).astype(np.float64)


def _interval(values: Floats, days: int) -> dict[str, float | None]:
    """The value on all days and its percentile interval, which one day alone has not."""
    defined = values[1:][np.isfinite(values[1:])]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(defined, [tail, 1 - tail]) if days > 1 and len(defined) else (np.nan, np.nan)
    return {"value": _number(values[0]), "low": _number(low), "high": _number(high)}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
