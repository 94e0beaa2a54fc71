"""How a draft splits data with a time: up to which period it is taken, and how many periods are held out.

Labels often come late: the last periods have rows and no target yet. They are left after the watermark, and enter when
it is moved on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from ...errors import ContractError
from ...runtime.contract import Contract
from ..bootstrap import FEWEST_GROUPS
from ..settings import UNITS
from ..warned import FEW
from .times import periods_of
from .types import typed_as

FRACTION = 6  # of the periods are held out, and as many are for validation, if half of the rows are left to train on
LARGEST = 3  # ... where it takes more for FEW rows of each class, this fraction at most, of the rows too


def fitted_split(contract: Contract, table: pa.Table) -> dict[str, Any]:
    """The period, the watermark and the split for a table with a time column, as params.yaml has them.

    The watermark is the last period with a target. Holdout and validation are long enough to have rows with one, and,
    where up to a third of the periods has them, as many rows of each class as a verdict needs. They are short enough to
    leave half of the rows and, where any length does, rows of each class to train on.

    Raises ContractError if the rows with a target lie in too few periods, or too far apart.
    """
    moments, labelled = _moments(contract, table)
    try:
        period, known = periods_of(pa.chunked_array([moments[labelled]]))
    except ContractError as error:
        raise ContractError(f"{error}; only rows with {contract.target} count") from None
    names = np.unique(moments.astype(f"datetime64[{UNITS[period]}]")).astype(str)
    taken = [str(name) for name in names if name <= known[-1]]
    with_target = [count for count in range(1, len(taken) // 2 + 1) if _is_known(taken, count, known)]
    if not with_target:
        raise ContractError(
            f"the last {period} with {contract.target} is {known[-1]}, the one before it {known[-2]}, too far back to "
            f"hold out, validate and train on as many {period}s each; get {contract.target} for rows between them"
        )
    held_out = _held_out(_class_counts(contract, table, period, taken), with_target)
    return {
        "period": period,
        "watermark": known[-1],
        "split": {"holdout": held_out, "validation": held_out, "window": None},
    }


def _held_out(counts: np.ndarray, with_target: list[int]) -> int:
    """How many periods to hold out, of those numbers that leave a target in each part; counts: (periods, classes)."""
    periods, rows = len(counts), counts.sum()
    train = {held_out: counts[: -2 * held_out].sum(axis=0) for held_out in with_target}
    able = [held_out for held_out in with_target if train[held_out].all()] or with_target
    short = [one for one in able if one <= max(1, periods // FRACTION) and 2 * train[one].sum() >= rows]
    usual = max(short, default=able[0])
    enough = (
        one
        for one in able
        if usual <= one <= periods // LARGEST and LARGEST * train[one].sum() >= rows and _has_each_class(counts, one)
    )
    return next(enough, usual)


def resampled_by(contract: Contract, table: pa.Table, fitted: dict[str, Any]) -> str:
    """What a bootstrap draws, given a fitted split: whole days where a day has several rows, as these are alike.

    With too few days in the holdout to draw from, as of data with a day a year, it draws rows.
    """
    moments, labelled = _moments(contract, table)
    periods, days = moments.astype(f"datetime64[{UNITS[fitted['period']]}]"), moments.astype("datetime64[D]")
    taken = periods.astype(str) <= fitted["watermark"]
    first = np.unique(periods[taken])[-fitted["split"]["holdout"]]
    held_out = np.unique(days[labelled & taken & (periods >= first)])
    is_by_day = len(days) > 2 * len(np.unique(days)) and len(held_out) >= FEWEST_GROUPS
    return "day" if is_by_day else "row"


def later_rows(contract: Contract, table: pa.Table, period: str, watermark: str) -> int:
    """The number of rows in periods after the watermark."""
    moments, _ = _moments(contract, table)
    return int((moments.astype(f"datetime64[{UNITS[period]}]").astype(str) > watermark).sum())


def _is_known(taken: list[str], held_out: int, known: list[str]) -> bool:
    """Whether each part has a period with a target if as many periods are held out, and as many are for validation."""
    parts = taken[-held_out:], taken[-2 * held_out : -held_out], taken[: -2 * held_out]
    return all(not set(known).isdisjoint(part) for part in parts)


def _class_counts(contract: Contract, table: pa.Table, period: str, taken: list[str]) -> np.ndarray:
    """The rows with a target in each period, (periods, classes); of one class for regression."""
    moments, labelled = _moments(contract, table)
    periods = moments.astype(f"datetime64[{UNITS[period]}]").astype(str)
    chosen = labelled & np.isin(periods, taken)
    classes = np.zeros(len(chosen), dtype=np.int64)
    if contract.kind != "regression":
        target = _timed(contract, table)[contract.target]
        classes = target.combine_chunks().dictionary_encode().indices.fill_null(0).to_numpy().astype(np.int64)
    found = np.zeros((len(taken), int(classes[chosen].max()) + 1), dtype=np.int64)
    np.add.at(found, (np.searchsorted(taken, periods[chosen]), classes[chosen]), 1)
    return found


def _has_each_class(counts: np.ndarray, held_out: int) -> bool:
    """Whether holdout and validation have FEW rows of each class, if there are any, if as many periods are held out."""
    parts = counts[-held_out:], counts[-2 * held_out : -held_out]
    return counts.shape[1] == 1 or all((part.sum(axis=0) >= FEW).all() for part in parts)


def _moments(contract: Contract, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The time of each row that has one, and whether the row has a target."""
    columns = _timed(contract, table)
    times = columns[str(contract.time)].cast(pa.timestamp("us")).to_numpy()
    return times, columns[contract.target].is_valid().to_numpy()


def _timed(contract: Contract, table: pa.Table) -> pa.Table:
    """Time and target of the rows that have a time, in the contract's types."""
    columns = typed_as(contract, table.select([str(contract.time), contract.target]))
    return columns.filter(columns[str(contract.time)].is_valid())
