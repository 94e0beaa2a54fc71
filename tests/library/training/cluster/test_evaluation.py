"""An evaluation on a cluster writes the bytes that one on this machine does, however many workers it has."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
from pathlib import Path

import pytest
from library.conftest import Workspace
from library.training.cluster.dask_cluster import in_the_first_trial, pids
from modelyard.errors import ContractError
from modelyard.training.cluster.local import local_cluster
from modelyard.training.evaluate import evaluate
from modelyard.training.layout import CALIBRATION, IMPORTANCE, METRICS, PREDICTIONS, SLICES

FILES = (METRICS, SLICES, CALIBRATION, IMPORTANCE, PREDICTIONS)


def judged(made: Workspace, root: Path, cluster: str | None, draws: int = 50) -> Path:
    """A copy of what ran, evaluated on a cluster or here."""
    shutil.copytree(made.root, root, ignore=shutil.ignore_patterns("source", "bundle", "evaluation"))
    settings = dataclasses.replace(made.params.evaluate, bootstrap=draws)
    params = dataclasses.replace(made.params, cluster=cluster, evaluate=settings)
    evaluate(made.project, root, made.contract, params)
    return root


@pytest.mark.parametrize("task", ["made", "made_regression", "made_multiclass"])
def test_it_writes_the_same_bytes(request, tmp_path, task):
    made = request.getfixturevalue(task)
    here = judged(made, tmp_path / "here", None)
    for workers in (1, 3) if task == "made" else (2,):
        with local_cluster(workers) as address:
            there = judged(made, tmp_path / f"there-{workers}", address)
        for name in FILES:
            assert (there / name).read_bytes() == (here / name).read_bytes(), name


def test_a_worker_that_is_killed_meanwhile_changes_nothing(made, tmp_path):
    here = judged(made, tmp_path / "here", None)
    with local_cluster(2) as address:
        process = pids(address)
        with in_the_first_trial(address, lambda worker: os.kill(process[worker], signal.SIGKILL)):
            there = judged(made, tmp_path / "there", address)
    for name in FILES:
        assert (there / name).read_bytes() == (here / name).read_bytes(), name


def test_nothing_is_written_if_the_scheduler_stops(made, tmp_path):
    with local_cluster(1) as address:
        process = pids(address)["scheduler"]
        with (
            in_the_first_trial(address, lambda _: os.kill(process, signal.SIGKILL)),
            pytest.raises(ContractError, match=r"the scheduler at .* is gone; nothing was written, so `make pipeline`"),
        ):
            judged(made, tmp_path / "there", address, draws=2000)
    assert not (tmp_path / "there/evaluation").exists()
