"""Judge the exported model on the holdout: metrics with intervals, slices, calibration, threshold and importance."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.contract import Contract
from ..runtime.predictor import OnnxModel
from ..runtime.project import Project
from .answered_holdout import AnsweredHoldout
from .cluster.address import import_distributed, scheduler_address
from .data.blocks import read_blocks, read_target, rows_at
from .data.dataset import Rows, read_rows
from .data.parts import Part
from .importance import Shuffled, importance
from .layout import CALIBRATION, IMPORTANCE, METRICS, MODEL, PREDICTIONS, SLICES, TRAINING, VALIDATION
from .metrics import PRIMARY, Decision, measure
from .predictions import read_predictions, saved_columns, write_predictions
from .settings import Evaluate, Params, read_contract, read_params
from .warned import sampled, warn_of_answers, warn_of_inputs
from .weighted import BINS, calibration_bins

Floats = NDArray[np.float64]

SLICE_KEYS = ["column", "slice", "rows", "metric", "value", "low", "high"]
CALIBRATION_KEYS = ["rows", "predicted", "observed", "lowest", "highest"]


def evaluate(project: Project, root: Path, contract: Contract, params: Params) -> dict[str, Any]:
    """Judge the model under `root` and write the results; return the metrics.

    `gain` is the improvement of the primary metric over the baseline's, on the same draws of rows. `validation` is how
    good the first fit is on the validation rows, by which experiments are compared.
    """
    model = OnnxModel(root / MODEL, contract, project.features, params.threads)
    baseline = json.loads((root / TRAINING).read_text())["baseline"]
    first = read_predictions(root / VALIDATION, contract)
    decision = choose_decision(*first, contract, params.evaluate)
    warnings = _warn_of_inputs(project, root, contract, params)
    # without the inputs, which are read a block at a time
    rows = read_rows(root, contract, params, "holdout", [*saved_columns(contract), *contract.named("group")])
    blocks = read_blocks(root, contract, params, "holdout")
    scores = np.concatenate([model.predict(block.columns) for block in blocks])
    answered = AnsweredHoldout.of(rows, scores, baseline, decision, contract, params)
    shuffled = Shuffled.of(len(scores), partial(rows_at, root, contract, params, "holdout"), contract, params)
    if address := scheduler_address(params.cluster):
        import_distributed()  # which says how to get it
        from .cluster.evaluation import evaluate_there

        holdout, slices, losses = evaluate_there(address, project, root / MODEL, answered, shuffled)
    else:
        holdout, slices, losses = answered.holdout(), answered.all_slice_lines(), shuffled.losses(model)
    gain = holdout.pop("gain")
    validated = measure(contract.kind, *first, np.ones((1, len(first[0]))), decision)
    constant = measure(contract.kind, rows.target, answered.constant, np.ones((1, len(scores))), decision)
    metrics = {
        "holdout": holdout,
        "baseline": {name: json_number(value) for name, value in constant.items()},
        "validation": {name: json_number(value) for name, value in validated.items()},
        "gain": gain,
        "threshold": decision.threshold if decision else None,
        "rows": len(rows.target),
        "unlabelled_rows": rows.unlabelled,
        "warnings": [*warnings, *warn_of_answers(rows.target, scores, decision, contract)],
    }
    (root / METRICS).parent.mkdir(parents=True, exist_ok=True)
    (root / METRICS).write_text(json.dumps(metrics, indent=1) + "\n")
    write_csv(root / SLICES, SLICE_KEYS, slices)
    write_csv(root / CALIBRATION, CALIBRATION_KEYS, calibration(rows.target, scores, contract))
    inputs = ({"input": name, "loss": mean, "std": std} for name, (mean, std) in importance(losses).items())
    write_csv(root / IMPORTANCE, ["input", "loss", "std"], inputs)
    write_predictions(root / PREDICTIONS, rows, scores, contract)
    return metrics


def _warn_of_inputs(project: Project, root: Path, contract: Contract, params: Params) -> list[dict[str, Any]]:
    def sample(part: Part) -> Rows:
        count = len(read_target(root, contract, params, part)[0])
        return rows_at(root, contract, params, part, sampled(count))

    blocks = read_blocks(root, contract, params, "train")
    features = (project.features(rows.columns, contract) for rows in blocks)
    return warn_of_inputs(features, sample("train"), sample("validation"), contract)


def choose_decision(target: NDArray, scores: Floats, contract: Contract, settings: Evaluate) -> Decision | None:
    """The threshold with the least cost on the validation rows, for a binary model. The holdout is not used for it.

    scores: the answers of a model that has not learned from these rows; the one that ships may have.
    """
    if contract.kind != "binary":
        return None
    costs = settings.false_positive_cost, settings.false_negative_cost
    return Decision.cheapest(target, scores, *costs)


def calibration(target: NDArray, scores: Floats, contract: Contract) -> list[dict[str, Any]]:
    """Mean prediction and mean outcome in each bin; for several classes, of the most probable class.

    `lowest` and `highest` are the ends of its predictions, by which those of production are compared with them.
    """
    if contract.kind == "multiclass":
        target, scores = (scores.argmax(axis=1) == target).astype(np.int64), scores.max(axis=1)
    bins = calibration_bins(scores)
    return [
        {
            "rows": int(chosen.sum()),
            "predicted": float(scores[chosen].mean()),
            "observed": float(target[chosen].mean()),
            "lowest": float(scores[chosen].min()),
            "highest": float(scores[chosen].max()),
        }
        for chosen in (bins == number for number in range(BINS))
        if chosen.any()
    ]


def write_csv(path: Path, keys: Sequence[str], lines: Iterable[dict[str, Any]]) -> None:
    """Write the lines under their keys, which are there without a line too: DVC warns of an empty file."""
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, keys, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def json_number(values: Floats) -> float | None:
    """The single value of an array for JSON; None if it is not finite."""
    return float(values[0]) if np.isfinite(values[0]) else None


def main(arguments: Sequence[str], project: Project) -> None:
    """The stage `evaluate`."""
    argparse.ArgumentParser(prog="evaluate", description=__doc__).parse_args(arguments)
    contract = read_contract()
    metrics = evaluate(project, Path(), contract, read_params())
    primary = PRIMARY[contract.kind]
    value, low, high = metrics["holdout"][primary].values()
    print(f"{primary} {value:.4f} ({low:.4f} to {high:.4f}) on {metrics['rows']:,} holdout rows")
