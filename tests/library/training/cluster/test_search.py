"""A search finds the same wherever its trials run. The seconds are those in which processes start."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal

import psutil
import pytest
from library.training.cluster.dask_cluster import dask, in_the_first_trial, pids, scheduler, search, small_search
from modelyard.training.automl import automl
from modelyard.training.cluster.local import local_cluster


@pytest.fixture(scope="module")
def address():
    with local_cluster(2) as address:
        yield address


@pytest.fixture(scope="module")
def here(made, tmp_path_factory):
    return search(small_search(made, tmp_path_factory.mktemp("here") / "flights"), None)


def test_nothing_listens_on_an_interface_that_others_reach(address):
    started = [psutil.Process(pid) for pid in pids(address).values()]
    started += [parent for one in started if (parent := one.parent()) and parent.pid != os.getpid()]  # the nanny
    sockets = {found.laddr for one in started for found in one.net_connections("tcp") if found.status == "LISTEN"}
    assert len(sockets) >= 6  # of the scheduler, the nanny and two workers, with their HTTP ports
    assert {address.ip for address in sockets} == {"127.0.0.1"}


def test_two_workers_find_what_this_process_does(made, tmp_path, address, here):
    assert search(small_search(made, tmp_path / "flights"), address) == here


def test_with_one_worker_killed_they_find_it_too(made, tmp_path, address, here):
    killed = []

    def kill(worker):
        os.kill(pids(address)[worker], signal.SIGKILL)
        killed.append(worker)

    with in_the_first_trial(address, kill):
        found = search(small_search(made, tmp_path / "flights"), address)
    assert len(killed) == 1
    assert found == here


def test_a_search_of_all_estimators_finds_the_same_too(made, tmp_path, address):
    workspace = small_search(made, tmp_path / "flights")
    workspace.edit(model={"random_forest": {"n_estimators": 10, "max_depth": 6}})
    found = []
    for cluster in (None, address):
        params = dataclasses.replace(workspace.params, cluster=cluster)
        found.append(automl(workspace.project, workspace.root, workspace.contract, params, 4, 1))
        shutil.rmtree(workspace.root / "tuning")
    assert found[0] == found[1]
    assert {one.candidate.estimator for one in found[0].ranked} == {"gradient_boosting", "random_forest", "linear"}


def test_a_scheduler_needs_nothing_of_the_library(made, tmp_path, here):
    with scheduler(tmp_path, library=False) as address, dask("worker", address, "--nthreads", "1", "--nanny"):
        assert search(small_search(made, tmp_path / "flights"), address, 4) == here[:4]
