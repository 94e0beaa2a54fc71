"""Two real data sets for each task: flights, with missing values and categories, and those in scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow.compute as pc
from modelyard.training.data.sources.sample import SampleSource
from modelyard.training.estimators import Inputs
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

QUANTITIES = ("distance", "temp", "wind_dir", "wind_speed", "wind_gust", "pressure", "visib")
CATEGORIES = ("carrier", "origin")
RARE = ("HA", "OO", "YV")  # carriers that training does not see
TASKS = ("regression", "binary", "multiclass")


@dataclass(frozen=True)
class Data:
    """Rows for training, and others that the export is asked about: unseen, and of extreme values."""

    inputs: Inputs
    table: NDArray[np.float64]
    target: NDArray
    asked: NDArray[np.float64]


@cache
def flights(task: str) -> Data:
    """Flights of 2013: will they be late, by how much; missing weather, and carriers that training does not see."""
    table = SampleSource().read("")
    table = table.take(list(range(0, table.num_rows, 223)))
    columns = [table[name].to_numpy().astype(float) for name in QUANTITIES]
    for name in CATEGORIES:
        codes = np.unique(table[name].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1]
        columns.append(codes.astype(float))
    features, delay = np.column_stack(columns), table["delay"].to_numpy()
    known = ~np.isnan(delay)
    is_rare = pc.is_in(table["carrier"], value_set=pc.cast(np.array(RARE), "string")).to_numpy()
    trains = known & ~is_rare & (np.arange(len(delay)) % 3 > 0)
    target = delay + 60 if task == "regression" else np.digitize(delay, [15.0] if task == "binary" else [-3.0, 15.0])
    if task == "regression":
        target = np.maximum(target, 1.0)
    places = [list(range(len(QUANTITIES))), list(range(len(QUANTITIES), features.shape[1]))]
    inputs = Inputs(task == "regression", *places, seed=7, threads=1)
    hostile = np.tile(features[~trains][:8], (2, 1))
    hostile[:6, places[0]] = np.array([np.nan, 1e30, -1e30, 5e-324, -5e-324, 1e-35])[:, None]
    hostile[6:, places[1]] = np.array([99, 200, 1000, np.nan, 5, 6, 7, 8, 9, 10])[:, None]
    return Data(inputs, features[trains], target[trains], np.concatenate([features[~trains], hostile]))


@cache
def bundled(task: str) -> Data:
    """Diabetes, breast cancer and wine: quantities alone, none missing, of scales that differ a thousandfold."""
    load = {"regression": load_diabetes, "binary": load_breast_cancer, "multiclass": load_wine}[task]
    features, target = load(return_X_y=True)
    features = features[:, :13]
    inputs = Inputs(task == "regression", list(range(features.shape[1])), [], seed=7, threads=1)
    trains = np.arange(len(target)) % 3 > 0
    hostile = features[~trains][:6].copy()
    hostile[:, :] = np.array([0.0, 1e12, -1e12, 5e-324, -1e-35, 1e5])[:, None]
    return Data(inputs, features[trains], target[trains], np.concatenate([features[~trains], hostile]))


DATA = {"flights": flights, "bundled": bundled}
