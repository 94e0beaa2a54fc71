from __future__ import annotations

import dataclasses
import math
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.matrix import categorical, matrix
from modelyard.runtime.rows import encode
from modelyard.training.data.dataset import encode_table, read_rows

from flight_delays.features import features

CONTRACT = Contract(
    "shop",
    "Sales",
    "Ada",
    {
        "price": Column("number", "feature", "", missing=True),
        "shop": Column("string", "feature", "", values=["north", "south"], missing=True),
        "day": Column("timestamp", "time", ""),
        "floor": Column("integer", "feature", "", values=[20, 10], missing=True),
        "ordered": Column("timestamp", "feature", "", missing=True),
        "open": Column("boolean", "feature", "", missing=True),
        "pieces": Column("integer", "feature", "", missing=True),
        "maker": Column("string", "feature", "", values=["x"], other=True, missing=True),
        "sold": Column("integer", "target", ""),
    },
)


def as_json(table, contract):
    return [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in table.select(list(contract.inputs)).to_pylist()
    ]


def assert_parity(table, contract):
    trained = matrix(features(encode_table(table, contract), contract))
    served = matrix(features(encode(as_json(table, contract), contract), contract))
    assert served.tobytes() == trained.tobytes()
    assert np.isnan(trained).any()


@pytest.mark.parametrize("part", ["train", "holdout"])
def test_training_and_serving_see_the_same_features_of_real_flights(made, part):
    assert_parity(read_rows(made.root, made.contract, made.params, part).table, made.contract)


def test_training_and_serving_see_the_same_features_of_every_type():
    moments = pa.array(["2013-12-24T18:30:00.000001", "1969-07-20T20:17:40", "2024-02-29T00:00:00", "2013-12-29T23:59"])
    table = pa.table(
        {
            "price": [0.1, None, -0.0, 1e300],
            "shop": ["south", None, "north", "south"],
            "day": moments.cast(pa.timestamp("us")),
            "floor": [10, 20, None, 10],
            "ordered": pa.array([None, *moments.to_pylist()[1:]]).cast(pa.timestamp("ms")),
            "open": [True, False, None, True],
            "pieces": [1, 2**53, None, -7],
            "maker": ["x", "new", None, ""],
            "sold": [1, 2, 3, 4],
        }
    )
    assert_parity(table, CONTRACT)
    assert features(encode_table(table, CONTRACT), CONTRACT)["maker"].tolist() == [0, 1, -1, 1]


def test_a_timestamp_is_the_hour_of_its_day_and_the_day_of_its_week():
    row = {"day": "2013-12-24T18:30:00", "ordered": None}
    made = features(encode([row], CONTRACT), CONTRACT)
    assert (made["day_hour"][0], made["day_weekday"][0]) == (18.5, 1)
    assert math.isnan(made["ordered_hour"][0])
    assert math.isnan(made["ordered_weekday"][0])


def test_a_timestamp_becomes_what_its_calendar_lists_in_that_order():
    parts = ["elapsed", "year", "month", "day_of_year", "weekday", "hour"]
    columns = {name: dataclasses.replace(CONTRACT.columns[name], calendar=parts) for name in ("day", "ordered")}
    contract = dataclasses.replace(CONTRACT, columns=CONTRACT.columns | columns)
    days = ["1970-01-02T06:00:00", "1969-12-31", "2024-12-31T23:59:59.999999", "0001-01-01", "9999-12-31T12:00:00"]
    made = features(encode([{"day": day} for day in days], contract), contract)
    assert [name for name in made if name.startswith("day")] == [f"day_{part}" for part in parts]
    assert made["day_elapsed"][[0, 1]].tolist() == [1.25, -1]
    assert made["day_year"].tolist() == [1970, 1969, 2024, 1, 9999]
    assert made["day_month"].tolist() == [1, 12, 12, 1, 12]
    assert made["day_day_of_year"].tolist() == [2, 365, 366, 1, 365]
    assert made["day_weekday"].tolist() == [datetime.fromisoformat(day).weekday() for day in days]
    assert made["day_hour"][[0, 1, 4]].tolist() == [6, 0, 12]
    assert all(np.isnan(made[f"ordered_{part}"]).all() for part in parts)


def test_an_empty_calendar_leaves_a_time_that_orders_the_rows_only():
    columns = CONTRACT.columns | {"day": dataclasses.replace(CONTRACT.columns["day"], calendar=[])}
    contract = dataclasses.replace(CONTRACT, columns=columns)
    assert not any(name.startswith("day") for name in features(encode([{"day": "2013-12-24"}], contract), contract))


def test_the_day_of_the_week_counts_from_monday():
    week = [{"day": f"2013-12-{day}"} for day in range(23, 30)]
    made = features(encode(week, CONTRACT), CONTRACT)
    assert made["day_weekday"].tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_each_row_is_answered_from_that_row_alone(made):
    rows = read_rows(made.root, made.contract, made.params, "holdout")
    whole = matrix(features(rows.columns, made.contract))
    for place in range(0, len(whole), 100):
        alone = {name: values[place : place + 1] for name, values in rows.columns.items()}
        assert matrix(features(alone, made.contract)).tobytes() == whole[place : place + 1].tobytes()


def test_a_missing_category_and_a_missing_quantity_are_nan_in_the_matrix():
    table = matrix({"shop": np.array([1, -1]), "change": np.array([-1.0, math.nan])})
    np.testing.assert_array_equal(table, [[1, -1], [math.nan, math.nan]])


def test_whole_numbers_are_categories_and_floats_are_quantities():
    made = {"price": np.array([1.0]), "shop": np.array([1]), "floor": np.array([2], dtype=np.uint8)}
    assert categorical(made) == [1, 2]
