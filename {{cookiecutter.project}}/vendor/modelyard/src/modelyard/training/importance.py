"""Permutation importance: how much worse the model gets when one input is shuffled (Breiman, 2001)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ..runtime.contract import Contract
from ..runtime.predictor import OnnxModel
from .data.dataset import Rows
from .metrics import primary_loss
from .settings import Params


def importance(
    model: OnnxModel, count: int, take: Callable[[NDArray[np.int64]], Rows], contract: Contract, params: Params
) -> dict[str, tuple[float, float]]:
    """For each input, the mean and standard deviation of the loss in the task's primary metric over the repeats.

    Measured on up to `importance_rows` of `count` rows, of which `take` gives those at these places. A larger loss
    means a more important input; about 0 means unimportant.
    """
    random = np.random.default_rng(params.seed)
    rows = take(np.sort(random.permutation(count)[: params.evaluate.importance_rows]))
    columns = {name: rows.columns[name] for name in contract.inputs}
    target = rows.target
    whole = _primary(model.predict(columns), target, contract)
    importances = {}
    for name in tqdm(columns, desc="importance", unit="input", leave=False, disable=None):
        shuffled = [
            _primary(model.predict(columns | {name: random.permutation(columns[name])}), target, contract)
            for _ in range(params.evaluate.importance_repeats)
        ]
        losses = np.array(shuffled) - whole
        importances[name] = (float(losses.mean()), float(losses.std()))
    return dict(sorted(importances.items(), key=lambda entry: -entry[1][0]))


def _primary(prediction: NDArray[np.float64], target: NDArray, contract: Contract) -> float:
    return float(primary_loss(contract.kind, target, prediction, np.ones((1, len(target))))[0])
