"""Rows that the pipeline took are used only where they are rows of the contract as it is now."""

from __future__ import annotations

import dataclasses
import json

import pytest
from modelyard.runtime.rows import encode
from modelyard.testing.taken_rows import ROWS, as_sent, take_table


def changed(contract, name, **values):
    column = dataclasses.replace(contract.columns[name], **values)
    return dataclasses.replace(contract, columns=contract.columns | {name: column})


def test_rows_of_the_last_period_are_taken(made):
    table = take_table(made.root, made.contract)
    assert table.column_names == list(made.contract.columns)
    assert 0 < table.num_rows <= ROWS
    assert {moment.month for moment in table["scheduled_departure"].to_pylist()} == {12}


@pytest.mark.parametrize("workspace", ["made_regression", "made_multiclass"])
def test_rows_of_every_task_are_taken(workspace, request):
    made = request.getfixturevalue(workspace)
    assert take_table(made.root, made.contract).num_rows


def test_there_are_none_before_the_pipeline_has_run(tmp_path, made):
    assert take_table(tmp_path, made.contract) is None


def test_rows_of_another_contract_are_left_alone(made, made_regression):
    assert take_table(made.root, made_regression.contract) is None


def test_rows_that_break_the_contract_as_it_is_now_are_left_alone(made):
    assert take_table(made.root, changed(made.contract, "distance", maximum=100)) is None
    assert take_table(made.root, changed(made.contract, "origin", values=["EWR"])) is None


def test_rows_of_unknown_classes_are_left_alone(made_multiclass):
    assert take_table(made_multiclass.root, changed(made_multiclass.contract, "late", values=["early", "late"])) is None


def test_a_row_is_sent_as_json(made):
    rows = as_sent(take_table(made.root, made.contract), made.contract)
    assert list(rows[0]) == list(made.contract.inputs)
    assert encode(json.loads(json.dumps(rows)), made.contract)["distance"].shape == (len(rows),)
