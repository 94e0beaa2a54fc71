"""XGBoost for a project's `model.py`, with answers in float64, and a builder that pins what must be.

It needs the package `xgboost` or `xgboost-cpu`, which only a project that uses it installs.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator

from ..errors import ContractError
from .estimators import Inputs
from .export.xgboost import EXP, SIGMOID, SOFTMAX, read_model

if TYPE_CHECKING:
    from .data.matrices import FeatureBlocks, Partition

try:
    import xgboost as package
except ImportError:
    raise ContractError(
        "model.py imports XGBoost, which is not installed; add it with `uv add --optional train 'xgboost-cpu>=3.2,<4'` "
        "(on macOS 'xgboost>=3.2,<4')"
    ) from None


CELLS = 4_000_000  # leaves of rows that are in memory at once


def xgboost(inputs: Inputs, **settings: Any) -> BaseEstimator:
    """Gradient boosting by XGBoost (Chen and Guestrin, 2016), with categories as they are.

    settings: of `xgboost.XGBClassifier` and `xgboost.XGBRegressor`.
    """
    kind = XGBRegressor if inputs.regression else XGBClassifier
    count = len(inputs.quantities) + len(inputs.categories)
    fixed: dict[str, Any] = {
        "random_state": inputs.seed,
        "n_jobs": inputs.threads,
        "enable_categorical": True,
        "feature_types": ["c" if place in inputs.categories else "q" for place in range(count)],
    }
    if unknown := settings.keys() - kind().get_params().keys():  # XGBoost only warns
        raise TypeError(f"XGBoost has no setting {min(unknown)!r}")
    if (device := str(settings.get("device") or "cpu")) != "cpu":
        _require_device(device)
    return kind(**fixed, **settings)


def _require_device(device: str) -> None:
    """Raise ContractError if XGBoost would train on another device; it only warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rows = package.DMatrix(np.zeros((2, 1)), label=[0, 1])
            used = package.train({"device": device}, rows, 1).save_config()
        except package.core.XGBoostError as error:
            raise ContractError(f"params.yaml: device {device!r}: {str(error).splitlines()[0]}") from None
    found = json.loads(used)["learner"]["generic_param"]["device"]
    if not found.startswith(device.partition(":")[0].replace("gpu", "cuda")):
        package_name = "it is xgboost-cpu; `uv add --optional train 'xgboost>=3.2,<4'` has CUDA, and "
        raise ContractError(
            f"params.yaml: device is {device!r}, and XGBoost uses {found!r} on this machine: "
            f"{'' if package.build_info().get('USE_CUDA') else package_name}"
            "a GPU with its driver must be here; or set device to cpu"
        )


def _beside(root: Path) -> Path:
    """A folder on the project's disk, as the system's for temporary files may be in memory: DVC's, if it is used."""
    if not (root / ".dvc").is_dir():
        return root
    (root / ".dvc/tmp").mkdir(exist_ok=True)
    return root / ".dvc/tmp"


class _Stream(package.DataIter):
    """Hands XGBoost a block of rows at a time; what it makes of them goes to files of that prefix."""

    def __init__(self, rows: FeatureBlocks | Partition, feature_types: list[str], prefix: Path) -> None:
        self._rows, self._types = rows, feature_types
        self._left = iter(rows)
        super().__init__(cache_prefix=str(prefix))

    def next(self, take: Any) -> bool:
        """Hand the next block over; False if there is none."""
        for table, target in self._left:
            take(data=table, label=target, feature_types=self._types)
            return True
        return False

    def reset(self) -> None:
        """Begin again with the first block."""
        self._left = iter(self._rows)


class _Double:
    """Answers with the float64 sum of the leaves that XGBoost's own float32 comparisons reach."""

    def fit_blocks(self: Any, rows: FeatureBlocks | Partition) -> None:
        """Fit as `fit` does, to the same bytes, with a block of the rows in memory (XGBoost's external memory)."""
        settings, count = self.get_xgb_params(), len(np.unique(rows.target))
        if settings.get("tree_method") not in (None, "auto", "hist") or self.early_stopping_rounds:
            raise ValueError("block by block, tree_method is hist, and early_stopping_rounds is none")
        if isinstance(self, package.XGBClassifier) and count > 2:
            softmax_asked = settings["objective"] == "multi:softmax"
            settings |= {"objective": "multi:softmax" if softmax_asked else "multi:softprob", "num_class": count}
        with tempfile.TemporaryDirectory(prefix="xgboost-", dir=_beside(rows.root)) as folder:
            stream = _Stream(rows, self.feature_types, Path(folder) / "rows")
            stored = package.ExtMemQuantileDMatrix(
                stream, missing=self.missing, nthread=self.n_jobs, max_bin=self.max_bin, enable_categorical=True
            )
            booster = package.train(settings, stored, self.get_num_boosting_rounds())
            content = booster.save_raw("ubj")
            del booster, stored, stream  # XGBoost removes its files
        self.load_model(content)

    def _link(self: Any, table: NDArray[np.float64]) -> NDArray[np.float64]:
        read = read_model(self)
        parts = np.array_split(table, max(1, len(table) * len(read.trees) // CELLS))
        sums = np.concatenate([read.sums(self.apply(part).astype(np.int64).reshape(len(part), -1)) for part in parts])
        if read.objective in SIGMOID:
            return expit(sums)
        if read.objective in EXP:
            return np.exp(sums)
        return softmax(sums, axis=1) if read.objective in SOFTMAX else sums


class XGBClassifier(_Double, package.XGBClassifier):
    """`xgboost.XGBClassifier` that adds up its leaves in float64."""

    def predict_proba(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities of all classes, (n, classes)."""
        answer = self._link(table)
        return np.concatenate((1 - answer, answer), axis=1) if answer.shape[1] == 1 else answer

    def predict(self, table: NDArray[np.float64]) -> NDArray[Any]:
        """The class of the highest probability."""
        return self.classes_[self.predict_proba(table).argmax(axis=1)]

    def single_precision(self, table: NDArray[np.float64]) -> NDArray[np.float32]:
        """The probabilities as XGBoost itself gives them; of two classes, the second's."""
        answer = super().predict_proba(table)
        return answer[:, 1] if answer.shape[1] == 2 else answer


class XGBRegressor(_Double, package.XGBRegressor):
    """`xgboost.XGBRegressor` that adds up its leaves in float64."""

    def predict(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The numbers, (n,)."""
        return self._link(table)[:, 0]

    def single_precision(self, table: NDArray[np.float64]) -> NDArray[np.float32]:
        """The numbers as XGBoost itself gives them."""
        return super().predict(table)
