from __future__ import annotations

import dataclasses
import datetime
import math

import numpy as np
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.rows import RowsRefused, encode, encode_values

CONTRACT = Contract(
    "shop",
    "Sales",
    "Ada",
    {
        "day": Column("timestamp", "time", ""),
        "shop": Column("string", "feature", "", values=["north", "south"]),
        "floor": Column("integer", "feature", "", values=[10, 20], missing=True),
        "price": Column("number", "feature", "", minimum=0, maximum=100, missing=True),
        "pieces": Column("integer", "feature", "", minimum=-5),
        "open": Column("boolean", "feature", "", missing=True),
        "sold": Column("integer", "target", ""),
    },
)
ROW = {"day": "2013-12-24T18:30:00", "shop": "south", "floor": 20, "price": 9.5, "pieces": 3, "open": True}


def problems(*rows):
    with pytest.raises(RowsRefused) as refused:
        encode(rows, CONTRACT)
    return [(found.row, found.column, found.rule) for found in refused.value.problems]


def rule(column, value):
    ((_, name, found),) = problems(ROW | {column: value})
    assert name == column
    return found


def test_each_type_has_its_encoding():
    made = encode([ROW], CONTRACT)
    assert {name: values.dtype.str[1:] for name, values in made.items()} == {
        "day": "M8[us]", "shop": "i8", "floor": "i8", "price": "f8", "pieces": "f8", "open": "f8"
    }  # fmt: skip
    expected = [np.datetime64("2013-12-24T18:30:00"), 1, 1, 9.5, 3, 1]
    assert [values[0] for values in made.values()] == expected


@pytest.mark.parametrize("missing", [None, math.nan, np.float64("nan"), "left out"])
def test_missing_may_be_none_or_nan_or_left_out(missing):
    row = {name: missing for name, column in CONTRACT.inputs.items() if column.missing}
    row = ROW | row if missing != "left out" else {name: ROW[name] for name in ROW.keys() - row.keys()}
    made = encode([row], CONTRACT)
    assert made["floor"][0] == -1
    assert np.isnan([made["price"][0], made["open"][0]]).all()


def test_values_that_an_open_list_does_not_have_are_one_category_after_the_last_and_not_missing():
    named = {name: dataclasses.replace(CONTRACT.columns[name], other=True) for name in ("shop", "floor")}
    contract = dataclasses.replace(CONTRACT, columns=CONTRACT.columns | named)
    rows = [ROW | {"shop": shop, "floor": floor} for shop, floor in (("west", 30), ("", None), ("north", 1e15))]
    for some in (rows, rows[1:]):  # of plain types only, and with a float among them
        made = encode(some, contract)
        assert made["shop"].tolist() == [2, 2, 0][-len(some) :]
        assert made["floor"].tolist() == [2, -1, 2][-len(some) :]
    for column, value in (("shop", 3), ("shop", None), ("floor", True), ("floor", "30"), ("floor", 1.5)):
        with pytest.raises(RowsRefused):
            encode([ROW | {column: value}], contract)


def test_no_rows_are_columns_without_values():
    assert {len(values) for values in encode([], CONTRACT).values()} == {0}


def test_columns_that_are_no_inputs_are_not_looked_at():
    assert encode([ROW | {"sold": "many"}], CONTRACT).keys() == CONTRACT.inputs.keys()


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("shop", None, "must not be missing"),
        ("pieces", math.nan, "must not be missing"),
        ("day", None, "must not be missing"),
        ("day", np.datetime64("NaT"), "must not be missing"),
        ("day", "yesterday", "must be a timestamp such as '2013-12-24T18:30:00'"),
        ("day", 20131224, "must be a timestamp such as '2013-12-24T18:30:00'"),
        ("price", "9.5", "must be of type number"),
        ("price", True, "must be of type number"),
        ("price", math.inf, "must be finite"),
        pytest.param("pieces", 10**400, "must be finite", id="pieces-no float can hold it"),
        ("pieces", 1.5, "must be a whole number"),
        ("price", -0.1, "must be at least 0"),
        ("price", 100.5, "must be at most 100"),
        ("pieces", -6, "must be at least -5"),
        ("shop", "west", "must be one of 'north', 'south'"),
        ("shop", 1, "must be of type string"),
        ("shop", ["north"], "must be of type string"),
        ("floor", 15, "must be one of 10, 20"),
        ("floor", "10", "must be of type integer"),
        ("open", 1, "must be of type boolean"),
        ("colour", "red", "no such column in the contract"),
    ],
)
def test_a_value_that_breaks_the_contract_is_refused_with_its_rule(column, value, expected):
    assert rule(column, value) == expected


def test_the_ends_of_a_range_are_in_it():
    made = encode([ROW | {"price": 0}, ROW | {"price": 100}], CONTRACT)
    assert made["price"].tolist() == [0, 100]


