"""The k nearest neighbours of scikit-learn, with one answer where rows are equally near.

scikit-learn's own classes take any of them, whichever its search meets first, and which that is no other program can
know. These take the first in the order of training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import neighbors
from sklearn.utils.validation import validate_data

BLOCK = 1000  # rows whose distances are in memory at once
# The power of each metric that is exported
POWERS = {"euclidean": 2, "l2": 2, "manhattan": 1, "l1": 1, "cityblock": 1}


def power(model: Any) -> int | None:
    """2 for the Euclidean distance, 1 for the Manhattan one, None for others."""
    if model.metric == "minkowski":
        return int(model.p) if model.p in (1, 2) else None
    return POWERS.get(model.metric)


class _InOrder:
    def fit(self: Any, table: Any, target: Any) -> Any:
        """Keep the rows."""
        super().fit(table, target)  # type: ignore[misc]
        self._fit_method = "kd_tree"  # for "brute", predict_proba would not ask kneighbors
        return self

    def kneighbors(
        self: Any,
        X: Any = None,  # noqa: N803 - scikit-learn's name
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> NDArray | tuple[NDArray, NDArray]:
        """The distances and positions of the nearest rows; of those equally near, the first."""
        if X is None:
            return super().kneighbors(X, n_neighbors, return_distance)  # type: ignore[misc]
        table = validate_data(self, X, reset=False, dtype=np.float64)
        places, distances = [], []
        for start in range(0, len(table), BLOCK):
            block = self._distances(table[start : start + BLOCK])
            order = np.argsort(block, axis=1, kind="stable")[:, : n_neighbors or self.n_neighbors]
            places.append(order)
            distances.append(np.take_along_axis(block, order, axis=1))
        joined = np.concatenate(distances)
        if power(self) == 2:
            joined = np.sqrt(joined)
        return (joined, np.concatenate(places)) if return_distance else np.concatenate(places)

    def _distances(self: Any, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Squared or absolute, added up feature by feature as the exported graph does."""
        total = np.zeros((len(table), len(self._fit_X)))
        for own, kept in zip(table.T, self._fit_X.T, strict=True):
            away = own[:, None] - kept[None, :]
            total += away * away if power(self) == 2 else np.abs(away)
        return total


class KNeighborsClassifier(_InOrder, neighbors.KNeighborsClassifier):
    """`sklearn.neighbors.KNeighborsClassifier` that takes the first of the rows that are equally near."""


class KNeighborsRegressor(_InOrder, neighbors.KNeighborsRegressor):
    """`sklearn.neighbors.KNeighborsRegressor` that takes the first of the rows that are equally near."""
