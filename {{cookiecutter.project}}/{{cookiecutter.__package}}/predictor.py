"""A bundle that answers rows. It needs numpy and onnxruntime, and nothing of what made the bundle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .contract import Contract, ContractError
from .features import Columns, features, matrix
from .quickscorer import QuickScorer
from .rows import Row, encode

MANY = 64  # rows that the tables of a QuickScorer answer sooner than the walk through the trees


class Predictor:
    """The model of one bundle, with the contract that its rows must keep.

    bundle: the bundle's folder; without one, the bundle inside the installed wheel.
    threads: how many threads one call may use.

    Raises ContractError where there is no bundle or it was made by another release of the format.
    """

    def __init__(self, bundle: str | Path | None = None, threads: int = 1) -> None:
        folder = Path(str(resources.files(__package__))) / "bundle" if bundle is None else Path(bundle)
        if not (folder / "manifest.json").is_file():
            raise ContractError(f"{folder} holds no bundle (no manifest.json); make one with `dvc repro`")
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if self.manifest["format"] != 1:
            raise ContractError(f"{folder} has bundle format {self.manifest['format']}; this package reads format 1")
        self.contract = Contract.from_json(folder / "contract.json")
        self.threshold: float | None = self.manifest["threshold"]
        self.model = Model(folder / "model.onnx", self.contract, threads)

    def predict(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """The answer to each row: what `Model.predict` gives.

        Raises RowsRefused where a row breaks the contract; then no row is answered.
        """
        return self.model.predict(encode(rows, self.contract))

    def decide(self, scores: NDArray[np.float64]) -> list[Any]:
        """The decision for each score: the class (by the bundle's threshold where there are two), or the number."""
        classes = self.contract.classes
        if self.contract.kind == "regression":
            return scores.tolist()
        if self.threshold is not None:
            return [classes[above] for above in (scores >= self.threshold).tolist()]
        return [classes[position] for position in scores.argmax(axis=1)]


class Model:
    """An ONNX file that answers columns in the encoding of `rows.encode`."""

    def __init__(self, path: Path, contract: Contract, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._contract = contract
        self._quick = QuickScorer.from_metadata(self._session.get_modelmeta().custom_metadata_map)
        if self._quick is not None:
            link = self._quick.link.tobytes()
            self._link = onnxruntime.InferenceSession(link, options, providers=["CPUExecutionProvider"])

    def predict(self, columns: Columns) -> NDArray[np.float64]:
        """The predictions for n rows.

        Shape (n,): the number (regression) or the probability of the positive class (binary). Shape (n, classes):
        the probabilities in the order of `contract.classes` (multiclass).
        """
        return self.answer(matrix(features(columns, self._contract)))

    def answer(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The predictions for n rows of features, a table of shape (n, features).

        A row has the same answer to the last bit whatever rows are asked with it.
        """
        rows = len(table)
        if not rows:
            return np.empty((0, len(self._contract.classes)) if self._contract.kind == "multiclass" else 0)
        if rows % 2:  # onnxruntime computes two rows at a time, and a single one in another way
            table = np.concatenate((table, table[-1:]))
        if self._quick is not None and rows >= MANY:
            (answer,) = self._link.run(["prediction"], {"sums": self._quick.sums(table)})
        else:
            (answer,) = self._session.run(["prediction"], {"features": table})
        return answer[:rows] if self._contract.kind == "multiclass" else answer[:rows, -1]
