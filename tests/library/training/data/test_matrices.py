from __future__ import annotations

import numpy as np
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.matrix import categorical, matrix
from modelyard.training.data.dataset import read_parts, read_rows
from modelyard.training.data.matrices import StoredColumns, read_matrix

from flight_delays import project

PARTS = ("train", "validation", "holdout", "shipped")


def computed(made):
    return lambda columns: project.features(columns, made.contract)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("task", ["made", "made_regression", "made_multiclass"])
def test_a_matrix_is_that_of_all_rows_at_once(request, task, part):
    made = request.getfixturevalue(task)
    rows = read_rows(made.root, made.contract, made.params, part)
    features = project.features(rows.columns, made.contract)
    found = read_matrix(made.root, made.contract, made.params, part, computed(made))
    assert np.array_equal(found.table, matrix(features), equal_nan=True)
    assert (found.features, found.categories) == (list(features), categorical(features))
    assert np.array_equal(found.target, rows.target)
    assert (found.unlabelled, found.periods, found.days) == (rows.unlabelled, rows.periods, rows.days)
    assert np.array_equal(found.columns[found.features[0]], found.table[:, 0], equal_nan=True)


def test_it_is_read_a_period_at_a_time(made):
    parts = list(read_parts(made.root, made.contract, made.params, "train"))
    assert len(parts) == len(read_rows(made.root, made.contract, made.params, "train").periods) > 1


@pytest.mark.parametrize("part", ["train", "shipped"])
def test_each_column_is_read_when_it_is_asked_for(made, part):
    rows = read_rows(made.root, made.contract, made.params, part)
    columns = StoredColumns(made.root, made.contract, made.params, part)
    assert list(columns) == list(rows.columns)
    for name, values in columns.items():
        assert np.array_equal(values, rows.columns[name], equal_nan=values.dtype.kind in "fM"), name


def test_features_that_change_with_the_rows_are_refused(made):
    def changing(columns):
        found = project.features(columns, made.contract)
        if len(next(iter(columns.values()))) % 2:
            found.popitem()
        return found

    sizes = {len(rows.target) % 2 for rows in read_parts(made.root, made.contract, made.params, "train")}
    assert sizes == {0, 1}, "both kinds of periods have to be there"
    with pytest.raises(ContractError, match=r"features\.py gives other features, or other kinds of them"):
        read_matrix(made.root, made.contract, made.params, "train", changing)
