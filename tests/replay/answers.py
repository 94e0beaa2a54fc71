"""What clients of the service were answered, and the figures that follow from it: the recount by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .datasets import DataSet

SAME = 1e-9  # how far a figure may be from its recount, relatively


class Answers:
    """The scores of all rows, with what happened, by month and day."""

    def __init__(self, data: DataSet) -> None:
        self._data = data
        self._days: dict[str, dict[str, NDArray[np.float64]]] = defaultdict(dict)
        self._bundles: dict[str, str] = {}

    def keep(self, month: str, bundle: str, day: str, rows: pa.Table, scores: Sequence[float]) -> None:
        """Keep a bundle's answers to the rows of a day; those without a label are in no figure."""
        assert len(scores) == rows.num_rows
        known = rows[self._data.contract.target].is_valid().to_numpy()
        true = rows[self._data.contract.target].drop_null().to_numpy(zero_copy_only=False).astype(float)
        self._days[month][day] = np.column_stack([np.asarray(scores)[known], true])
        self._bundles[day] = bundle

    def count(self, month: str) -> int:
        """How many of its rows were answered and have a label."""
        return sum(len(day) for day in self._days[month].values())

    def loss(self, month: str) -> float:
        """The primary metric of a month: log loss, or the root of the mean squared error."""
        return self._loss(list(self._days[month].values()))

    def of_month(self, month: str, entry: Mapping[str, Any]) -> bool:
        """Whether a window of the monitor has days of that month."""
        return any(entry["start"] <= day < entry["end"] for day in self._days[month])

    def check(self, entry: Mapping[str, Any]) -> None:
        """Fail unless a window's figures are those of the answers that its bundle gave in it, in whichever month."""
        within = [
            rows
            for days in self._days.values()
            for day, rows in days.items()
            if entry["start"] <= day < entry["end"] and self._bundles[day] == entry["bundle"]
        ]
        recount = (sum(map(len, within)), self._loss(within)) if within else (0, None)
        found = (entry["labelled"], entry["performance"][self._metric]["value"])
        if recount[0] != found[0] or recount[1] is None or not np.isclose(recount[1], found[1], rtol=SAME, atol=0):
            raise AssertionError(
                f"the monitor states {found} from {entry['start']}, a recount of bundle {entry['bundle']} {recount}"
            )

    @property
    def _metric(self) -> str:
        return "rmse" if self._data.contract.kind == "regression" else "log_loss"

    def _loss(self, days: Sequence[NDArray[np.float64]]) -> float:
        scores, true = np.concatenate(days).T
        if self._metric == "rmse":
            return float(np.sqrt(np.mean(np.square(scores - true))))
        return float(-np.mean(np.where(true == 1, np.log(scores), np.log1p(-scores))))