def test_numbers_of_numpy_and_whole_floats_are_taken():
    made = encode([ROW | {"pieces": 3.0, "floor": np.int64(10), "price": np.float32(0.5), "open": np.False_}], CONTRACT)
    assert [made[name][0] for name in ("pieces", "floor", "price", "open")] == [3, 0, 0.5, 0]


@pytest.mark.parametrize(
    "given",
    [
        "2013-12-24T18:30:00",
        "2013-12-24 18:30",
        "2013-12-24T18:30:00.0000009",
        datetime.datetime(2013, 12, 24, 18, 30),
        np.datetime64("2013-12-24T18:30", "ns"),
        np.datetime64("2013-12-24T18:30:00.000000999"),
    ],
)
def test_a_timestamp_may_be_written_in_several_ways(given):
    assert encode([ROW | {"day": given}], CONTRACT)["day"][0] == np.datetime64("2013-12-24T18:30:00")


GERMAN = Contract(
    "shop",
    "Sales",
    "Ada",
    {
        "day": Column("timestamp", "feature", "", format="%d.%m.%Y", missing=True),
        "sold": Column("integer", "target", ""),
    },
)


@pytest.mark.parametrize("given", ["24.12.2013", "2013-12-24", "2013-12-24T00:00:00", datetime.datetime(2013, 12, 24)])
def test_a_timestamp_is_read_in_its_format_and_in_iso_8601(given):
    assert encode([{"day": given}], GERMAN)["day"][0] == np.datetime64("2013-12-24")


def test_a_timestamp_in_neither_form_is_refused_with_an_example_of_its_format():
    with pytest.raises(RowsRefused, match=r"must be a timestamp such as '24\.12\.2013'"):
        encode([{"day": "12/24/2013"}], GERMAN)


def test_a_timestamp_may_be_missing():
    assert np.isnat(encode([{"day": None}, {}, {"day": np.datetime64("NaT")}], GERMAN)["day"]).all()


def test_every_problem_of_every_row_is_told_in_the_order_of_the_rows():
    found = problems(ROW | {"shop": "west", "price": "cheap"}, ROW, ROW | {"day": None, "colour": "red"})
    assert [(row, column) for row, column, _ in found] == [(0, "shop"), (0, "price"), (2, "colour"), (2, "day")]


def test_unknown_columns_are_told_in_the_order_of_the_row():
    unknown = [f"unknown {number}" for number in range(9)]
    assert [column for _, column, _ in problems(ROW | dict.fromkeys(unknown, 1))] == unknown


def test_ten_problems_are_shown_and_the_rest_is_counted():
    with pytest.raises(RowsRefused, match=r"row 9: pieces = -9: must be at least -5\nand 3 more$"):
        encode([ROW | {"pieces": -9}] * 13, CONTRACT)


def test_a_long_list_of_values_is_cut_short():
    column = Column("integer", "feature", "", values=list(range(30)))
    contract = Contract("", "", "", {"a": column, "b": Column("number", "target", "")})
    with pytest.raises(RowsRefused, match="18, 19 and 10 more"):
        encode([{"a": 99}], contract)


def test_values_known_to_keep_the_contract_are_encoded_without_a_check():
    assert encode_values([None, 20], CONTRACT.columns["floor"]).tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("settings", "value", "taken"),
    [
        ({"type": "integer"}, 2**53, True),
        ({"type": "integer"}, -(2**53), True),
        ({"type": "integer"}, 2**53 + 1, False),
        ({"type": "integer"}, -(2**60), False),
        ({"type": "integer"}, 2.0**53, False),  # may have been written with one more
        ({"type": "integer"}, np.int64(-(2**63)), False),
        ({"type": "integer", "values": [2**60, 2**60 + 1]}, 2**60 + 1, True),
        ({"type": "number"}, 2**53 + 1, False),
        ({"type": "number"}, 10**20, True),  # as a float is written in JSON by some clients
        ({"type": "number"}, 1e300, True),
        ({"type": "number"}, np.int64(2**60 + 1), False),
    ],
)
@pytest.mark.parametrize("among", [[], [1.0], [1]])
def test_a_whole_number_that_a_model_would_take_for_another_is_refused(settings, value, taken, among):
    column = Column(role="feature", description="", **settings)
    contract = Contract("shop", "", "", {"pieces": column, "sold": Column("boolean", "target", "")})
    rows = [{"pieces": one} for one in ([] if column.values else among) + [value]]
    if taken:
        assert encode(rows, contract)["pieces"][-1] == (float(value) if column.values is None else 1)
        return
    with pytest.raises(RowsRefused, match=r"must not be beyond 2\^53 \(9007199254740992\)"):
        encode(rows, contract)
