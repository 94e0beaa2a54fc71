from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from library.conftest import SETTINGS
from modelyard.training.draft.draft import draft
from modelyard.training.draft.roles import Roles
from modelyard.training.draft.sizes import sized, told_sizes
from modelyard.training.settings import Range, read_params
from sample import SAMPLE

SOURCE = {"kind": "files", "path": "data.csv"}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with the settings of the sample, in which one stands."""
    for name in SETTINGS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((SAMPLE / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(positive: int, negative: int) -> pa.Table:
    """So many rows with a target of yes and of no."""
    count = positive + negative
    return pa.table({"size": [place + 0.5 for place in range(count)], "sold": ["yes"] * positive + ["no"] * negative})


def drafted(project, rows: pa.Table):
    draft(project, rows, SOURCE, Roles(target=rows.column_names[-1]))
    return read_params()


@pytest.mark.parametrize(
    ("positive", "negative", "costs"),
    [
        (30, 970, (1, 30)),
        (200, 840, (1, 4)),
        (2, 1990, (1, 1000)),
        (510, 490, (1, 1)),
        (750, 250, (3, 1)),
    ],
)
def test_a_miss_costs_more_the_rarer_the_positive_class_is(project, positive, negative, costs):
    evaluate = drafted(project, table(positive, negative)).evaluate
    assert (evaluate.false_positive_cost, evaluate.false_negative_cost) == costs


def test_rows_without_a_target_do_not_count(project):
    rows = table(100, 300)
    unknown = pa.table({"size": [0.25] * 5000, "sold": pa.nulls(5000, pa.string())})
    assert drafted(project, pa.concat_tables([rows, unknown])).evaluate.false_negative_cost == 3


@pytest.mark.parametrize("count", [20, 200, 2000, 200_000])
def test_a_leaf_is_that_of_scikit_learn_or_smaller_where_there_are_few_rows(project, count):
    params = drafted(project, pa.table({"size": range(count), "price": [place + 0.5 for place in range(count)]}))
    boosting, forest = (params.model.settings[name] for name in ("gradient_boosting", "random_forest"))
    assert boosting["min_samples_leaf"] == {20: 5, 200: 10, 2000: 20, 200_000: 20}[count]
    assert forest["min_samples_leaf"] == {20: 1, 200: 1, 2000: 2, 200_000: 20}[count]
    assert boosting["l2_regularization"] == 0


@pytest.mark.parametrize(("count", "leaf"), [(40, 5), (200, 10), (4_000, 40), (100_000, 100)])
def test_classes_are_penalized_and_have_larger_leaves_of_many_rows(project, count, leaf):
    boosting = drafted(project, table(count // 2, count // 2)).model.settings["gradient_boosting"]
    assert boosting == {**boosting, "min_samples_leaf": leaf, "l2_regularization": 1.0}


@pytest.mark.parametrize(
    ("positive", "leaf", "searched"), [(20, 10, Range(2, 20, log=True)), (5_000, 100, Range(20, 500, log=True))]
)
def test_a_rare_class_makes_the_leaves_and_the_search_smaller(project, positive, leaf, searched):
    params = drafted(project, table(positive, 10_000 - positive))
    assert params.model.settings["gradient_boosting"]["min_samples_leaf"] == leaf
    assert params.tune.space["gradient_boosting"]["min_samples_leaf"] == searched


@pytest.mark.parametrize("count", [20, 300, 10_000])
def test_every_range_that_is_searched_has_two_ends_and_what_is_set_is_inside(project, count):
    params = drafted(project, table(count // 10, count - count // 10))
    for name, space in params.tune.space.items():
        for setting, ends in space.items():
            assert ends.low < ends.high, (name, setting)
    leaf = params.tune.space["gradient_boosting"]["min_samples_leaf"]
    assert leaf.low <= params.model.settings["gradient_boosting"]["min_samples_leaf"] <= leaf.high
    assert set(params.tune.space["gradient_boosting"]) >= {"learning_rate", "l2_regularization"}


def test_what_is_set_and_searched_is_told(project):
    params = drafted(project, table(30, 270))
    assert told_sizes(params) == ["gradient_boosting: at least 15 rows in a leaf; `make tune` tries 2 to 20"]


def test_only_two_classes_have_costs(project):
    price = pa.table({"size": range(50), "price": [place + 0.5 for place in range(50)]})
    kinds = pa.table({"size": range(60), "kind": ["a", "b", "c"] * 20})
    for rows in (price, kinds):
        contract = draft(project, rows, SOURCE, Roles(target=rows.column_names[-1]))
        assert "false_negative_cost" not in sized(contract, rows)["evaluate"]
