"""The rows of a bundle with the answers of the pipeline that made it, by which whoever loads a bundle checks it.

A bundle holds no features: they are computed by the code that is installed. These rows tell whether that code computes
what the model was trained with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from .bundle import AGAIN, Manifest, read_object
from .contract import Contract
from .matrix import Columns, Features, matrix
from .rows import Row, RowsRefused, encode

TOLERANCE = 1e-6  # as that of a proof: another processor may round otherwise
MOST = 1000  # rows that are asked; a bundle has a hundred, and loading must not take long
TOLD = "use the version that the bundle was released with, or make the bundle again with this code"


@dataclass(frozen=True)
class ProbeRows:
    """n rows, and the pipeline's answers: of shape (n,), or (n, classes) for several classes."""

    rows: Sequence[Row]
    answers: NDArray[np.float64]


def read_probe(folder: Path, contract: Contract) -> ProbeRows:
    """The probe of the bundle in a folder, at most MOST rows. Raises ContractError if the file has another form."""
    path = folder / "probe.json"
    content = read_object(path)
    rows, answers = content.get("rows"), content.get("answers")
    if not (isinstance(rows, list) and isinstance(answers, list) and len(rows) == len(answers)):
        raise ContractError(f"{path} must have `rows` and as many `answers`; {AGAIN}")
    if not all(isinstance(row, dict) for row in rows):
        raise ContractError(f"{path}: each of `rows` must be an object; {AGAIN}")
    rows, answers = rows[:MOST], answers[:MOST]
    shape = (len(rows), len(contract.classes)) if contract.kind == "multiclass" and rows else (len(rows),)
    try:
        numbers = np.array(answers, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise ContractError(f"{path}: each of `answers` must be {_form(contract)}; {AGAIN}")
    return ProbeRows(rows, numbers)


def check_probe(
    folder: Path, manifest: Manifest, contract: Contract, features: Features, model: Any, by: Contract | None = None
) -> None:
    """Ask a loaded bundle its probe. model: its `OnnxModel`. by: the contract that `features` is given, if another.

    Raises ContractError if the features have other names than those of the training, an answer is not the pipeline's
    within the tolerance, or there is no answer.
    """
    probe = read_probe(folder, contract)
    if not probe.rows:
        return
    try:
        columns = encode(probe.rows, contract)
    except RowsRefused as refused:
        raise ContractError(f"{folder}: its probe rows break its own contract:\n{refused}\n{AGAIN}") from None
    try:
        scores = _scores(folder, manifest, columns, features, model, by or contract)
    except ContractError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ContractError(f"{folder}: the features here cannot answer its probe rows ({reason}); {TOLD}") from error
    if scores.shape != probe.answers.shape:
        raise ContractError(
            f"{folder}: its model gives answers of shape {scores.shape} to {len(probe.rows)} probe rows"
        )
    floor = 0.0 if contract.kind == "regression" else TOLERANCE
    same = np.isclose(scores, probe.answers, rtol=TOLERANCE, atol=floor)
    wrong = np.flatnonzero(~same if same.ndim == 1 else ~same.all(axis=1))
    if len(wrong):
        row = int(wrong[0])
        raise ContractError(
            f"{folder}: {len(wrong)} of {len(probe.rows)} probe rows are not answered as by the pipeline that made the "
            f"bundle, such as row {row}: {scores[row].tolist()}, not {probe.answers[row].tolist()}; the model was "
            f"trained with other features than are here: {TOLD}"
        )


def _scores(
    folder: Path, manifest: Manifest, columns: Columns, features: Features, model: Any, contract: Contract
) -> NDArray[np.float64]:
    computed = features(columns, contract)
    trained: list[str] = manifest["training"]["features"]
    if list(computed) != trained:
        absent = [name for name in trained if name not in computed]
        extra = [name for name in computed if name not in trained]
        parts = [
            f"{label}: {', '.join(names)}" for label, names in (("without", absent), ("with", extra)) if names
        ] or ["in another order"]
        raise ContractError(
            f"{folder}: the model was trained with other features than are here ({'; '.join(parts)}); {TOLD}"
        )
    scores: NDArray[np.float64] = model.answer(matrix(computed))
    return scores


def _form(contract: Contract) -> str:
    if contract.kind == "multiclass":
        return f"an array of {len(contract.classes)} probabilities"
    return "a number" if contract.kind == "regression" else "a probability"
