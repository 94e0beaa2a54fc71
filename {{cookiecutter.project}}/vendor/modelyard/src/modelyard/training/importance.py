"""Permutation importance: how much worse the model gets when one input is shuffled (Breiman, 2001)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ..runtime.contract import Contract
from .data.dataset import Rows
from .metrics import primary_loss
from .settings import Params

Losses = Mapping[str, NDArray[np.float64]]


class Model(Protocol):
    """What answers rows."""

    def predict(self, columns: dict[str, NDArray]) -> NDArray[np.float64]:
        """As `Predictor.predict`."""


@dataclass(frozen=True)
class Shuffled:
    """Rows whose inputs are shuffled, one input at a time.

    columns: each input of the rows, shape (n,). random: what shuffles, in the state before the first shuffle.
    """

    contract: Contract
    columns: Mapping[str, NDArray]
    target: NDArray
    repeats: int
    random: np.random.Generator

    @classmethod
    def of(cls, count: int, take: Callable[[NDArray[np.int64]], Rows], contract: Contract, params: Params) -> Shuffled:
        """Of up to `importance_rows` of `count` rows, of which `take` gives those at these places."""
        random = np.random.default_rng(params.seed)
        rows = take(np.sort(random.permutation(count)[: params.evaluate.importance_rows]))
        columns = {name: rows.columns[name] for name in contract.inputs}
        return cls(contract, columns, rows.target, params.evaluate.importance_repeats, random)

    def losses(self, model: Model, names: Collection[str] | None = None) -> Losses:
        """For each input, or each of these, how much worse the primary metric gets in each repeat, shape (repeats,)."""
        random = copy.deepcopy(self.random)
        whole = self._primary(model, {})
        found = {}
        for name in tqdm(self.columns, desc="importance", unit="input", leave=False, disable=True if names else None):
            # drawn for the others too, so that an input is shuffled the same way whoever asks for it
            shuffled = [random.permutation(self.columns[name]) for _ in range(self.repeats)]
            if names is None or name in names:
                found[name] = np.array([self._primary(model, {name: one}) for one in shuffled]) - whole
        return found

    def _primary(self, model: Model, changed: Mapping[str, NDArray]) -> float:
        prediction, once = model.predict({**self.columns, **changed}), np.ones((1, len(self.target)))
        return float(primary_loss(self.contract.kind, self.target, prediction, once)[0])


def importance(losses: Losses) -> dict[str, tuple[float, float]]:
    """For each input, the mean and standard deviation of its losses over the repeats, the most important first.

    A larger loss means a more important input; about 0 means unimportant.
    """
    found = {name: (float(one.mean()), float(one.std())) for name, one in losses.items()}
    return dict(sorted(found.items(), key=lambda entry: -entry[1][0]))
