"""Whether a bundle is what its pipeline made: its numbers are measured again, and its files compared with the outputs.

A run-cache, a file in DVC's cache or dvc.lock may be forged, or mixed of two runs; nothing of them is believed here.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..runtime.bundle import Bundle
from ..training import layout
from ..training.answered_holdout import AnsweredHoldout
from ..training.data.dataset import Rows
from ..training.evaluate import calibration
from ..training.metrics import Decision, measure
from ..training.predictions import read_predictions
from ..training.settings import Params
from .policy import Judgement

AGREES = 1e-6  # tolerance for a metric and the bundle's claim; the last digits differ between processors
COPIES = (layout.MODEL, layout.METRICS, layout.SLICES, layout.CALIBRATION, layout.IMPORTANCE, layout.REFERENCE)
IN_MANIFEST = {"training": layout.TRAINING, "environment": layout.ENVIRONMENT}
AGAIN = "make them again without the cache: remove dvc.lock and .dvc/cache/runs, then run `make pipeline`"
Numbers = dict[str, float | None]


def judge_claims(
    bundle: Bundle, rows: Rows, scores: NDArray[np.float64], decision: Decision | None, params: Params
) -> Judgement:
    """Whether all metrics in the bundle are those of its model on these rows, so that nobody edited them.

    Values, intervals, baseline, gain, slices and calibration are computed again as `evaluate` does.
    """
    rule = "the bundle's metrics are those of its model"
    baseline = bundle.manifest["training"]["baseline"]
    answered = AnsweredHoldout.of(rows, scores, baseline, decision, bundle.contract, params)
    measured = _measure(answered) | {"threshold": bundle.manifest["threshold"]}
    claimed = _claims(bundle.metrics)
    measured |= _lines("slices", answered.all_slice_lines())
    measured |= _lines("calibration", calibration(rows.target, scores, bundle.contract))
    for path in (layout.SLICES, layout.CALIBRATION):
        claimed |= _lines(path.stem, _read_csv(bundle.folder / path.name))
    for name in sorted(measured.keys() | claimed.keys()):
        if name not in measured or name not in claimed:
            return Judgement(rule, f"{name} is in one of them only; make the bundle again with `make pipeline`", False)
        value, claim = (np.nan if number is None else number for number in (measured[name], claimed[name]))
        if not np.isclose(value, claim, rtol=AGREES, atol=AGREES, equal_nan=True):
            return Judgement(rule, f"{name} is {value:.4f}, and the bundle says {claim:.4f}", False)
    return Judgement(rule, f"{len(bundle.metrics['holdout'])} metrics agree", True)


def judge_outputs(bundle: Bundle, rows: Rows, scores: NDArray[np.float64], root: Path) -> Judgement:
    """Whether the model, the evaluation and the predictions under `root` are those of the bundle that they made."""
    rule = "bundle, evaluation, model and predictions are of one run"
    fault = _other_file(bundle, root) or _other_predictions(bundle, rows, scores, root)
    if fault:
        return Judgement(rule, f"{fault}; {AGAIN}", False)
    return Judgement(rule, f"{len(rows.target):,} predictions agree", True)


def _claims(metrics: dict[str, Any]) -> Numbers:
    values = {name: entry["value"] for name, entry in metrics["holdout"].items()}
    values |= {f"{name}.{end}": entry[end] for name, entry in metrics["holdout"].items() for end in ("low", "high")}
    baseline = {f"the baseline's {name}": value for name, value in metrics["baseline"].items()}
    gain = {f"gain.{end}": value for end, value in metrics["gain"].items()}
    return values | baseline | gain | {"threshold": metrics["threshold"]}


def _measure(answered: AnsweredHoldout) -> Numbers:
    once = np.ones((1, len(answered.target)))
    baseline = measure(answered.contract.kind, answered.target, answered.constant, once, answered.decision)
    drawn = answered.holdout()
    gain = drawn.pop("gain")
    return (
        {name: entry["value"] for name, entry in drawn.items()}
        | {f"{name}.{end}": entry[end] for name, entry in drawn.items() for end in ("low", "high")}
        | {f"the baseline's {name}": float(per_weighting[0]) for name, per_weighting in baseline.items()}
        | {f"gain.{end}": value for end, value in gain.items()}
    )


def _lines(table: str, lines: list[dict[str, Any]]) -> Numbers:
    """The numbers of a table by what they are of; the rows of calibration by their place."""
    numbers: Numbers = {}
    for place, line in enumerate(lines):
        key = [str(line[name]) for name in ("column", "slice", "metric") if name in line] or [str(place)]
        for name in line.keys() - {"column", "slice", "metric"}:
            numbers[f"{table}: {' '.join([*key, name])}"] = None if line[name] in ("", None) else float(line[name])
    return numbers


def _read_csv(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def _other_file(bundle: Bundle, root: Path) -> str | None:
    """The first output under `root` that is not what the bundle holds of it."""
    for path in COPIES:
        if not (root / path).is_file():
            return f"{path} is missing"
        if (root / path).read_bytes() != (bundle.folder / path.name).read_bytes():
            return f"{path} is not the file {path.name} of the bundle"
    for key, path in IN_MANIFEST.items():
        if not (root / path).is_file() or json.loads((root / path).read_text()) != bundle.manifest[key]:
            return f"{path} is not what the bundle's manifest says of {key}"
    return None


def _other_predictions(bundle: Bundle, rows: Rows, scores: NDArray[np.float64], root: Path) -> str | None:
    try:
        target, saved = read_predictions(root / layout.PREDICTIONS, bundle.contract)
    except ContractError as error:
        return str(error)
    if saved.shape != scores.shape or not np.array_equal(target, rows.target):
        return f"{layout.PREDICTIONS} has other rows or targets than the holdout"
    wrong = np.count_nonzero(~np.isclose(saved, scores, rtol=AGREES, atol=AGREES).reshape(len(scores), -1).all(axis=1))
    return f"{wrong:,} rows of {layout.PREDICTIONS} are not what the bundle's model answers" if wrong else None
