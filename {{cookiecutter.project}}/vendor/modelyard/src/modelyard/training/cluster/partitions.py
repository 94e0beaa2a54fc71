"""Fit an estimator on the workers of a cluster, each with a partition of the rows.

The number of a partition is the rank of its worker among those of XGBoost's collective (`xgboost.collective`), in the
order of which sums are made. So the model has the bytes that the number of partitions gives, on any machines.
"""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ...errors import ContractError, counted
from ...runtime.contract import Contract
from ...runtime.project import Project
from ..data.matrices import FeatureBlocks, Partition
from ..data.parts import Part
from ..fit import built, features_of
from ..settings import Params
from .address import scheduler_address
from .client import Pool, cluster_workers
from .local import local_cluster
from .lost import Work
from .packing import Cargo, rows_to_fit

ATTEMPTS = 3
POLL = 2  # seconds between two looks at the workers
FIT = Work(
    "a partition's fit",
    "give them more memory, or raise model.partitions",
    "nothing was written, so `make pipeline` begins again",
)


class Fitted(Protocol):
    """An estimator that can be fitted on a block of rows at a time, together with others."""

    def fit_blocks(self, rows: Any) -> None:
        """Fit on these rows, and on those of the others in the collective that this thread is in."""

    def load_model(self, content: bytearray) -> None:
        """Be what another was fitted to."""

    def get_booster(self) -> Any:
        """What has the content of the model."""


class Partitions:
    """Workers that fit together. Each has all rows' files, and reads its partition of them."""

    def __init__(self, pool: Pool, count: int) -> None:
        self._pool, self._count = pool, count

    def fit(self, part: Part, estimator: Fitted) -> None:
        """Fit the estimator on a part of the rows; if a worker is lost, begin again with the one in its place.

        Raises what a worker does, and ContractError if workers are lost again and again.
        """
        for attempt in range(ATTEMPTS):
            if attempt:
                print("a worker was lost: the fit begins again", flush=True)
                self._pool.start_anew()
            workers = self._pool.have(self._count)
            try:
                content = self._fitted(workers, part)
            except Exception:
                if not self._pool.lost(workers):
                    raise
            else:
                estimator.load_model(bytearray(content))
                return
        raise ContractError(
            f"workers were lost in {counted(ATTEMPTS, 'attempt')}, most likely by their memory limit: {FIT.less}; "
            f"{FIT.again}"
        )

    def _fitted(self, workers: list[str], part: Part) -> bytes:
        """The model that these workers fit, each on the partition that has its place in the list."""
        first, *others = workers
        ready = [self._pool.submit_to(first, start_tracker, self._count)]
        ready += [self._pool.submit_to(one, import_all) for one in others]  # takes seconds, so at the same time
        tracker = self._results(ready, workers)[0]
        asked = [self._pool.submit_to(one, fit_partition, part, place, tracker) for place, one in enumerate(workers)]
        content: bytes = self._results(asked, workers)[0]
        return content

    def _results(self, asked: list[Future], workers: list[str]) -> list[Any]:
        """What all return. Raises the first error of one, and ContractError if one of the workers is lost."""
        left = set(asked)
        while left:
            done, left = wait(left, POLL, FIRST_EXCEPTION)
            if errors := [error for one in done if (error := one.exception())]:
                wait(left, POLL)  # until the scheduler has noticed which worker is gone, if one is
                raise errors[0]
            if gone := self._pool.lost(workers):
                raise ContractError(f"the worker {min(gone)} is gone")
        return [one.result() for one in asked]


@contextmanager
def partitions(project: Project, root: Path, contract: Contract, params: Params) -> Iterator[Partitions]:
    """As many workers as `model.partitions` says: of the cluster if there is one, else of this machine."""
    count = params.model.partitions
    _check(project, root, contract, params)
    address = scheduler_address(params.cluster)
    cargo = Cargo(project, rows_to_fit(root, contract, params), begin, (project, contract, params))
    with (
        nullcontext(address) if address else local_cluster(count) as found,
        cluster_workers(found, FIT, cargo) as pool,
    ):
        where = address or "this machine"
        print(f"the rows are in {counted(count, 'partition')}, each on a worker of {where}", flush=True)
        yield Partitions(pool, count)


def _check(project: Project, root: Path, contract: Contract, params: Params) -> None:
    count = params.model.partitions
    rows = FeatureBlocks(root, contract, params, "train", features_of(project, contract))
    if not hasattr(built(project, rows, contract, params), "fit_blocks"):
        raise ContractError(
            f"params.yaml: model.partitions is {count}, and {params.model.estimator} is fitted by one process: take it "
            "out, or use XGBoost (`from modelyard import xgboost` in model.py)"
        )
    if len(rows.target) < count:
        raise ContractError(f"params.yaml: model.partitions is {count}, more than the {len(rows.target)} training rows")


# In a worker

_begun: tuple[Project, Path, Contract, Params] | None = None


def begin(root: Path, project: Project, contract: Contract, params: Params) -> None:
    """Keep what the partitions are made with."""
    global _begun
    _begun = project, root, contract, params


def import_all() -> None:
    """Do nothing but import this module and what a fit needs."""
    import_module("xgboost")


def start_tracker(count: int) -> dict[str, Any]:
    """Start what tells so many workers of each other; how it is reached."""
    from distributed import get_worker
    from xgboost.tracker import RabitTracker

    host = urllib.parse.urlsplit(get_worker().address).hostname
    tracker = RabitTracker(count, host, sortby="task")
    tracker.start()
    threading.Thread(target=tracker.wait_for, daemon=True).start()
    return tracker.worker_args()


def fit_partition(part: Part, place: int, tracker: dict[str, Any]) -> bytes:
    """Fit on one partition, together with the workers of the others; the model, empty but for the first."""
    from xgboost.collective import CommunicatorContext

    if _begun is None:
        raise RuntimeError("the worker was not started")
    project, root, contract, params = _begun
    rows = FeatureBlocks(root, contract, params, part, features_of(project, contract))
    estimator: Any = built(project, rows, contract, params)
    with CommunicatorContext(**tracker, dmlc_task_id=f"{place:06d}"):  # by which they are sorted
        estimator.fit_blocks(Partition(rows, place, params.model.partitions))
    return bytes(estimator.get_booster().save_raw("ubj")) if place == 0 else b""
