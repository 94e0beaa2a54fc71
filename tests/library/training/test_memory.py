"""What a fit may take, and which way is chosen by it. XGBoost from blocks in files gives the bytes of memory."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import subprocess
import sys

import numpy as np
import pytest
from modelyard import Project, lightgbm, xgboost
from modelyard.errors import ContractError
from modelyard.training import memory
from modelyard.training.data import blocks
from modelyard.training.data.matrices import FeatureBlocks, Matrix
from modelyard.training.fit import built, features_of, fit_matrix
from modelyard.training.fitted import fitted
from modelyard.training.layout import MODEL, REFERENCE, TRAINING
from modelyard.training.memory import GIB, PROCESS, allowed_memory, fitting_rows
from modelyard.training.train import train

from flight_delays import project

OWN = {"xgboost": xgboost, "lightgbm": lightgbm}
FILES = (MODEL, TRAINING, REFERENCE)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Blocks of fewer rows than a period has, and a project that has other boosters too."""
    monkeypatch.setattr(blocks, "BLOCK", 500)
    for name, builder in OWN.items():
        monkeypatch.setitem(project.estimators, name, builder)


def with_memory(made, gib, estimator="xgboost", **settings):
    model = dataclasses.replace(
        made.params.model, estimator=estimator, settings={estimator: {"n_estimators": 10, **settings}}
    )
    return dataclasses.replace(made.params, memory_gb=gib, model=model)


def rows_of(made, params):
    given = FeatureBlocks(made.root, made.contract, params, "train", features_of(made.project, made.contract))
    return built(made.project, given, made.contract, params), given


TIGHT = PROCESS / GIB + 1e-6


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("task", ["made", "made_regression", "made_multiclass"])
def test_xgboost_gives_the_same_bytes_from_files_as_from_memory(request, capsys, task, threads):
    made = request.getfixturevalue(task)
    answers = []
    for gib in (None, TIGHT):
        params = dataclasses.replace(with_memory(made, gib), threads=threads)
        estimator, given = rows_of(made, params)
        rows = fitting_rows(given, estimator, params)
        assert isinstance(rows, Matrix if gib is None else FeatureBlocks)
        fitted = fit_matrix(estimator, rows, made.contract, params)
        answers.append((bytes(estimator.get_booster().save_raw()), fitted.predict(given.in_memory().table)))
    assert "reads them block by block" in capsys.readouterr().out
    (held, first), (streamed, second) = answers
    assert held == streamed
    assert np.array_equal(first, second)


def test_the_whole_stage_gives_the_same_files(workspace, capsys):
    workspace.run()
    written = []
    for gib in (None, TIGHT):
        train(workspace.project, workspace.root, workspace.contract, with_memory(workspace, gib))
        written.append([(workspace.root / name).read_bytes() for name in FILES])
    assert written[0] == written[1]
    told = "The model adds up in float64; XGBClassifier's own answers, in float32, are at most"
    assert told in capsys.readouterr().out
    assert told in fitted(json.loads(written[0][1]), "binary")
    assert not list(workspace.root.rglob("xgboost-*"))


@pytest.mark.parametrize("estimator", ["gradient_boosting", "lightgbm"])
def test_what_needs_all_rows_is_refused_before_it_starts(made, estimator):
    params = with_memory(made, TIGHT, "lightgbm")
    params = dataclasses.replace(params, model=dataclasses.replace(params.model, estimator=estimator, settings={}))
    fitted, given = rows_of(made, params)
    with pytest.raises(ContractError) as refused:
        fitting_rows(given, fitted, params)
    said = str(refused.value)
    assert said.startswith(f"{estimator} needs all rows at once: {len(given.target):,} rows of")
    assert "0.5 GiB are allowed by memory_gb in params.yaml" in said
    assert "split.window" in said
    assert "xgboost" in said
    assert "\n" not in said


@pytest.mark.parametrize("settings", [{"tree_method": "exact"}, {"early_stopping_rounds": 3}])
def test_settings_that_need_all_rows_are_refused(made, settings):
    params = with_memory(made, TIGHT, **settings)
    estimator, given = rows_of(made, params)
    with pytest.raises(ContractError, match="block by block, tree_method is hist"):
        fit_matrix(estimator, fitting_rows(given, estimator, params), made.contract, params)


def test_features_that_the_estimator_refuses_are_named(made):
    def infinite(columns, contract):
        found = made.project.features(columns, contract)
        return found | {"distance": np.full(len(found["distance"]), np.inf)}

    changed = Project(made.project.name, infinite)
    params = with_memory(made, TIGHT)
    given = FeatureBlocks(made.root, made.contract, params, "train", features_of(changed, made.contract))
    estimator = built(changed, given, made.contract, params)
    with pytest.raises(ContractError, match=r"features\.py: 'distance' in \d+ of \d+ rows is infinite"):
        fit_matrix(estimator, fitting_rows(given, estimator, params), made.contract, params)


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_device_that_is_not_there_is_an_error(made, device):
    with pytest.raises(ContractError, match=rf"device is '{device}', and XGBoost uses 'cpu' on this machine"):
        rows_of(made, with_memory(made, None, device=device))


def test_the_smallest_limit_counts(made, monkeypatch, tmp_path):
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "none")
    assert allowed_memory(made.params) == (machine, "this machine")
    (tmp_path / "own").write_text("0::/service/job\n")
    for folder, limit in {"service": "2147483648", "service/job": "max"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "memory.max").write_text(f"{limit}\n")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path)
    assert allowed_memory(made.params) == (2 * GIB, "the control group")
    assert allowed_memory(dataclasses.replace(made.params, memory_gb=0.5)) == (GIB // 2, "memory_gb in params.yaml")


def test_the_limit_of_a_version_1_group_counts(made, monkeypatch, tmp_path):
    (tmp_path / "own").write_text("9:cpu,cpuacct:/job\n4:memory:/job\n0::/\n")
    (tmp_path / "memory/job").mkdir(parents=True)
    (tmp_path / "memory/job/memory.limit_in_bytes").write_text("1073741824\n")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path)
    assert allowed_memory(made.params) == (GIB, "the control group")


def test_a_limit_of_the_process_counts():
    limit = 3 * GIB
    told = subprocess.run(
        [sys.executable, "-c", "from modelyard.training.memory import allowed_memory\n"
         "from types import SimpleNamespace\nprint(allowed_memory(SimpleNamespace(memory_gb=None)))"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == f"({limit}, 'RLIMIT_DATA')"
