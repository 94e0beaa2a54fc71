from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.predictor import OnnxModel
from modelyard.training.data.dataset import Rows, read_rows
from modelyard.training.importance import Shuffled, importance
from modelyard.training.layout import MODEL


class Formula:
    """A model that can be seen through."""

    def __init__(self, formula):
        self.predict = formula


CONTRACT = Contract(
    "shop",
    "Sales",
    "Ada",
    {name: Column("number", "feature", "") for name in ("noise", "weak", "strong")}
    | {"sold": Column("number", "target", "")},
)


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=2000) for name in ("noise", "weak", "strong")}
    return Rows(pa.table(columns), columns, columns["weak"] + 3 * columns["strong"], 0, [])


def importance_of(model, rows, contract, params):
    return importance(Shuffled.of(len(rows.target), rows.take, contract, params).losses(model))


def settings(params, **changes):
    return dataclasses.replace(params, evaluate=dataclasses.replace(params.evaluate, **changes))


def test_the_loss_is_that_of_theory_and_the_most_important_comes_first(made, rows):
    model = Formula(lambda columns: columns["weak"] + 3 * columns["strong"])
    found = importance_of(model, rows, CONTRACT, settings(made.params, importance_rows=2000, importance_repeats=5))
    assert list(found) == ["strong", "weak", "noise"]
    # shuffling a standard normal leaves errors of variance 2
    assert found["strong"][0] == pytest.approx(3 * np.sqrt(2), rel=0.05)
    assert found["weak"][0] == pytest.approx(np.sqrt(2), rel=0.05)
    assert found["noise"] == (0, 0)


def test_what_lowers_the_loss_when_shuffled_is_negative(made, rows):
    model = Formula(lambda columns: columns["weak"] - 3 * columns["strong"])
    assert importance_of(model, rows, CONTRACT, made.params)["strong"][0] < 0


def test_it_is_measured_on_no_more_rows_than_asked_for(made, rows):
    seen = set()

    def formula(columns):
        seen.add(len(columns["weak"]))
        return columns["weak"]

    importance_of(Formula(formula), rows, CONTRACT, settings(made.params, importance_rows=70))
    assert seen == {70}


def test_a_seed_gives_the_same_importance_and_another_seed_another(made):
    rows = read_rows(made.root, made.contract, made.params, "holdout")
    model = OnnxModel(made.root / MODEL, made.contract, made.project.features)
    first, again, other = (
        importance_of(model, rows, made.contract, dataclasses.replace(made.params, seed=seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_every_input_of_real_flights_is_ranked(made):
    rows = read_rows(made.root, made.contract, made.params, "holdout")
    found = importance_of(
        OnnxModel(made.root / MODEL, made.contract, made.project.features), rows, made.contract, made.params
    )
    assert found.keys() == made.contract.inputs.keys()
    losses = [mean for mean, _ in found.values()]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0
