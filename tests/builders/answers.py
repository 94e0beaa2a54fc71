"""What an estimator and its export answer, and how far they are apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from sklearn.base import is_regressor


def answers(estimator: Any, table: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the estimator says, in the shape of an export."""
    if is_regressor(estimator):
        return estimator.predict(table)[:, None]
    probabilities = estimator.predict_proba(table)
    return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


def largest_difference(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Absolute up to answers of 1, relative above."""
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))  # infinity too
    with np.errstate(invalid="ignore"):
        away = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
    return float(np.max(np.where(same, 0.0, away)))


def session_of(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
