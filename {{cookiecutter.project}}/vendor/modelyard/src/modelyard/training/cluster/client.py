"""The workers of a Dask cluster as a pool, like processes of this machine.

Whoever uses the cluster has it alone, and workers that were used before start anew, so that none has code or rows that
are not its own. What is to run on any worker runs again on another if that is gone. What goes wrong with the cluster is
a ContractError, within a minute.
"""

from __future__ import annotations

import importlib
import logging
import pickle
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ...errors import ContractError, counted
from ...runtime.project import Project
from .address import check_certificates, import_distributed
from .lost import Work, told

if TYPE_CHECKING:
    from .packing import Cargo

CONNECT = 15  # seconds until a scheduler must answer
WORKERS = 40  # seconds until a worker must be there, and all of them after they start anew
# What changes a model's bytes; a booster counts if model.py imports it
COMPARED = ("numpy", "scipy", "scikit-learn", "pyarrow", "onnx", "onnxruntime", "cloudpickle", "distributed")
NAME = "modelyard"  # as in worker.py, which only a process with Dask can import
BOOSTERS = {"lightgbm": ("lightgbm",), "xgboost": ("xgboost", "xgboost-cpu")}


@contextmanager
def cluster_workers(address: str, work: Work, cargo: Cargo) -> Iterator[Pool]:
    """All workers of the cluster at an address, with what travels to them.

    Raises ContractError if no scheduler or no worker answers, if a worker would find something else than this process,
    or if the cluster is in use.
    """
    check_certificates(address)
    client = _connect(address)
    with ExitStack() as stack:
        stack.callback(_close, client)
        with told(address, work, client):
            _check_workers(address, client, cargo.project)
            _have_alone(address, client, stack)
            pool = Pool(address, work, client, cargo)
        yield pool


class Pool(Executor):
    """Runs functions of the library on the workers, and hands on what they return or raise."""

    def __init__(self, address: str, work: Work, client: Any, cargo: Cargo) -> None:
        import cloudpickle

        from . import worker
        from .packing import pack

        cloudpickle.register_pickle_by_value(worker)
        shipment = worker.Shipment(pack(cargo), pickle.dumps((cargo.start, cargo.arguments)))
        client.register_plugin(shipment)
        self._address, self._work, self._client = address, work, client
        self._digest, self._run = shipment.digest, _Run(worker.run)

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future:
        """Run a function with these arguments on a worker that has nothing to do."""
        if named:
            raise TypeError("only positional arguments travel to a worker")
        return self._submit(pickle.dumps((function, arguments)))

    def submit_to(self, worker: str, function: Callable[..., Any], /, *arguments: Any) -> Future:
        """Run a function on the worker at an address, and on no other if that is lost."""
        return self._submit(pickle.dumps((function, arguments)), workers=[worker], allow_other_workers=False)

    @property
    def size(self) -> int:
        """The number of workers."""
        with self._told():
            return len(self._workers())

    def have(self, count: int) -> list[str]:
        """The addresses of so many workers. Raises ContractError if there are not as many after WORKERS seconds."""
        with self._told():
            try:
                self._client.wait_for_workers(count, timeout=WORKERS)
            except TimeoutError:
                raise ContractError(
                    f"{self._address} has {counted(len(self._workers()), 'worker')}, and {count} are needed; start more"
                ) from None
            return sorted(self._workers())[:count]

    def lost(self, workers: Iterable[str]) -> set[str]:
        """The addresses among these at which there is no worker any more."""
        with self._told():
            return set(workers) - self._workers()

    def start_anew(self) -> None:
        """End all that runs on the workers, which start again."""
        with self._told():
            _start_anew(self._address, self._client)

    def _told(self) -> AbstractContextManager[None]:
        return told(self._address, self._work, self._client)

    def _workers(self) -> set[str]:
        found = self._client.scheduler_info(n_workers=-1)
        self._check_connected()  # else it hands out what it knew before
        return set(found["workers"])

    def _check_connected(self) -> None:
        if self._client.status != "running":
            raise ConnectionError(self._client.status)

    def _submit(self, pickled: bytes, **where: Any) -> Future:
        with self._told():
            asked = self._client.submit(self._run, self._digest, pickled, pure=False, **where)
            self._check_connected()  # else nobody will ever answer
        answer: Future = Future()
        asked.add_done_callback(lambda done: self._answer(done, answer))
        return answer

    def _answer(self, done: Any, answer: Future) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            with self._told():
                value, error = pickle.loads(done.result())  # noqa: S301 - from the cluster's own worker
        except BaseException as lost:
            answer.set_exception(lost)
            return
        answer.set_exception(error) if error is not None else answer.set_result(value)


