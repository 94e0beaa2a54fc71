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

    def keep(self, month: str, day: str, rows: pa.Table, scores: Sequence[float]) -> None:
        """Keep the answers to these rows; those without a label are in no figure."""
        assert len(scores) == rows.num_rows
        known = rows[self._data.contract.target].is_valid().to_numpy()
        true = rows[self._data.contract.target].drop_null().to_numpy(zero_copy_only=False).astype(float)
        self._days[month][day] = np.column_stack([np.asarray(scores)[known], true])

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
        """Fail unless a window's figures are those of the answers that one month's version gave in it."""
        metric, recounts = self._metric, []
        for days in self._days.values():
            within = [rows for day, rows in days.items() if entry["start"] <= day < entry["end"]]
            if within:
                recounts.append((sum(map(len, within)), self._loss(within)))
        found = (entry["labelled"], entry["performance"][metric]["value"])
        if not any(rows == found[0] and np.isclose(loss, found[1], rtol=SAME, atol=0) for rows, loss in recounts):
            raise AssertionError(f"the monitor states {found} for {entry['start']}, a recount {recounts}")

    @property
    def _metric(self) -> str:
        return "rmse" if self._data.contract.kind == "regression" else "log_loss"

    def _loss(self, days: Sequence[NDArray[np.float64]]) -> float:
        scores, true = np.concatenate(days).T
        if self._metric == "rmse":
            return float(np.sqrt(np.mean(np.square(scores - true))))
        return float(-np.mean(np.where(true == 1, np.log(scores), np.log1p(-scores))))
