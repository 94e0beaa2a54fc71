"""A cluster that is not there, or not fit, or gone midway is told in a clear error, and nothing is half written."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from library.training.cluster.dask_cluster import dask, in_the_first_trial, pids, scheduler, search, small_search
from modelyard.errors import ContractError
from modelyard.training.cluster import client
from modelyard.training.cluster.client import cluster_workers
from modelyard.training.cluster.local import local_cluster
from modelyard.training.cluster.packing import Cargo
from modelyard.training.trials import SEARCH

NOWHERE = "tcp://127.0.0.1:9"


@pytest.fixture
def begun(made, tmp_path):
    """A search whose first batch is done."""
    workspace = small_search(made, tmp_path / "flights")
    search(workspace, None, 4)
    return workspace


def written(root: Path) -> dict[str, bytes]:
    """What a search may change."""
    return {path.name: path.read_bytes() for path in (root / "params.yaml", *(root / "tuning").iterdir())}


def refused(workspace, address: str) -> str:
    """The error of a search; it comes within a minute and leaves everything as it was."""
    before, begin = written(workspace.root), time.monotonic()
    with pytest.raises(ContractError) as raised:
        search(workspace, address)
    assert time.monotonic() - begin < 60
    assert written(workspace.root) == before
    return str(raised.value)


def test_a_scheduler_that_is_not_there(begun, monkeypatch):
    monkeypatch.setattr(client, "CONNECT", 1)
    told = refused(begun, NOWHERE)
    assert told.startswith(f"no Dask scheduler answers at {NOWHERE}: ")
    assert "Start one with `make cluster`, or unset DASK_SCHEDULER_ADDRESS" in told


def test_no_worker_and_then_unfit_ones(begun, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "WORKERS", 2)
    with scheduler(tmp_path) as address:
        told = refused(begun, address)
        assert told == f"no worker is connected to {address} after 2 s; start some, and look at their logs"
        monkeypatch.setattr(client, "WORKERS", 40)
        other = tmp_path / "other/scikit_learn-1.0.0.dist-info"
        other.mkdir(parents=True)
        (other / "METADATA").write_text("Name: scikit-learn\nVersion: 1.0.0\n")
        path = {"PYTHONPATH": f"{other.parent}{os.pathsep}{os.environ['PYTHONPATH']}"}
        with dask("worker", address, "--nthreads", "2", "--no-nanny", env=path):
            told = refused(begun, address).splitlines()
    assert told[0] == f"the workers of {address} would not find what this machine does:"
    assert told[1].endswith(" runs 2 trials at a time; start it with --nthreads 1")
    assert told[2].endswith(" has no nanny that starts it anew; start it with --nanny")
    assert " has scikit-learn 1.0.0, here it is 1." in told[3]
    assert len(told) == 4


def test_a_scheduler_that_stops_midway(begun):
    with local_cluster(1) as address:
        process = pids(address)["scheduler"]
        with in_the_first_trial(address, lambda _: os.kill(process, signal.SIGKILL)):
            told = refused(begun, address)
    lost = f"the scheduler at {address} is gone; what was measured is kept, so `make tune` goes on from there"
    assert told == lost


@pytest.mark.parametrize("status", ["connecting", "closed"])
def test_a_scheduler_that_is_gone_is_told_whatever_is_asked_of_the_workers(made, monkeypatch, status):
    """A client tries to connect again for a while and then gives up; what it raises depends on which it is."""
    monkeypatch.setattr(client, "CONNECT", 2)
    with local_cluster(1) as address, cluster_workers(address, SEARCH, Cargo(made.project, {}, int, ())) as pool:
        scheduler = pids(address)["scheduler"]
        (worker,) = pool.have(1)
        os.kill(scheduler, signal.SIGKILL)
        end = time.monotonic() + 30
        while pool._client.status != status:
            assert time.monotonic() < end
            time.sleep(0.01)
        for ask in (
            lambda: pool.size,
            lambda: pool.have(1),
            lambda: pool.lost([worker]),
            lambda: pool.submit(os.getpid).result(),
            lambda: pool.submit_to(worker, os.getpid).result(),
            pool.start_anew,
        ):
            with pytest.raises(ContractError) as raised:
                ask()
            assert str(raised.value) == f"the scheduler at {address} is gone; {SEARCH.again}"


def test_a_worker_without_the_memory_for_a_trial(begun, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    with local_cluster(1, memory=180 * 2**20) as address:
        told = refused(begun, address)
    assert told.startswith(
        f"a trial ended 1 worker of {address} one after the other, most likely by their memory limit"
    )
    assert "give the workers more memory" in told


def test_all_workers_gone(begun, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT", "1s")
    with local_cluster(1) as address:
        process = pids(address)
        nanny = int(Path(f"/proc/{next(iter(process.values()))}/stat").read_text().rpartition(") ")[2].split()[1])

        def kill(_: str) -> None:
            os.kill(nanny, signal.SIGKILL)  # else it would start another one
            os.kill(next(iter(process.values())), signal.SIGKILL)

        with in_the_first_trial(address, kill):
            told = refused(begun, address)
    assert told.startswith(f"all workers of {address} are gone; start some")


def test_what_a_trial_raises_is_raised_here(begun):
    begun.edit(model={"gradient_boosting": {"no_such": 1}})  # which is another study
    with pytest.raises(ContractError) as here:
        search(begun, None)
    with local_cluster(1) as address:
        assert refused(begun, address) == str(here.value)