class _Run:
    """`run` of worker.py by its value: the scheduler, which has no library to find it by name, reads each call."""

    def __init__(self, run: Callable[[str, bytes], bytes]) -> None:
        import cloudpickle

        self._pickled, self._call = cloudpickle.dumps(run), run

    def __call__(self, digest: str, asked: bytes) -> bytes:
        return self._call(digest, asked)

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        return pickle.loads, (self._pickled,)


def _connect(address: str) -> Any:
    distributed = import_distributed()
    for name in ("distributed", "distributed.client", "tornado.application"):  # errors are ours to tell
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)  # compared below
    security = distributed.Security(require_encryption=address.startswith("tls://"))
    try:
        return distributed.Client(address, timeout=CONNECT, security=security, set_as_default=False)
    except (OSError, RuntimeError, TimeoutError, ValueError) as error:
        raise ContractError(
            f"no Dask scheduler answers at {address}: {_first_line(error)}. Start one with `make cluster`, or unset "
            "DASK_SCHEDULER_ADDRESS and take `cluster` out of params.yaml to do without"
        ) from None


def _check_workers(address: str, client: Any, project: Project) -> None:
    """Raise ContractError if there is no worker, or one that would not answer as this process does."""
    try:
        client.wait_for_workers(1, timeout=WORKERS)
    except TimeoutError:
        raise ContractError(
            f"no worker is connected to {address} after {WORKERS} s; start some, and look at their logs"
        ) from None
    faults = []
    for name, one in client.scheduler_info(n_workers=-1)["workers"].items():
        if one["nthreads"] != 1:  # the number of threads of a fit is of the whole process
            faults.append(f"{name} runs {one['nthreads']} trials at a time; start it with --nthreads 1")
        if not one["nanny"]:
            faults.append(f"{name} has no nanny that starts it anew; start it with --nanny")
    faults += _version_faults(client, project)
    if faults:
        raise ContractError("\n".join([f"the workers of {address} would not find what this machine does:", *faults]))


def _version_faults(client: Any, project: Project) -> Iterator[str]:
    """Versions that are others there than here; the library's own travels with the search."""
    importlib.import_module(f"{project.name}.model")
    names = [*COMPARED, *(name for module in BOOSTERS if module in sys.modules for name in BOOSTERS[module])]
    found = client.get_versions(packages=names)
    here = _versions(found["client"])
    for address, answer in [("the scheduler", found["scheduler"]), *found["workers"].items()]:
        there = _versions(answer)
        for name in (
            ("python", *names) if answer is not found["scheduler"] else ("python", "cloudpickle", "distributed")
        ):
            if there[name] != here[name]:
                yield f"{address} has {name} {there[name]}, here it is {here[name]}"


def _versions(told: dict[str, Any]) -> dict[str, str]:
    """The version of each package; of Python, what decides how code is pickled."""
    found = {name: version or "not installed" for name, version in told["packages"].items()}
    return found | {"python": ".".join(found["python"].split(".")[:2])}


def _have_alone(address: str, client: Any, stack: ExitStack) -> None:
    """Have the cluster alone, with workers that were not used before, until the stack is unwound."""
    from distributed.semaphore import Semaphore

    lock = Semaphore(max_leases=1, name="modelyard search", scheduler_rpc=client.scheduler, loop=client.loop)
    if not lock.acquire(timeout=2):
        raise ContractError(f"another search or fit runs on {address}; try again when it has ended")
    stack.callback(_quietly, lock.release)
    if client.get_metadata([NAME], default=None):
        _start_anew(address, client)
    client.set_metadata([NAME], "used")
    stack.callback(_quietly, client.unregister_worker_plugin, NAME)


def _start_anew(address: str, client: Any) -> None:
    try:
        client.restart(timeout=WORKERS)
    except TimeoutError:
        raise ContractError(
            f"the workers of {address} did not start anew within {WORKERS} s; look at their logs, or start others"
        ) from None


def _quietly(act: Callable[..., Any], *arguments: Any) -> None:
    """What is put in order at the end, unless the cluster is gone."""
    with suppress(Exception):
        act(*arguments)


def _close(client: Any) -> None:
    _quietly(client.close, 5)
    client.status = "closed"  # else it tries again, for longer, when Python drops it, and prints that it cannot


def _first_line(error: BaseException) -> str:
    """The first line of an error's message; its name if it says nothing."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
