from __future__ import annotations

import shutil

import numpy as np
import pytest
from modelyard.reporting import learning
from modelyard.reporting.charts import Curves
from modelyard.reporting.evidence import gather
from modelyard.training.data.dataset import read_rows
from modelyard.training.fit import fit
from sklearn import metrics as sklearn


def curve(workspace):
    section = learning.learning(workspace.project, gather(workspace.root))
    return next(block for block in section.blocks if isinstance(block, Curves)).lines["this"]


def test_the_curve_ends_with_the_estimator_on_all_training_rows(made, monkeypatch):
    monkeypatch.setattr(learning, "MOST", 10**6)
    sizes, losses = curve(made)
    train, validation = (read_rows(made.root, made.contract, made.params, part) for part in ("train", "validation"))
    assert sizes == [int(len(train.target) * share) for share in learning.SHARES]
    shuffled = train.take(np.random.default_rng(made.params.seed).permutation(len(train.target)))
    trained = fit(made.project, shuffled, made.contract, made.params)
    scores = trained.predict(learning.matrix(made.project.features(validation.columns, made.contract)))
    assert losses[-1] == pytest.approx(sklearn.log_loss(validation.target, scores))
    assert losses[-1] < losses[0]


def test_it_is_the_same_each_time_and_of_so_many_rows_at_most(made_regression, monkeypatch):
    monkeypatch.setattr(learning, "MOST", 800)
    found = curve(made_regression)
    assert found[0] == [100, 200, 400, 800]
    assert curve(made_regression) == found


def test_what_takes_too_long_is_left_out(made, monkeypatch):
    monkeypatch.setattr(learning, "SECONDS", 0.0)
    assert learning.learning(made.project, gather(made.root)) is None


def test_other_data_than_the_bundles_or_none_gives_no_curve(made, tmp_path):
    root = shutil.copytree(made.root, tmp_path / "flights")
    ledger = root / "data/ledger.json"
    ledger.write_text(ledger.read_text().replace("2013-02", "2012-02"))
    assert learning.learning(made.project, gather(root)) is None
    shutil.rmtree(root / "data")
    assert learning.learning(made.project, gather(root)) is None
