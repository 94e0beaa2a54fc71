"""Errors of Dask as errors that say what happened to the cluster, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ...errors import ContractError, counted


@dataclass(frozen=True)
class Work:
    """What a cluster is used for. less: how to need less memory. again: what was kept, and how to go on."""

    name: str
    less: str
    again: str


@contextmanager
def told(address: str, work: Work, client: Any) -> Iterator[None]:
    """Raise ContractError for what Dask raises where a worker, all of them or the client's scheduler are lost."""
    from distributed.client import FutureCancelledError
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker, NoWorkerError

    try:
        yield
    except KilledWorker as error:
        memory = error.last_worker.memory_limit
        raise ContractError(
            f"{work.name} ended {counted(error.allowed_failures + 1, 'worker')} of {address} one after the other, most "
            f"likely by their memory limit of {memory / 2**30:.1f} GiB: {work.less}; {work.again}"
        ) from None
    except NoWorkerError:
        raise ContractError(f"all workers of {address} are gone; start some; {work.again}") from None
    except ContractError:
        raise
    except Exception as error:
        # A client that has given its scheduler up raises whatever its state leads to: a KeyError, an AttributeError
        if client.status == "running" and not isinstance(
            error, (CancelledError, FutureCancelledError, CommClosedError, OSError)
        ):
            raise
        raise ContractError(f"the scheduler at {address} is gone; {work.again}") from None
