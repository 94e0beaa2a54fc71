"""The holdout's targets and the model's answers to it, as `evaluate` left them beside the bundle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray

from ..runtime.names import saved
from ..training import layout
from ..training.metrics import primary_loss
from .evidence import Evidence

CLOSE = 1e-6  # of the primary metric, by which the answers are known to be the bundle's


@dataclass(frozen=True)
class HoldoutAnswers:
    """The target of each holdout row, shape (n,), and its prediction, both as `measure` takes them.

    called: the position of the class that the model decides for, shape (n,); None for a number.
    """

    target: NDArray
    scores: NDArray[np.float64]
    called: NDArray[np.int64] | None


def answered(evidence: Evidence) -> HoldoutAnswers | None:
    """The answers of the bundle's model; None if they are not here, or those here are another model's."""
    path, contract = evidence.root / layout.PREDICTIONS, evidence.this.contract
    names = saved(contract)
    if not path.is_file():
        return None
    try:
        table = pyarrow.parquet.read_table(path, columns=[contract.target, *names])
    except (pa.ArrowException, OSError):
        return None
    if table.num_rows != evidence.this.metrics["rows"] or {*table.column_names} != {contract.target, *names}:
        return None
    values = table[contract.target]
    scores = np.stack([table[name].to_numpy() for name in names], axis=1)
    scores = scores if contract.kind == "multiclass" else scores[:, 0]
    if contract.kind == "regression":
        target = values.cast(pa.float64()).to_numpy()
    else:
        target = pc.index_in(values, pa.array(contract.classes, values.type)).to_numpy()
    claimed = evidence.this.metrics["holdout"][evidence.primary]["value"]
    found = float(primary_loss(contract.kind, target, scores, np.ones((1, len(target))))[0])
    if claimed is None or not np.isclose(found, claimed, rtol=CLOSE, atol=CLOSE):
        return None
    if contract.kind == "regression":
        return HoldoutAnswers(target, scores, None)
    threshold = evidence.this.manifest["threshold"]
    called = scores.argmax(axis=1) if contract.kind == "multiclass" else (scores >= threshold).astype(np.int64)
    return HoldoutAnswers(target, scores, called)
