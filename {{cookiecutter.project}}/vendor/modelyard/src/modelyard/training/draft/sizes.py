"""The settings of a draft that suit the number of rows and how rare a class is: of estimators, tuning and costs.

A number gets scikit-learn's defaults. Classes get a penalty and, of many rows, larger leaves: on four sets of 4,000 to
20,000 rows with 3 to 30 % of the rarer class, log_loss was 1 to 6 % lower so; for a number, rmse was a third higher by
leaves of 80 than by those of 20. Leaves are smaller where there are few rows, or few of the rarest class.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.contract import Contract
from ..settings import Evaluate, Params
from .types import typed_as

RARE = 10  # the rarest class counts as so many times its rows, because the others' rows teach less about it


def sized(contract: Contract, table: pa.Table) -> dict[str, Any]:
    """The sections `model`, `evaluate` and `tune` of params.yaml for this table, in part."""
    counts = _counts(contract, table)
    rows = sum(counts)
    worth = min(rows, RARE * min(counts)) if len(counts) > 1 else rows

    def clip(number: int, low: int, high: int) -> int:
        return int(np.clip(number, low, high))

    leaf = clip(worth // 20, 5, 20)
    boosting = {"min_samples_leaf": leaf, "l2_regularization": 0.0}
    if contract.kind != "regression":
        boosting = {"min_samples_leaf": clip(worth // 100, leaf, 100), "l2_regularization": 1.0}
    return {
        "model": {
            "gradient_boosting": boosting,
            "random_forest": {"min_samples_leaf": clip(worth // 1000, 1, 20)},
        },
        "evaluate": {"resample": "row", "slice_rows": clip(table.num_rows // 100, 20, 500), **_costs(contract, counts)},
        "tune": {
            "space": {
                "gradient_boosting": {
                    "max_leaf_nodes": {"low": 4, "high": clip(worth // 10, 16, 64), "log": True},
                    "min_samples_leaf": {
                        "low": clip(worth // 500, 2, 20),
                        "high": clip(worth // 20, 20, 500),
                        "log": True,
                    },
                },
                "random_forest": {
                    "min_samples_leaf": {
                        "low": clip(worth // 5000, 1, 5),
                        "high": clip(worth // 50, 10, 500),
                        "log": True,
                    }
                },
            }
        },
    }


def told_sizes(params: Params) -> list[str]:
    """A line on the settings that suit the number of rows, as params.yaml has them now."""
    name = params.model.estimator
    leaf = (params.model.settings.get(name) or {}).get("min_samples_leaf")
    ends = params.tune.space.get(name, {}).get("min_samples_leaf")
    lines = [f"{name}: at least {leaf} rows in a leaf"] if leaf is not None else []
    if lines and ends is not None:
        lines = [f"{lines[0]}; `make tune` tries {ends.low:g} to {ends.high:g}"]
    return lines


def turned(contract: Contract, table: pa.Table, evaluate: Evaluate) -> dict[str, Any]:
    """The costs in params.yaml, if they are those that are drafted where the other of the two classes is positive."""
    costs = _costs(contract, _counts(contract, table))
    now = evaluate.false_positive_cost, evaluate.false_negative_cost
    other = tuple(costs.values())[::-1]
    return {"evaluate": costs} if costs and now == other else {}


def told_turned(before: Evaluate, after: Evaluate) -> list[str]:
    """A line on the costs that were turned when drafted again."""
    names = "false_positive_cost", "false_negative_cost"
    ends = [(name, getattr(before, name), getattr(after, name)) for name in names]
    told = ", ".join(f"{name} {old:g} -> {new:g}" for name, old, new in ends if old != new)
    return [f"params.yaml: the drafted costs are turned with the positive class: {told}"] if told else []


def _counts(contract: Contract, table: pa.Table) -> list[int]:
    """How many rows each class has; for a number, one count, of those that have one."""
    target = typed_as(contract, table.select([contract.target]))[contract.target]
    if contract.kind == "regression":
        return [max(1, len(target) - target.null_count)]
    found = {pair["values"]: pair["counts"] for pair in pc.value_counts(target).to_pylist()}
    return [max(1, found.get(value, 0)) for value in contract.classes]


def _costs(contract: Contract, counts: list[int]) -> dict[str, int]:
    """Costs by which both classes weigh alike; equal ones would have a model of a rare class answer never with it."""
    if contract.kind != "binary":
        return {}
    negative, positive = counts
    return {
        "false_positive_cost": _plain(positive / negative),
        "false_negative_cost": _plain(negative / positive),
    }


def _plain(ratio: float) -> int:
    """The ratio to one digit: 30 for 32.4; at least 1."""
    if ratio <= 1:
        return 1
    digit = 10 ** math.floor(math.log10(ratio))
    return digit * round(ratio / digit)
