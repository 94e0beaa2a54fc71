"""How suspicious each label is, and which rows a person should look at first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...runtime.contract import Contract
from ..data.dataset import slice_rows

Floats = NDArray[np.float64]
BINS = 10  # of rows with like answers, in which residuals are scaled
FEWEST = 50  # rows of a bin
NORMAL = 1.4826  # the standard deviation of a normal distribution by its median absolute deviation


@dataclass(frozen=True)
class Suspicion:
    """What the out-of-fold answers say of each of n labels.

    order: shape (n,), higher is more suspicious: 1 less the probability of the given class, or the absolute residual in
    units of `spread`.
    told: shape (n,): the probability of the given class, or the scaled residual, given less predicted.
    predicted: shape (n,): the position of the most probable class, or the number.
    spread: shape (n,): the entropy of the answer, from 0, certain, to 1, all classes alike; or the standard deviation
    of the residuals of rows with like answers, in the target's unit.
    """

    order: Floats
    told: Floats
    predicted: NDArray
    spread: Floats


def suspicion(answers: Floats, target: NDArray, contract: Contract) -> Suspicion:
    """The suspicion of each label by its out-of-fold answers, as `out_of_fold` returns them.

    Sorting by the probability of the given label is what confident learning's ranking amounts to (Northcutt, Jiang and
    Chuang, 2021).
    """
    if contract.kind == "regression":
        residuals = target - answers
        spread = local_spread(answers, residuals)
        return Suspicion(np.abs(residuals) / spread, residuals / spread, answers, spread)
    given = answers[np.arange(len(target)), target]
    logarithms = np.log(answers, out=np.zeros_like(answers), where=answers > 0)
    entropy = -(answers * logarithms).sum(axis=1) / np.log(answers.shape[1])
    return Suspicion(1 - given, given, answers.argmax(axis=1), entropy)


def local_spread(answers: Floats, residuals: Floats) -> Floats:
    """The standard deviation of the residuals of rows with like answers, shape (n,), by their median deviation.

    Errors in labels are large and few, so they hardly move it.
    """
    order = np.argsort(answers, kind="stable")
    spread = np.empty(len(answers))
    whole = NORMAL * float(np.median(np.abs(residuals))) or float(residuals.std()) or 1.0
    for places in np.array_split(order, max(1, min(BINS, len(answers) // FEWEST))):
        # rows that are all alike say nothing of how far others may be away
        spread[places] = max(NORMAL * float(np.median(np.abs(residuals[places]))), whole / 10)
    return spread


def most_suspicious(
    table: pa.Table, order: Floats, contract: Contract, per_slice: int, left_out: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], int]:
    """The places of the rows to review, the most suspicious first, and the number of slices they were taken from.

    They are the `per_slice` most suspicious rows of each slice of the contract, each row once; of all rows, if it has
    no slices. left_out: shape (n,), rows that are not to be reviewed.
    """
    ranked = np.argsort(-order, kind="stable")
    ranked = ranked[~left_out[ranked]]
    slices = [
        chosen
        for name in contract.slices
        for _, chosen in slice_rows(table[name], contract.columns[name])
        if chosen.any()
    ]
    taken = np.zeros(len(order), bool)
    for chosen in slices or [np.ones(len(order), bool)]:
        taken[ranked[chosen[ranked]][:per_slice]] = True
    return ranked[taken[ranked]], len(slices)
