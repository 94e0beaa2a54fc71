"""A bundle that answers rows. It needs numpy and onnxruntime, and nothing of what made the bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .contract import Contract, ContractError
from .matrix import Columns, matrix
from PROJECT.features import features
from .quickscorer import QuickScorer
from .rows import Row, encode

Answers = Callable[[NDArray[np.float64]], NDArray[np.float64]]

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
    """An ONNX file that answers columns in the encoding of `rows.encode`.

    Raises ContractError where it has its trees a second time, as tables of a QuickScorer, and those answer otherwise.
    """

    def __init__(self, path: Path, contract: Contract, threads: int = 1) -> None:
        self._contract = contract
        session = _session(str(path), threads)
        self._few: Answers = lambda table: session.run(["prediction"], {"features": table})[0]
        self._many = self._few
        quick = QuickScorer.from_metadata(session.get_modelmeta().custom_metadata_map)
        if quick is not None:
            link = _session(quick.link.tobytes(), threads)
            self._many = lambda table: link.run(["prediction"], {"sums": quick.sums(table)})[0]
            samples = quick.samples(session.get_inputs()[0].shape[1])
            if not np.allclose(self._many(samples), self._few(samples), rtol=1e-9, atol=1e-12):
                raise ContractError(f"{path} was changed: its trees answer otherwise than its tables of them")

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
        answer = (self._many if rows >= MANY else self._few)(table)
        return answer[:rows] if self._contract.kind == "multiclass" else answer[:rows, -1]


def _session(model: str | bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
