"""Fits with other settings than those in params.yaml, judged on the validation rows, in one process or in several."""

from __future__ import annotations

import dataclasses
import functools
import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..runtime.contract import Contract
from ..runtime.project import Project
from .cluster.address import scheduler_address
from .cluster.lost import Work
from .data.blocks import read_blocks, read_target
from .data.dataset import Rows
from .data.matrices import FeatureBlocks, Matrix
from .fit import answers_of, built, features_of, fit_matrix
from .layout import LEDGER
from .memory import fitting_rows
from .metrics import primary_loss
from .settings import Params
from .train import export

WorkerArguments = tuple[Project, Path, Contract, Params]
SEARCH = Work(
    "a trial",
    "give the workers more memory, or take settings out of tune.space that need less",
    "what was measured is kept, so `make tune` goes on from there",
)


class Objective:
    """The task's primary metric on the validation rows, for settings of an estimator.

    The rows are in memory once the first fit needs all of them, unless the estimator has to read them block by block.
    """

    def __init__(self, project: Project, root: Path, contract: Contract, params: Params) -> None:
        self._project, self._root, self._contract, self._params = project, root, contract, params
        self._features = features_of(project, contract)
        self._train = FeatureBlocks(root, contract, params, "train", self._features)
        self._held: Matrix | None = None  # all training rows, once they were needed at once
        self._target, _ = read_target(root, contract, params, "validation")

    @property
    def rows(self) -> int:
        """The number of training rows."""
        return len(self._train.target)

    def __call__(
        self, settings: dict[str, Any], estimator: str | None = None, rows: int | None = None, exported: bool = False
    ) -> float:
        """Fit with the settings in params.yaml, changed by these, and measure.

        estimator: its name (None: the one in use). rows: the size of the sample that trains (None: all training rows).
        exported: whether the export must also answer as the estimator does; ContractError is raised if it does not.
        """
        params = with_settings(self._params, settings, estimator)
        unfitted = built(self._project, self._train, self._contract, params)
        trained = fit_matrix(unfitted, self._sample(rows, unfitted, params), self._contract, params)
        if exported:
            with tempfile.TemporaryDirectory() as folder:
                export(self._project, trained, Path(folder) / "model.onnx", self._contract, self._validation())
        prediction = np.concatenate([answers_of(trained, self._features(one.columns)) for one in self._validation()])
        once = np.ones((1, len(prediction)))
        return float(primary_loss(self._contract.kind, self._target, prediction, once)[0])

    def _validation(self) -> Iterator[Rows]:
        return read_blocks(self._root, self._contract, self._params, "validation")

    def _sample(self, count: int | None, estimator: object, params: Params) -> Matrix | FeatureBlocks:
        if count is not None and count < self.rows:
            chosen = sample(self._train.target, count, self._contract.kind != "regression", self._params.seed)
            return self._held.take(chosen) if self._held else self._train.take(chosen)
        if self._held is None:
            rows = fitting_rows(self._train, estimator, params)
            if isinstance(rows, FeatureBlocks):
                return rows
            self._held = rows
        return self._held


def sample(target: NDArray, count: int, classes: bool, seed: int) -> NDArray[np.int64]:
    """The places of `count` rows, in their order: a smaller sample is part of each larger one.

    classes: whether the target has classes; each is then in the sample, in proportion.
    """
    order = np.random.default_rng(seed).permutation(len(target))
    if classes:
        share = np.empty(len(target))  # of its class that comes before a row
        for one in np.unique(target):
            members = order[target[order] == one]
            share[members] = np.arange(len(members)) / len(members)
        order = order[np.argsort(share[order], kind="stable")]
    return np.sort(order[:count])


def with_settings(params: Params, settings: dict[str, Any], estimator: str | None = None) -> Params:
    """The parameters with an estimator in use, the present one or another, and these of its settings changed."""
    name = estimator or params.model.estimator
    merged = params.model.settings | {name: (params.model.settings.get(name) or {}) | settings}
    return dataclasses.replace(params, model=dataclasses.replace(params.model, estimator=name, settings=merged))


def check_taken(root: Path) -> None:
    """Raises ContractError if there is no data to search on."""
    if not (root / LEDGER).is_file():
        raise ContractError("no data was taken yet; take it with `make pipeline`")


def workers(jobs: int, arguments: WorkerArguments) -> AbstractContextManager[Executor]:
    """`jobs` workers, or those of the cluster if there is one, in each of which `objective` has the rows."""
    if address := scheduler_address(arguments[3].cluster):
        from .cluster.client import cluster_workers
        from .cluster.packing import Cargo, rows_to_fit

        project, root, contract, params = arguments
        files = rows_to_fit(root, contract, params)
        return cluster_workers(address, SEARCH, Cargo(project, files, _start_there, (project, contract, params)))
    if jobs < 1:
        raise ContractError(f"JOBS is {jobs}: at least 1 is needed")
    if jobs == 1:
        return ThreadPoolExecutor(1, initializer=_start_worker, initargs=arguments)
    # spawned, because a forked process must not use OpenMP after its parent has
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, context, initializer=_start_worker, initargs=arguments)


_worker_arguments: WorkerArguments | None = None  # what a worker was started with


def _start_worker(project: Project, root: Path, contract: Contract, params: Params) -> None:
    global _worker_arguments
    _worker_arguments = (project, root, contract, params)
    objective.cache_clear()


def _start_there(root: Path, project: Project, contract: Contract, params: Params) -> None:
    _start_worker(project, root, contract, params)


@functools.cache
def objective() -> Objective:
    """The rows, read once in each worker, at its first trial, because errors in an initializer are not reported."""
    if _worker_arguments is None:
        raise RuntimeError("the worker was not started")
    return Objective(*_worker_arguments)
