"""A loaded bundle with its circuit breaker, and whether it can answer the rows of another."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ContractError
from ...runtime.bundle import AGAIN, check_files, read_manifest, read_object
from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.fitting import misfits
from ...runtime.hashing import bundle_sha256
from ...runtime.predictor import Predictor
from ...runtime.probe import check_probe
from ...runtime.project import Project
from .breaker import Breaker

Table = NDArray[np.float64]

PROBE_SECONDS = 10.0  # for the answers to a bundle's probe

_log = logging.getLogger(__name__)


class Loaded:
    """A bundle in memory, which is not called for a while after it failed or was slow several times in a row.

    folder: None means the bundle inside the installed wheel. `check` is to be called before it answers.

    Raises ContractError if it holds no bundle, that of another project, a damaged one, or a file that is not the one
    that the manifest lists, for example during a copy.
    """

    def __init__(self, project: Project, folder: str | None) -> None:
        self.folder = project.packaged_bundle if folder is None else Path(folder)
        manifest = read_manifest(self.folder)
        if manifest.get("package", project.name) != project.name:  # older versions did not write it
            raise ContractError(f"{self.folder} is a bundle of {manifest['package']!r}, and this is {project.name}")
        check_files(self.folder, manifest)
        metrics = self.folder / "metrics.json"
        if faults := list(misfits(read_object(metrics), {"holdout": dict[str, Any]})):
            raise ContractError(f"{metrics}: {faults[0]}; {AGAIN}")
        self.predictor = Predictor(self.folder, project.features, check=False)
        self._features = project.features
        self.sha256 = bundle_sha256(self.folder)
        self.short = self.sha256[:12]
        self.breaker = Breaker()
        self._answer = self.predictor.model.answer

    def check(self, contract: Contract) -> None:
        """Ask the bundle its probe, with the features that the service will give it: those of this contract.

        Raises ContractError as `check_probe` does, or if it does not answer within PROBE_SECONDS.
        """
        one = self.predictor
        _within(
            PROBE_SECONDS,
            f"{self.folder}: its probe rows",
            lambda: check_probe(self.folder, one.manifest, one.contract, self._features, one.model, contract),
        )

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


def _within(seconds: float, what: str, call: Callable[[], None]) -> None:
    """Call in a thread, because features or a model that never end cannot be interrupted; raise what it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="probe", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise ContractError(f"{what} are not answered within {seconds:g} s")
    if raised:
        raise raised[0]


def differences(first: Predictor, other: Predictor) -> list[str]:
    """The reasons why another bundle cannot answer rows that are encoded for the first, one line each.

    Ranges may differ, because a number is encoded the same for both. Categories, their codes, and whether a value may
    be missing must be the same.
    """
    ours, theirs = first.contract, other.contract
    faults = [
        f"{label} is {their_value!r}; the first bundle's is {our_value!r}"
        for label, our_value, their_value in [
            ("its name", ours.name, theirs.name),
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
    if ours.is_elsewhere(theirs):
        faults.append(f"its input {name} is in {theirs.timezone} time, and the first bundle's in {ours.timezone} time")
    if ours.missing and not theirs.missing:
        faults.append(f"its input {name} must not be missing, and the first bundle's may")
    return faults
