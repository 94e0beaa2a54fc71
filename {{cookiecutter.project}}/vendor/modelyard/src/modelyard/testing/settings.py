"""Whether the settings of a project are valid, consistent, and name only what exists."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..code import STAGES
from ..errors import YardError
from ..judging.policy import read_policy
from ..reporting.docs import DATA, data_page
from ..runtime.contract import Contract
from ..training.data.parts import split_time
from ..training.metrics import Decision, measure
from ..training.settings import Params
from ..vendoring.guard import check_stage


def check_fit(contract: Contract, params: Params) -> None:
    """`params.yaml` fits data with a time column, or data without one."""
    __tracebackhide__ = True
    if contract.time is None:
        assert params.watermark is None, "params.yaml: watermark must be null: no column of contract.yaml has role time"
        assert params.evaluate.resample == "row", (
            "params.yaml: evaluate.resample must be row: no column of contract.yaml has role time"
        )
        holdout, validation = params.split.holdout, params.split.validation
        fractions = not isinstance(holdout, str) and not isinstance(validation, str) and holdout + validation < 1
        assert fractions, (
            "params.yaml: split.holdout and split.validation must be fractions that add up to less than 1: no column "
            f"of contract.yaml has role time; they are {holdout} and {validation}"
        )
        return
    assert params.watermark is not None, (
        f"params.yaml: watermark must name the last period to take: {contract.time!r} has role time in contract.yaml"
    )
    try:
        split_time([f"{year:04}" for year in range(1, 10_000)], params.split, "Y", _last_day_of_year)
    except YardError as error:
        raise AssertionError(str(error)) from None


def check_policy(root: Path, contract: Contract) -> None:
    """`policy.yaml` is valid and names metrics of this target only."""
    __tracebackhide__ = True
    try:
        policy = read_policy(root / "policy.yaml")
    except YardError as error:
        raise AssertionError(str(error)) from None
    metrics = _metrics(contract)
    named = {f"floors.{name}": name for name in policy.floors} | {"champion.metric": policy.champion.metric}
    for key, name in named.items():
        assert name is None or name in metrics, (
            f"policy.yaml: {key}: {contract.target!r} is a target of kind {contract.kind}, which has no {name}; "
            f"it has: {', '.join(metrics)}"
        )


def check_docs(root: Path, contract: Contract) -> None:
    """`docs/data.md`, if it exists, is up to date with `contract.yaml`."""
    __tracebackhide__ = True
    page = root / DATA
    assert not page.is_file() or page.read_text(encoding="utf-8") == data_page(contract), (
        f"{DATA} is not what contract.yaml says; write it anew with `make docs`, and commit it"
    )


def check_library(root: Path) -> None:
    """The library in `vendor/` is the one in `uv.lock`, and `vendor/yard.json` has the hashes of the one that runs."""
    __tracebackhide__ = True
    try:
        for stage in STAGES:
            check_stage(stage, root)
    except YardError as error:
        raise AssertionError(str(error)) from None


def _last_day_of_year(year: str, before: np.datetime64 | None) -> np.datetime64 | None:
    """The last day of a year with rows on each day, or the one before a day of it."""
    first, day = np.datetime64(year, "D"), np.timedelta64(1, "D")
    last = (np.datetime64(year, "Y") + 1).astype("datetime64[D]") - day
    last = last if before is None else min(last, before - day)
    return last if last >= first else None


def _metrics(contract: Contract) -> list[str]:
    """The names of the metrics that the evaluation has for this target."""
    classes = max(len(contract.classes), 2)
    target, right = np.arange(classes), np.eye(classes)
    prediction = right if contract.kind == "multiclass" else right[:, 1]
    with np.errstate(all="ignore"):
        return list(measure(contract.kind, target, prediction, np.ones((1, classes)), Decision(0.5, 1.0, 1.0)))
