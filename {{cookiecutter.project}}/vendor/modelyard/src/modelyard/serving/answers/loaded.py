"""A loaded bundle with its circuit breaker, and whether it can answer the rows of another."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.bundle import check_files, read_manifest
from ...runtime.contract import Column
from ...runtime.hashing import bundle_sha256
from ...runtime.predictor import Predictor
from ...runtime.project import Project
from .breaker import Breaker

Table = NDArray[np.float64]

_log = logging.getLogger(__name__)


class Loaded:
    """A bundle in memory, which is not called for a while after it failed or was slow several times in a row.

    folder: None means the bundle inside the installed wheel. Raises ContractError if it holds no bundle, or if a file
    is not the one that the manifest lists, for example during a copy.
    """

    def __init__(self, project: Project, folder: str | None) -> None:
        self.folder = project.packaged_bundle if folder is None else Path(folder)
        check_files(self.folder, read_manifest(self.folder))
        self.predictor = Predictor(self.folder, project.features)
        self.sha256 = bundle_sha256(self.folder)
        self.short = self.sha256[:12]
        self.breaker = Breaker()
        self._answer = self.predictor.model.answer

    def answer(self, table: Table, deadline: float) -> NDArray[np.float64] | None:
        """The scores of n rows, or None if the bundle fails or its circuit breaker is open.

        A call cannot be interrupted, so an answer that comes after the deadline (seconds) is used, but counts as a
        failure of the bundle.
        """
        if not self.breaker.may_pass():
            return None
        started = time.perf_counter()
        try:
            scores = self._answer(table)
        except Exception as error:
            self._report_failure(error)
            return None
        if time.perf_counter() - started > deadline:
            self.breaker.bad()
            return scores
        if not (math.isfinite(scores[0]) if scores.shape == (1,) else np.isfinite(scores).all()):
            self._report_failure(ArithmeticError("an answer is not finite"))
            return None
        self.breaker.good()
        return scores

    def _report_failure(self, error: Exception) -> None:
        self.breaker.bad()
        _log.error("bundle %s fails: %s: %s", self.short, type(error).__name__, error)


def differences(first: Predictor, other: Predictor) -> list[str]:
    """The reasons why another bundle cannot answer rows that are encoded for the first, one line each.

    Ranges may differ, because a number is encoded the same for both. Categories, their codes, and whether a value may
    be missing must be the same.
    """
    ours, theirs = first.contract, other.contract
    faults = [
        f"{label} is {their_value!r}; the first bundle's is {our_value!r}"
        for label, our_value, their_value in [
            ("its target", ours.target, theirs.target),
            ("its kind", ours.kind, theirs.kind),
            ("its list of classes", ours.classes, theirs.classes),
            ("its target's unit", ours.columns[ours.target].unit, theirs.columns[theirs.target].unit),
            ("its list of inputs", list(ours.inputs), list(theirs.inputs)),
            ("its list of features", *(predictor.manifest["training"]["features"] for predictor in (first, other))),
        ]
        if our_value != their_value
    ]
    for name in ours.inputs.keys() & theirs.inputs.keys():
        faults += _input_differences(name, ours.inputs[name], theirs.inputs[name])
    return faults


def _input_differences(name: str, ours: Column, theirs: Column) -> list[str]:
    faults = [
        f"its input {name} has another {attribute}"
        for attribute in ("type", "role", "values", "format")
        if getattr(ours, attribute) != getattr(theirs, attribute)
    ]
    if ours.missing and not theirs.missing:
        faults.append(f"its input {name} must not be missing, and the first bundle's may")
    return faults
