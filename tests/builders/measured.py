"""Fit, export and compare one builder on one data set."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import numpy as np
import onnxruntime
from modelyard.errors import ContractError
from modelyard.training.export import check_exportable, to_onnx
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .answers import answers, largest_difference, session_of
from .data import DATA, Data
from .kinds import BUILDERS


@dataclass(frozen=True)
class Measured:
    """The largest difference, in relation to answers above 1, and the seconds for one row; or why it is refused."""

    difference: float = 0.0
    one_row: float = 0.0
    refused: str = ""


def measure(name: str, task: str, data_set: str, calls: int = 0) -> Measured:
    """Measure one builder; `calls` for one row, of which the median counts."""
    data: Data = DATA[data_set](task)
    estimator = BUILDERS[name].build(data.inputs)
    with warnings.catch_warnings(), threadpool_limits(1), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # so few rows make scikit-learn warn
        try:
            check_exportable(estimator)
        except ContractError as error:
            return Measured(refused=str(error))
        estimator.fit(data.table, data.target)
        expected = answers(estimator, data.asked)
        session = session_of(to_onnx(estimator, data.table.shape[1]).SerializeToString())
        found = session.run(["prediction"], {"features": data.asked})[0]
    assert found.shape == expected.shape, (found.shape, expected.shape)
    return Measured(largest_difference(found, expected), _seconds(session, data.asked[:1], calls))


def _seconds(session: onnxruntime.InferenceSession, row: NDArray[np.float64], calls: int) -> float:
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        session.run(["prediction"], {"features": row})
        times.append(time.perf_counter() - start)
    return float(np.median(times)) if times else 0.0
