from __future__ import annotations

import json

import pytest
from modelyard.errors import ContractError
from modelyard.training.experiments import Experiment, experiments, ranking
from modelyard.training.layout import METRICS, VALIDATION
from modelyard.training.predictions import read_predictions
from sklearn.metrics import log_loss


def test_the_best_on_the_validation_rows_comes_first_and_what_was_not_measured_last():
    tried = [
        Experiment("unmeasured", {}, {"model.rate": 0.1, "seed": 1}),
        Experiment("worse", {"rmse": 2.0}, {"model.rate": 0.2, "seed": 1}),
        Experiment("better", {"rmse": 1.0}, {"model.rate": 0.123456789, "seed": 1}),
    ]
    assert ranking(tried, "rmse").splitlines() == [
        "|  | rmse | rate |",
        "| --- | --- | --- |",
        "| `better` | 1.0000 | 0.123457 |",
        "| `worse` | 2.0000 | 0.2 |",
        "| `unmeasured` | - | 0.1 |",
    ]


def test_the_first_fit_is_measured_on_the_validation_rows(made):
    metrics = json.loads((made.root / METRICS).read_text())
    target, answers = read_predictions(made.root / VALIDATION, made.contract)
    assert metrics["validation"]["log_loss"] == pytest.approx(log_loss(target, answers))
    assert metrics["validation"].keys() == metrics["holdout"].keys()


def test_dvc_that_fails_is_told_in_a_line(tmp_path):
    with pytest.raises(ContractError, match=r"dvc exp show fails: .*not inside of a DVC repository"):
        experiments(tmp_path)
