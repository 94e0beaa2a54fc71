from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.training.data.dataset import read_rows
from modelyard.training.layout import REFERENCE
from modelyard.training.reference import reference

CONTRACT = Contract(
    "shop",
    "Sales",
    "Ada",
    {
        "shop": Column("integer", "feature", "", values=[7, 8, 9], missing=True),
        "price": Column("number", "feature", "", missing=True),
        "day": Column("timestamp", "time", ""),
        "sold": Column("integer", "target", ""),
    },
)


def distribution(name, values):
    columns = {
        "shop": np.array([0]),
        "price": np.array([0.0]),
        "day": np.array(["2013-12-24"], dtype="datetime64[us]"),
    }
    return reference(columns | {name: values}, CONTRACT)[name]


def test_a_category_has_the_share_of_each_value_among_those_present():
    found = distribution("shop", np.array([0, 0, 0, 2, -1]))
    assert found == {"missing": 0.2, "values": {"7": 0.75, "8": 0, "9": 0.25}}


def test_the_values_that_an_open_list_does_not_have_have_one_share():
    shop = dataclasses.replace(CONTRACT.columns["shop"], other=True)
    contract = dataclasses.replace(CONTRACT, columns={"shop": shop, "sold": CONTRACT.columns["sold"]})
    found = reference({"shop": np.array([0, 3, 3, 2, -1])}, contract)["shop"]
    assert found == {"missing": 0.2, "values": {"7": 0.25, "8": 0, "9": 0.25, "(other)": 0.5}}


def test_a_category_that_is_always_missing_has_no_shares():
    assert distribution("shop", np.array([-1, -1])) == {"missing": 1, "values": {"7": 0, "8": 0, "9": 0}}


def test_a_quantity_is_cut_into_ten_parts_of_equal_size():
    found = distribution("price", np.random.default_rng(0).permutation(1000) / 1000)
    np.testing.assert_allclose(found["edges"], np.arange(11) / 10, atol=0.002)
    np.testing.assert_allclose(found["shares"], np.full(10, 0.1), atol=0.002)


@pytest.mark.parametrize("rows", [1, 2, 7, 500])
def test_the_shares_hold_every_row_that_is_there(rows):
    random = np.random.default_rng(rows)
    values = np.append(random.choice([1.0, 2.5, 7.0, 9.0], size=rows), [np.nan, np.nan])
    found = distribution("price", values)
    assert sum(found["shares"]) == pytest.approx(1)
    assert found["missing"] == pytest.approx(2 / (rows + 2))
    assert len(found["shares"]) == max(1, len(found["edges"]) - 1)
    assert [found["edges"][0], found["edges"][-1]] == [np.nanmin(values), np.nanmax(values)]


def test_each_of_few_values_has_a_part_of_its_own():
    found = distribution("price", np.repeat([0.0, 1.0], [3, 1]))
    assert found == {"missing": 0, "edges": [0, 0.5, 1], "shares": [0.75, 0.25]}


def test_a_quantity_that_is_always_the_same_is_one_part():
    assert distribution("price", np.full(5, 3.0)) == {"missing": 0, "edges": [3], "shares": [1]}


def test_a_quantity_that_is_always_missing_has_no_parts():
    assert distribution("price", np.full(5, np.nan)) == {"missing": 1, "edges": [], "shares": []}


def test_a_time_is_in_seconds_since_1970():
    days = np.array(["1970-01-02", "1970-01-03T00:00:01.5"], dtype="datetime64[us]")
    edges = distribution("day", days)["edges"]
    assert [edges[0], edges[-1]] == [86_400, 172_801.5]


def test_a_time_may_be_missing():
    assert distribution("day", np.array(["1970-01-02", "NaT"], dtype="datetime64[us]"))["missing"] == 0.5


def test_what_is_written_is_the_training_rows(made):
    rows = read_rows(made.root, made.contract, made.params, "shipped")
    written = json.loads((made.root / REFERENCE).read_text())
    assert written == reference(rows.columns, made.contract)
    assert written.keys() == made.contract.inputs.keys()
