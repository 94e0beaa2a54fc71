"""A bundle that answers rows. Requires numpy and onnxruntime, and none of the packages that training needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ..errors import ContractError
from .bundle import AGAIN, bundled_contract, check_manifest, read_manifest
from .contract import Contract
from .matrix import Columns, Features, matrix
from .probe import check_probe
from .quickscorer import QuickScorer
from .rows import Row, encode

Answers = Callable[[NDArray[np.float64]], NDArray[np.float64]]

BLOCK = 256  # rows that onnxruntime is given at once: a model may compare each with thousands of rows of training
MANY = 64  # from this many rows on, a QuickScorer is faster than onnxruntime's walk through the trees


class Predictor:
    """The model of one bundle, with the contract that its rows must follow.

    bundle: the bundle's folder.
    features: the function that computes the model's features; it must be the one that the model was trained with.
    threads: how many threads one call may use. check: whether the bundle's probe is asked, so that features that
        compute something else are noticed; it takes some milliseconds.

    Raises ContractError if there is no bundle, one of another format or a damaged one, or `check_probe` does.
    """

    def __init__(self, bundle: str | Path, features: Features, threads: int = 1, check: bool = True) -> None:
        folder = Path(bundle)
        self.manifest = read_manifest(folder)
        self.contract = bundled_contract(folder)
        check_manifest(folder, self.manifest, self.contract)
        self.threshold: float | None = self.manifest["threshold"]
        self.model = OnnxModel(folder / "model.onnx", self.contract, features, threads)
        if check:
            check_probe(folder, self.manifest, self.contract, features, self.model)

    def predict(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """The answer to each row, as `OnnxModel.predict` gives it.

        Raises RowsRefused if any row breaks the contract; then no row is answered.
        """
        return self.model.predict(encode(rows, self.contract))

    def decide(self, scores: NDArray[np.float64]) -> list[Any]:
        """The decision for each score: the class (by the bundle's threshold if there are two), or the number."""
        classes = self.contract.classes
        if self.contract.kind == "regression":
            return scores.tolist()
        if self.threshold is not None:
            return [classes[above] for above in (scores >= self.threshold).tolist()]
        return [classes[position] for position in scores.argmax(axis=1)]


class OnnxModel:
    """An ONNX file that answers columns in the encoding of `rows.encode`.

    Raises ContractError if it is none, or it also holds its trees as tables of a QuickScorer and these give other
    answers.
    """

    def __init__(self, path: Path, contract: Contract, features: Features, threads: int = 1) -> None:
        self._contract, self._features = contract, features
        try:
            self._load(path, threads)
        except ContractError:
            raise
        except Exception as error:  # onnxruntime has a class of its own for each kind of damage
            raise ContractError(f"{path} cannot be loaded: {type(error).__name__}: {error}; {AGAIN}") from error

    def predict(self, columns: Columns) -> NDArray[np.float64]:
        """The predictions for n rows.

        Shape (n,): the number (regression) or the probability of the positive class (binary). Shape (n, classes):
        the probabilities in the order of `contract.classes` (multiclass).
        """
        return self.answer(matrix(self._features(columns, self._contract)))

    def answer(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The predictions for n rows of features, a table of shape (n, features).

        The answer to a row is the same to the last bit whatever other rows are in the table.
        """
        rows = len(table)
        if not rows:
            return np.empty((0, len(self._contract.classes)) if self._contract.kind == "multiclass" else 0)
        if rows % 2:  # onnxruntime computes rows in pairs, and a single row differently
            table = np.concatenate((table, table[-1:]))
        answer = (self._many if rows >= MANY else self._few)(table)
        return answer[:rows] if self._contract.kind == "multiclass" else answer[:rows, -1]

    def _load(self, path: Path, threads: int) -> None:
        session = _session(str(path), threads)
        self._few: Answers = lambda table: _run(session, table)
        self._many = self._few
        quick = QuickScorer.from_metadata(session.get_modelmeta().custom_metadata_map)
        if quick is not None:
            link = _session(quick.link.tobytes(), threads)
            self._many = lambda table: link.run(["prediction"], {"sums": quick.sums(table)})[0]
            samples = quick.samples(session.get_inputs()[0].shape[1])
            if not np.allclose(self._many(samples), self._few(samples), rtol=1e-9, atol=1e-12):
                raise ContractError(f"{path} was changed: its trees answer otherwise than its tables of them")


def _run(session: onnxruntime.InferenceSession, table: NDArray[np.float64]) -> NDArray[np.float64]:
    parts = [
        session.run(["prediction"], {"features": table[start : start + BLOCK]})[0]
        for start in range(0, len(table), BLOCK)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _session(model: str | bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
