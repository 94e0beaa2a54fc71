"""A bundle that answers, as long as it can, and whether it may stand beside another."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.contract import Column, ContractError
from ...runtime.predictor import Predictor
from .breaker import Breaker

Table = NDArray[np.float64]

_log = logging.getLogger(__name__)


class Loaded:
    """A bundle in memory, which is left alone for a while when it fails or is slow several times in a row.

    folder: None is the bundle inside the wheel. Raises ContractError where it holds no bundle, or where a file is not
    the one that the manifest lists, as in the middle of a copy.
    """

    def __init__(self, folder: str | None) -> None:
        inside = resources.files(__package__.rpartition(".")[0]) / "bundle"
        self.folder = str(inside) if folder is None else folder
        _check_files(Path(self.folder))
        self.predictor = Predictor(folder)
        self.sha256 = _sha256(Path(self.folder) / "manifest.json")
        self.short = self.sha256[:12]
        self.breaker = Breaker()
        self._answer = self.predictor.model.answer

    def answer(self, table: Table, deadline: float) -> NDArray[np.float64] | None:
        """The scores of n rows, or None where it fails or is not to be asked now.

        A call cannot be interrupted, so an answer that comes after the deadline (seconds) is taken, and counts against
        the bundle.
        """
        if not self.breaker.may_pass():
            return None
        started = time.perf_counter()
        try:
            scores = self._answer(table)
        except Exception as error:
            self._say(error)
            return None
        if time.perf_counter() - started > deadline:
            self.breaker.bad()
            return scores
        if not (math.isfinite(scores[0]) if scores.shape == (1,) else np.isfinite(scores).all()):
            self._say(ArithmeticError("an answer is not finite"))
            return None
        self.breaker.good()
        return scores

    def _say(self, error: Exception) -> None:
        self.breaker.bad()
        _log.error("bundle %s fails: %s: %s", self.short, type(error).__name__, error)


def _check_files(folder: Path) -> None:
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return  # which is for the predictor to say
    try:
        listed: Mapping[str, str] = json.loads(manifest.read_bytes()).get("files", {})
    except ValueError as error:
        raise ContractError(f"{manifest} is no JSON ({error}); copy the bundle again") from None
    for name, digest in listed.items():
        try:
            found = _sha256(folder / name)
        except OSError as error:
            raise ContractError(f"{folder / name}: {error.strerror}; the bundle is not whole, copy it again") from None
        if found != digest:
            raise ContractError(f"{folder / name} is not the file that manifest.json lists; copy the bundle again")


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def differences(first: Predictor, other: Predictor) -> list[str]:
    """Why another bundle cannot answer the rows that are checked and encoded for the first, one line each.

    Ranges may differ: a number is the same to both. What is a category, how it is numbered, and whether a value may be
    missing must be the same.
    """
    ours, theirs = first.contract, other.contract
    faults = [
        f"{what} is {there!r}; the first bundle's is {here!r}"
        for what, here, there in [
            ("its target", ours.target, theirs.target),
            ("its kind", ours.kind, theirs.kind),
            ("its list of classes", ours.classes, theirs.classes),
            ("its target's unit", ours.columns[ours.target].unit, theirs.columns[theirs.target].unit),
            ("its list of inputs", list(ours.inputs), list(theirs.inputs)),
            ("its list of features", *(one.manifest["training"]["features"] for one in (first, other))),
        ]
        if here != there
    ]
    for name in ours.inputs.keys() & theirs.inputs.keys():
        faults += _input_differences(name, ours.inputs[name], theirs.inputs[name])
    return faults


def _input_differences(name: str, ours: Column, theirs: Column) -> list[str]:
    faults = [
        f"its input {name} has another {what}"
        for what in ("type", "role", "values", "format")
        if getattr(ours, what) != getattr(theirs, what)
    ]
    if ours.missing and not theirs.missing:
        faults.append(f"its input {name} must not be missing, and the first bundle's may")
    return faults
