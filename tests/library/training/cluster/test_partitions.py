"""XGBoost in partitions: the bytes are of the number of partitions, wherever the workers are and if one is lost."""

from __future__ import annotations

import dataclasses
import importlib
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from library.conftest import Workspace
from library.training.cluster.dask_cluster import pids
from modelyard.errors import ContractError
from modelyard.training.bundle import used_params
from modelyard.training.cluster import client, partitions
from modelyard.training.cluster.local import local_cluster
from modelyard.training.data import blocks
from modelyard.training.data.matrices import FeatureBlocks, Partition
from modelyard.training.fit import features_of
from modelyard.training.fitted import fitted
from modelyard.training.layout import MODEL, TRAINING, VALIDATION
from modelyard.training.train import train

import flight_delays

NAME = "flights_in_partitions"
FILES = (MODEL, TRAINING, VALIDATION)


@pytest.fixture(scope="module", autouse=True)
def _package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A package as the sample's, with XGBoost; the workers get it from here."""
    folder = tmp_path_factory.mktemp("packages")
    shutil.copytree(Path(str(flight_delays.__file__)).parent, folder / NAME)
    with (folder / NAME / "model.py").open("a") as file:
        file.write('\nfrom modelyard import xgboost\n\nESTIMATORS["xgboost"] = xgboost\n')
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


def boosted(made: Workspace, root: Path, **model: Any) -> Workspace:
    """A copy of what ran, in which XGBoost is to be fitted in two partitions."""
    shutil.copytree(made.root, root, ignore=shutil.ignore_patterns("source", "bundle", "model", "evaluation"))
    workspace = Workspace(root, importlib.import_module(NAME).project)
    workspace.edit(model={"estimator": "xgboost", "partitions": 2, "xgboost": {"n_estimators": 10}, **model})
    return workspace


def trained(workspace: Workspace, cluster: str | None = None, **changed: Any) -> list[bytes]:
    """What a training on a cluster, or on this machine, writes."""
    params = dataclasses.replace(workspace.params, cluster=cluster, **changed)
    train(workspace.project, workspace.root, workspace.contract, params)
    return [(workspace.root / name).read_bytes() for name in FILES]


@pytest.mark.parametrize("task", ["made_regression", "made_multiclass"])
def test_two_clusters_give_the_same_bytes(request, tmp_path, capsys, task):
    workspace = boosted(request.getfixturevalue(task), tmp_path / "flights")
    here = trained(workspace)
    assert "the rows are in 2 partitions, each on a worker of this machine" in capsys.readouterr().out
    facts = json.loads(here[1])
    assert facts["partitions"] == 2
    assert "2 workers fitted it together" in fitted(facts, workspace.contract.kind)
    with local_cluster(3) as address:
        assert trained(workspace, address, threads=2) == here
    assert f"each on a worker of {address}" in capsys.readouterr().out


def test_a_worker_that_is_killed_while_they_fit_is_replaced(made, tmp_path, capsys):
    workspace = boosted(made, tmp_path / "flights", xgboost={"n_estimators": 100})
    here = trained(workspace)
    with local_cluster(2) as address:
        worker = psutil.Process(next(pid for name, pid in pids(address).items() if name != "scheduler"))
        idle = len(worker.net_connections("tcp"))
        ended = threading.Event()

        def kill() -> None:
            while not ended.wait(0.01):
                if len(worker.net_connections("tcp")) > idle + 2:  # to the tracker, and to the other worker
                    worker.kill()
                    return

        thread = threading.Thread(target=kill)
        thread.start()
        try:
            assert trained(workspace, address) == here
        finally:
            ended.set()
            thread.join()
    assert "a worker was lost: the fit begins again" in capsys.readouterr().out


def test_partitions_are_consecutive_and_of_one_size(made, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 500)
    rows = FeatureBlocks(made.root, made.contract, made.params, "train", features_of(made.project, made.contract))
    whole = rows.in_memory()
    parts = [list(Partition(rows, place, 3)) for place in range(3)]
    counts = [sum(len(target) for _table, target in part) for part in parts]
    assert max(counts) - min(counts) <= 1
    table = np.concatenate([table for part in parts for table, _target in part])
    assert np.array_equal(table, whole.table, equal_nan=True)
    assert np.array_equal(np.concatenate([target for part in parts for _table, target in part]), whole.target)


def test_an_estimator_of_one_process_is_refused_and_nothing_starts(made, tmp_path):
    workspace = boosted(made, tmp_path / "flights", estimator="gradient_boosting")
    told = r"params\.yaml: model\.partitions is 2, and gradient_boosting is fitted by one process: .* use XGBoost"
    with pytest.raises(ContractError, match=told):
        trained(workspace)
    assert not (workspace.root / MODEL).exists()


def test_what_the_workers_refuse_is_told_once(made, tmp_path):
    workspace = boosted(made, tmp_path / "flights", xgboost={"n_estimators": 10, "tree_method": "exact"})
    with pytest.raises(ContractError, match="block by block, tree_method is hist"):
        trained(workspace)


def test_too_few_workers_are_told(made, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "WORKERS", 1)
    with local_cluster(1) as address, pytest.raises(ContractError) as raised:
        trained(boosted(made, tmp_path / "flights"), address)
    assert str(raised.value) == f"{address} has 1 worker, and 2 are needed; start more"


def test_workers_that_are_lost_again_and_again_are_told(made, tmp_path, monkeypatch):
    monkeypatch.setattr(partitions, "ATTEMPTS", 1)
    with local_cluster(2, memory=180 * 2**20) as address, pytest.raises(ContractError) as raised:
        trained(boosted(made, tmp_path / "flights"), address)
    assert str(raised.value).startswith("workers were lost in 1 attempt, most likely by their memory limit: give them")


def test_the_manifest_names_the_partitions(made, tmp_path):
    workspace = boosted(made, tmp_path / "flights")
    assert used_params(workspace.params)["model"] == {
        "estimator": "xgboost",
        "partitions": 2,
        "xgboost": {"n_estimators": 10},
    }
    assert "partitions" not in used_params(made.params)["model"]
