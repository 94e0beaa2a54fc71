"""Rows made from a contract keep it, and hold what is likeliest to break something."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.rows import encode
from modelyard.testing.made_rows import make_table
from modelyard.testing.taken_rows import as_sent
from modelyard.training.data.validate import validate
from modelyard.training.settings import Split, read_params
from sample import SAMPLE

EVERY_TYPE = {
    "key": Column("string", "id", ""),
    "number": Column("integer", "id", "", minimum=1000),
    "day": Column("timestamp", "time", "", ascending=True),
    "price": Column("number", "feature", "", missing=True),
    "share": Column("number", "feature", "", minimum=-0.5, maximum=0.5),
    "pieces": Column("integer", "feature", "", minimum=3, missing=True),
    "floors": Column("integer", "feature", "", maximum=-3.5),
    "shop": Column("string", "feature", "", values=["north", "south", "é"], missing=True),
    "size": Column("integer", "feature", "", values=[20, 10]),
    "ordered": Column("timestamp", "feature", "", missing=True),
    "opened": Column("timestamp", "feature", "", ascending=True, format="%d.%m.%Y"),
    "closed": Column("timestamp", "feature", "", minimum="2001-05-06", maximum="2001-05-07", timezone="Asia/Tokyo"),
    "open": Column("boolean", "feature", "", missing=True),
    "note": Column("string", "unused", "", missing=True),
}
TARGETS = {
    "binary": Column("boolean", "target", "", missing=True),
    "multiclass": Column("string", "target", "", values=["a", "b", "c"]),
    "regression": Column("number", "target", "", minimum=0, maximum=1e9),
}


def contract_of(kind, **changes):
    columns = {name: column for name, column in (EVERY_TYPE | changes).items() if column}
    return Contract("shop", "Sales", "Ada", columns | {"target": TARGETS[kind]})


@pytest.fixture(scope="module")
def params():
    return read_params(SAMPLE / "params.yaml")


@pytest.mark.parametrize("kind", TARGETS)
def test_they_keep_every_rule_of_the_contract(params, kind):
    contract = contract_of(kind)
    table = make_table(contract, params)
    assert validate(table, contract, "the rows").equals(table)
    assert len(encode(as_sent(table, contract), contract)["price"]) == table.num_rows >= 400


def test_the_same_contract_gives_the_same_rows(params):
    contract = contract_of("binary")
    assert make_table(contract, params).equals(make_table(contract, params))


def test_every_category_and_both_ends_of_each_range_occur(params):
    table = make_table(contract_of("multiclass"), params)
    for name, column in (EVERY_TYPE | {"target": TARGETS["multiclass"]}).items():
        if column.values:
            assert set(column.values) <= set(table[name].to_pylist())
    assert pc.min_max(table["share"]).as_py() == {"min": -0.5, "max": 0.5}
    assert pc.min(table["pieces"]).as_py() == 3
    assert pc.max(table["floors"]).as_py() == -4
    assert 0 in table["price"].to_pylist()
    assert {True, False} <= set(table["open"].to_pylist())


def test_values_are_missing_where_they_may_be_and_once_all_at_once(params):
    contract = contract_of("binary")
    table = make_table(contract, params)
    for name, column in contract.columns.items():
        assert (table[name].null_count > 0) == column.missing, name
        assert table[name].null_count < table.num_rows / 2
    missing = [all(table[name][row].as_py() is None for name in contract.inputs if contract.columns[name].missing)
               for row in range(table.num_rows)]  # fmt: skip
    assert any(missing)


@pytest.mark.parametrize(
    ("period", "watermark", "unit"), [("day", "2024-03-01", "D"), ("month", "2013-12", "M"), ("year", "2020", "Y")]
)
def test_times_lie_in_as_many_periods_as_are_held_out_and_some_more(params, period, watermark, unit):
    split = Split(holdout=2, validation=4)
    table = make_table(
        contract_of("binary"), dataclasses.replace(params, period=period, watermark=watermark, split=split)
    )
    moments = table["day"].to_numpy()
    assert (np.diff(moments) >= np.timedelta64(0)).all()
    periods, counts = np.unique(moments.astype(f"datetime64[{unit}]"), return_counts=True)
    assert len(periods) == 2 + 4 + 3
    assert str(periods[-1]) == watermark
    assert counts.min() > 20
    last = (periods[-1] + 1).astype("datetime64[us]") - 1
    assert moments[-1] == last
    assert moments[0] == periods[0].astype("datetime64[us]")


@pytest.mark.parametrize(("period", "watermark"), [("day", "2024-03-01"), ("month", "2013-03"), ("year", "2020")])
def test_times_are_enough_for_days_that_are_held_out(params, period, watermark):
    split = Split("45d", "7d")
    changed = dataclasses.replace(params, period=period, watermark=watermark, split=split)
    days = make_table(contract_of("binary"), changed)["day"].to_numpy().astype("datetime64[D]")
    left = days[days <= days.max() - np.timedelta64(45 + 7, "D")]
    assert len(np.unique(left.astype(f"datetime64[{changed.unit}]"))) >= 2


def test_data_without_time_has_rows_too(params):
    contract = contract_of("regression", day=None)
    table = make_table(contract, params)
    assert "day" not in table.column_names
    assert validate(table, contract, "the rows").num_rows == table.num_rows


def test_a_target_is_not_so_large_that_what_a_model_learns_is_rounded(params):
    table = make_table(contract_of("regression"), params)
    assert pc.max(table["target"]).as_py() == 1000


def test_a_category_of_many_values_has_more_rows(params):
    many = Column("string", "feature", "", values=[f"v{number}" for number in range(500)])
    table = make_table(contract_of("binary", shop=many), params)
    assert table.num_rows == 1500
    assert pc.count_distinct(table["shop"]).as_py() == 500


def test_a_range_that_no_float_holds_exactly_is_tried_as_far_as_one_does(params):
    huge = Column("integer", "feature", "", minimum=-(2**62), maximum=2**62)
    table = make_table(contract_of("binary", pieces=huge), params)
    assert pc.min_max(table["pieces"]).as_py() == {"min": -(2**53), "max": 2**53}


def test_the_sample_s_own_contract_has_rows():
    from modelyard.training.settings import read_contract

    contract = read_contract(SAMPLE / "contract.yaml")
    table = make_table(contract, read_params(SAMPLE / "params.yaml"))
    assert isinstance(table, pa.Table)
    assert validate(table, contract, "the rows").num_rows == table.num_rows
