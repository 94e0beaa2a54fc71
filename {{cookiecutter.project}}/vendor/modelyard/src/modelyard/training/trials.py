"""Fits with other settings than those in params.yaml, judged on the validation rows, in one process or in several."""

from __future__ import annotations

import dataclasses
import functools
import multiprocessing
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..runtime.contract import Contract
from ..runtime.matrix import matrix
from ..runtime.project import Project
from .cluster.address import scheduler_address
from .data.dataset import Rows, read_rows
from .fit import fit
from .layout import LEDGER
from .metrics import primary_loss
from .settings import Params
from .train import export

WorkerArguments = tuple[Project, Path, Contract, Params]


class Objective:
    """The task's primary metric on the validation rows, for settings of an estimator."""

    def __init__(self, project: Project, root: Path, contract: Contract, params: Params) -> None:
        self._project, self._contract, self._params = project, contract, params
        self._train = read_rows(root, contract, params, "train")
        self._validation = read_rows(root, contract, params, "validation")

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
        trained = fit(self._project, self._sample(rows), self._contract, params)
        validation = self._validation
        if exported:
            with tempfile.TemporaryDirectory() as folder:
                export(self._project, trained, Path(folder) / "model.onnx", self._contract, [validation])
        prediction = trained.predict(matrix(self._project.features(validation.columns, self._contract)))
        once = np.ones((1, len(prediction)))
        return float(primary_loss(self._contract.kind, validation.target, prediction, once)[0])

    def _sample(self, count: int | None) -> Rows:
        if count is None or count >= self.rows:
            return self._train
        chosen = sample(self._train.target, count, self._contract.kind != "regression", self._params.seed)
        return self._train.take(chosen)


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

        return cluster_workers(address, _start_worker, *arguments)
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


@functools.cache
def objective() -> Objective:
    """The rows, read once in each worker, at its first trial, because errors in an initializer are not reported."""
    if _worker_arguments is None:
        raise RuntimeError("the worker was not started")
    return Objective(*_worker_arguments)
