from __future__ import annotations

import numpy as np
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.matrix import categorical, matrix
from modelyard.training.data import blocks
from modelyard.training.data.blocks import read_blocks
from modelyard.training.data.dataset import read_rows
from modelyard.training.data.matrices import FeatureBlocks

from flight_delays import project

PARTS = ("train", "validation", "holdout", "shipped")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Blocks of fewer rows than a period has."""
    monkeypatch.setattr(blocks, "BLOCK", 101)


def features_of(made, part, compute=project.features):
    return FeatureBlocks(made.root, made.contract, made.params, part, lambda columns: compute(columns, made.contract))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("task", ["made", "made_regression", "made_multiclass"])
def test_a_matrix_is_that_of_all_rows_at_once(request, task, part):
    made = request.getfixturevalue(task)
    rows = read_rows(made.root, made.contract, made.params, part)
    features = project.features(rows.columns, made.contract)
    found = features_of(made, part).in_memory()
    assert np.array_equal(found.table, matrix(features), equal_nan=True)
    assert (found.features, found.categories) == (list(features), categorical(features))
    assert np.array_equal(found.target, rows.target)
    assert (found.unlabelled, found.periods, found.days) == (rows.unlabelled, rows.periods, rows.days)


def test_blocks_have_the_rows_of_the_matrix_each_time(made):
    given = features_of(made, "train")
    held = given.in_memory()
    for _again in range(2):
        tables, targets = zip(*given, strict=True)
        assert len(tables) > 3
        assert np.array_equal(np.concatenate(tables), held.table, equal_nan=True)
        assert np.array_equal(np.concatenate(targets), held.target)


def test_features_that_change_with_the_rows_are_refused(made):
    def changing(columns, contract):
        found = project.features(columns, contract)
        if len(next(iter(columns.values()))) < 101:
            found.popitem()
        return found

    assert {len(rows.target) == 101 for rows in read_blocks(made.root, made.contract, made.params, "train")} == {
        True,
        False,
    }
    with pytest.raises(ContractError, match=r"features\.py gives other features, or other kinds of them"):
        features_of(made, "train", changing).in_memory()


def test_some_rows_are_those_of_the_matrix(made):
    rows = features_of(made, "train")
    whole = rows.in_memory()
    places = np.arange(0, len(rows.target), 7)
    for found in (rows.take(places), whole.take(places)):
        assert np.array_equal(found.table, whole.table[places], equal_nan=True)
        assert np.array_equal(found.target, whole.target[places])
        assert found.features == whole.features
