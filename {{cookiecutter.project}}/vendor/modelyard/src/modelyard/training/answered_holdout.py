"""The metrics of the answers to the holdout with their intervals: of all its rows, and of each slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..runtime.contract import Contract
from .bootstrap import Measures, Spread, as_they_are, draws, intervals, summary
from .data.dataset import Rows, slice_rows
from .metrics import Decision, by_score, measures, primary_losses
from .settings import Evaluate, Params

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AnsweredHoldout:
    """The answers of a model and of its baseline to the holdout, and how its rows are drawn.

    target, groups: shape (n,); the rows of a group are drawn together. scores, constant: as `Predictor.predict` gives
    them. slices: the column, the value and the places of the rows of each slice that has enough of them.
    """

    contract: Contract
    params: Params
    decision: Decision | None
    target: NDArray
    scores: Floats
    constant: Floats
    groups: NDArray[np.int64]
    slices: Sequence[tuple[str, Any, NDArray[np.uint32]]]

    @classmethod
    def of(
        cls,
        rows: Rows,
        scores: Floats,
        baseline: Sequence[float],
        decision: Decision | None,
        contract: Contract,
        params: Params,
    ) -> AnsweredHoldout:
        """Of these rows. baseline: the constant answer, one number, or one for each class."""
        constant = np.broadcast_to(np.array(baseline if contract.kind == "multiclass" else baseline[0]), scores.shape)
        groups = draw_groups(rows, contract, params.evaluate)
        slices = [*_slices(rows, contract, params.evaluate)]
        return cls(contract, params, decision, rows.target, scores, constant, groups, slices)

    def holdout(self) -> dict[str, Any]:
        """Each metric of all rows with its interval, and `gain` over the baseline, on the same draws."""
        return self.summary(self.spread(0, self.params.evaluate.bootstrap, "holdout"))

    def spread(self, first: int, last: int, label: str | None = None) -> Spread:
        """What `holdout` needs of the draws with these numbers, which are from 0 to `evaluate.bootstrap`."""
        measured, groups = self._all_rows()
        return draws(measured, groups, self.params.seed, first, last, label)

    def summary(self, spread: Spread) -> dict[str, Any]:
        """What `holdout` returns, of all draws in their order."""
        measured, groups = self._all_rows()
        return summary(as_they_are(measured, len(groups)), spread)

    def slice_lines(self, number: int) -> list[dict[str, Any]]:
        """The metrics of one slice with intervals, one line each."""
        column, value, rows = self.slices[number]
        rows = rows[by_score(self.scores[rows])]
        groups = np.unique(self.groups[rows], return_inverse=True)[1]
        measured = measures(self.contract.kind, self.target[rows], self.scores[rows], self.decision)
        found = intervals(measured, groups, self.params.evaluate.bootstrap, self.params.seed)
        return [
            {"column": column, "slice": value, "rows": len(rows), "metric": name, **interval}
            for name, interval in found.items()
        ]

    def all_slice_lines(self) -> list[dict[str, Any]]:
        """The lines of all slices, in their order."""
        return [line for number in range(len(self.slices)) for line in self.slice_lines(number)]

    def _all_rows(self) -> tuple[Measures, NDArray[np.int64]]:
        """What measures all rows in the order in which that is fastest, and their groups."""
        order, kind = by_score(self.scores), self.contract.kind
        target, scores = self.target[order], self.scores[order]
        judged = measures(kind, target, scores, self.decision)
        loss, constant_loss = (primary_losses(kind, target, one) for one in (scores, self.constant[order]))

        def both(weights: Floats) -> dict[str, Floats]:
            return judged(weights) | {"gain": constant_loss(weights) - loss(weights)}

        return both, self.groups[order]


def draw_groups(rows: Rows, contract: Contract, settings: Evaluate) -> NDArray[np.int64]:
    """The group of each row, shape (n,), whose rows a bootstrap draws together: the row, its entity, or its day."""
    if settings.resample == "row":
        if contract.group is None:
            return np.arange(len(rows.target))
        return rows.table[contract.group].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    if contract.time is None:
        raise ContractError("params.yaml: evaluate.resample is day, and the data has no time column; make it row")
    return np.unique(rows.table[contract.time].to_numpy().astype("datetime64[D]"), return_inverse=True)[1]


def _slices(rows: Rows, contract: Contract, settings: Evaluate) -> Iterator[tuple[str, Any, NDArray[np.uint32]]]:
    for column in contract.slices:
        for value, chosen in slice_rows(rows.table[column], contract.columns[column]):
            if np.count_nonzero(chosen) >= settings.slice_rows:
                yield column, value, np.flatnonzero(chosen).astype(np.uint32)
