from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from modelyard.errors import ContractError
from modelyard.training.data import blocks
from modelyard.training.data.blocks import StoredColumns, read_blocks, read_target, rows_at
from modelyard.training.data.dataset import read_rows
from modelyard.training.ingest import ingest

PARTS = ("train", "validation", "holdout", "shipped")
TASKS = ("made", "made_regression", "made_multiclass")


@pytest.fixture(autouse=True, params=[100, 262_144])
def size(request, monkeypatch):
    """The rows of a block: fewer than a period has, and more."""
    monkeypatch.setattr(blocks, "BLOCK", request.param)
    return request.param


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("task", TASKS)
def test_blocks_have_the_rows_of_a_part_in_their_order(request, task, part, size):
    made = request.getfixturevalue(task)
    where = made.root, made.contract, made.params, part
    rows, parts = read_rows(*where), list(read_blocks(*where))
    assert max(len(one.target) for one in parts) <= size
    for name, values in rows.columns.items():
        joined = np.concatenate([one.columns[name] for one in parts])
        assert np.array_equal(joined, values, equal_nan=values.dtype.kind in "fM"), name
    target, unlabelled = read_target(*where)
    assert np.array_equal(target, rows.target)
    assert unlabelled == rows.unlabelled
    assert {(tuple(one.periods), one.days) for one in parts} == {(tuple(rows.periods), rows.days)}


@pytest.mark.parametrize("task", TASKS)
def test_rows_are_taken_at_their_places_in_the_order_asked_for(request, task):
    made = request.getfixturevalue(task)
    where = made.root, made.contract, made.params, "train"
    rows = read_rows(*where)
    places = np.random.default_rng(1).integers(len(rows.target), size=150)  # some of them twice
    found, expected = rows_at(*where, places), rows.take(places)
    assert found.table.equals(expected.table)
    assert np.array_equal(found.target, expected.target)
    for name, values in expected.columns.items():
        assert np.array_equal(found.columns[name], values, equal_nan=values.dtype.kind in "fM"), name


@pytest.mark.parametrize("part", ["train", "shipped"])
def test_each_column_is_read_when_it_is_asked_for(made, part):
    rows = read_rows(made.root, made.contract, made.params, part)
    columns = StoredColumns(made.root, made.contract, made.params, part)
    assert list(columns) == list(rows.columns)
    for name, values in columns.items():
        assert np.array_equal(values, rows.columns[name], equal_nan=values.dtype.kind in "fM"), name


def test_only_the_columns_that_are_asked_for_are_encoded(made):
    name = next(iter(made.contract.inputs))
    for rows in read_blocks(made.root, made.contract, made.params, "train", [name]):
        assert list(rows.columns) == [name]
        assert set(rows.table.column_names) == {name, made.contract.target, made.contract.time}


def taken_without_target(workspace, months):
    """The workspace's data is taken, and no row of these months has a target."""
    target = workspace.contract.target
    for month in months:
        table = workspace.month(month)
        field = table.schema.field(target)
        absent = pa.nulls(table.num_rows, field.type)
        workspace.write_month(month, table.set_column(table.column_names.index(target), field, absent))
    ingest(workspace.root, workspace.contract, workspace.params)
    return workspace.root, workspace.contract, workspace.params, "train"


def test_rows_without_a_target_are_counted_though_a_whole_block_has_none(workspace):
    where = taken_without_target(workspace, ["2013-01"])
    assert read_target(*where)[1] == read_rows(*where).unlabelled >= workspace.month("2013-01").num_rows


def test_a_part_without_a_target_is_refused(workspace):
    where = taken_without_target(workspace, [f"2013-{month:02}" for month in range(1, 13)])
    with pytest.raises(ContractError, match=r"have no .* to learn or judge by"):
        read_target(*where)
