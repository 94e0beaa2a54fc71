from __future__ import annotations

import dataclasses
import datetime
import math

import numpy as np
import pyarrow as pa
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.rows import encode
from modelyard.training.data.dataset import encode_table, encode_target, read_rows, split_rows
from modelyard.training.data.ledger import LedgerEntry, write_ledger
from modelyard.training.data.periods import period_file, rows_sha256, write_period
from modelyard.training.layout import LEDGER, PERIODS
from modelyard.training.settings import Split

COLUMNS = {
    "key": Column("integer", "id", ""),
    "size": Column("number", "feature", "", missing=True),
    "good": Column("boolean", "target", "", missing=True),
}
TIMELESS = Contract("t", "", "", COLUMNS)
EIGHT = ["holdout", "validation", "validation", "validation", "train", "validation", "train", "holdout"]


def table(keys: range, good: bool | None = True) -> pa.Table:
    return pa.table({"key": list(keys), "size": [1.0] * len(keys), "good": pa.array([good] * len(keys), pa.bool_())})


def take(root, rows: pa.Table) -> None:
    (root / PERIODS).mkdir(parents=True, exist_ok=True)
    write_period(period_file(root / PERIODS, "all"), rows, rows_sha256(rows))
    write_ledger("here", {"all": LedgerEntry(rows.num_rows, rows_sha256(rows))}, root / LEDGER)


def test_rows_without_time_are_split_by_about_the_fractions():
    parts = split_rows(table(range(20_000)), TIMELESS, Split(0.2, 0.1))
    shares = [np.mean(parts == part) for part in ("holdout", "validation", "train")]
    assert shares == pytest.approx([0.2, 0.1, 0.7], abs=0.02)


def test_a_row_keeps_its_part_when_others_come_or_go():
    every, some = (table(range(0, 1000, step)) for step in (1, 3))
    split = Split(0.3, 0.3)
    assert split_rows(every, TIMELESS, split)[::3].tolist() == split_rows(some, TIMELESS, split).tolist()


def test_a_row_in_the_holdout_stays_there_when_validation_grows():
    before, after = (split_rows(table(range(1000)), TIMELESS, Split(0.3, share)) for share in (0.1, 0.5))
    assert ((before == "holdout") == (after == "holdout")).all()


def test_the_parts_do_not_depend_on_the_machine():
    parts = split_rows(table(range(8)), TIMELESS, Split(0.3, 0.3))
    assert parts.tolist() == EIGHT


def test_all_rows_of_a_group_are_in_the_same_part_and_stay_there():
    panel = Contract("t", "", "", {**COLUMNS, "patient": Column("string", "group", "")})
    patients = [f"patient {place % 500}" for place in range(5000)]
    rows = table(range(5000)).append_column("patient", pa.array(patients))
    parts = split_rows(rows, panel, Split(0.2, 0.1))
    part_of = dict(zip(patients, parts, strict=True))
    assert parts.tolist() == [part_of[patient] for patient in patients]
    assert np.mean(parts == "holdout") == pytest.approx(0.2, abs=0.05)
    some = rows.slice(0, 700)
    assert split_rows(some, panel, Split(0.2, 0.1)).tolist() == parts[:700].tolist()
    assert "patient" not in encode_table(rows, panel)


def test_rows_without_id_are_split_by_their_place():
    nameless = Contract("t", "", "", {name: column for name, column in COLUMNS.items() if name != "key"})
    parts = split_rows(table(range(1000)).select(["size", "good"]), nameless, Split(0.3, 0.3))
    assert set(parts) == {"holdout", "validation", "train"}


@pytest.mark.parametrize("split", [Split(1, 1), Split(0.5, 0.5), Split("7d", 0.2), Split(0.2, "7d")])
def test_fractions_that_leave_nothing_to_train_on_are_told(split):
    with pytest.raises(ContractError, match="must add up to less than 1, found"):
        split_rows(table(range(10)), TIMELESS, split)


def test_the_parts_of_a_workspace_hold_its_periods_in_order(made):
    contract, params = made.contract, made.params
    train, validation, holdout = (
        read_rows(made.root, contract, params, part) for part in ("train", "validation", "holdout")
    )
    assert train.periods == [f"2013-{month:02}" for month in range(1, 9)]
    assert (validation.periods, holdout.periods) == (["2013-09", "2013-10"], ["2013-11", "2013-12"])
    assert len(holdout.target) + holdout.unlabelled == sum(made.month(month).num_rows for month in holdout.periods)


def days_of(rows) -> list[str]:
    return sorted({moment.date().isoformat() for moment in rows.table["scheduled_departure"].to_pylist()})


def test_days_are_held_out_and_validate_to_the_day_and_no_row_is_in_two_parts(made):
    params = dataclasses.replace(made.params, split=Split("7d", "14d"))
    parts = {part: read_rows(made.root, made.contract, params, part) for part in ("train", "validation", "holdout")}
    spans = {part: (days_of(rows)[0], days_of(rows)[-1]) for part, rows in parts.items()}
    assert spans == {
        "train": ("2013-01-01", "2013-12-10"),
        "validation": ("2013-12-11", "2013-12-24"),
        "holdout": ("2013-12-25", "2013-12-31"),
    }
    assert {part: rows.days for part, rows in parts.items()} == spans
    assert [parts[part].periods for part in ("validation", "holdout")] == [["2013-12"], ["2013-12"]]
    counted = sum(len(rows.target) + rows.unlabelled for rows in parts.values())
    assert counted == sum(made.month(month).num_rows for month in parts["train"].periods)


def test_rows_without_a_target_are_counted_and_left_out(made):
    rows = read_rows(made.root, made.contract, made.params, "holdout")
    never_left = sum(made.month(month)["late"].null_count for month in rows.periods)
    assert rows.unlabelled == never_left > 0
    assert rows.table["late"].null_count == 0
    assert {len(values) for values in rows.columns.values()} == {len(rows.target)}


def test_a_part_without_any_target_is_told(made, tmp_path):
    take(tmp_path, pa.concat_tables([table(range(100), None)]))
    params = dataclasses.replace(made.params, split=Split(0.2, 0.2))
    with pytest.raises(ContractError, match=r"the train rows \(all\) have no good to learn or judge by"):
        read_rows(tmp_path, TIMELESS, params, "train")


def test_the_parts_of_data_without_time_share_no_row_and_lose_none(made, tmp_path):
    take(tmp_path, pa.concat_tables([table(range(300)), table(range(300, 400), None)]))
    params = dataclasses.replace(made.params, split=Split(0.2, 0.2))
    parts = [read_rows(tmp_path, TIMELESS, params, part) for part in ("train", "validation", "holdout")]
    keys = [key for rows in parts for key in rows.table["key"].to_pylist()]
    assert sorted(keys) == list(range(300))
    assert sum(rows.unlabelled for rows in parts) == 100
    shipped = read_rows(tmp_path, TIMELESS, params, "shipped")
    held_out = parts[2].table["key"].to_pylist()
    assert set(shipped.table["key"].to_pylist()) == {*keys} - {*held_out}
    once = dataclasses.replace(params, split=Split(0.2, 0.2, refit=False))
    assert read_rows(tmp_path, TIMELESS, once, "shipped").table == parts[0].table


@pytest.mark.parametrize("part", ["train", "holdout"])
def test_where_nothing_was_taken_the_way_to_take_it_is_told(made, tmp_path, part):
    with pytest.raises(ContractError, match="no data was taken yet; take it with `make pipeline`"):
        read_rows(tmp_path, made.contract, made.params, part)


def test_a_whole_table_is_encoded_as_a_client_row_is(made):
    rows = read_rows(made.root, made.contract, made.params, "holdout")
    some = rows.table.slice(0, 500)
    sent = encode(some.to_pylist(), made.contract)
    encoded = encode_table(some, made.contract)
    assert encoded.keys() == sent.keys()
    for name, values in encoded.items():
        assert values.dtype == sent[name].dtype
        np.testing.assert_array_equal(values, sent[name])


def test_missing_values_of_each_type_have_their_encoding():
    columns = {
        "kind": Column("string", "feature", "", values=["b", "a"], missing=True),
        "grade": Column("integer", "feature", "", values=[7, 3], missing=True),
        "size": Column("integer", "feature", "", missing=True),
        "flag": Column("boolean", "feature", "", missing=True),
        "seen": Column("timestamp", "feature", "", missing=True),
        "price": Column("number", "target", ""),
    }
    day = datetime.datetime(2013, 1, 1)
    given = {"kind": ["a", None], "grade": [3, None], "size": [4, None], "flag": [True, None], "seen": [day, None]}
    encoded = encode_table(pa.table(given), Contract("t", "", "", columns))
    assert {name: values.tolist()[0] for name, values in encoded.items()} == {
        "kind": 1, "grade": 1, "size": 4.0, "flag": 1.0, "seen": day
    }  # fmt: skip
    assert [encoded[name][1] for name in ("kind", "grade")] == [-1, -1]
    assert all(math.isnan(encoded[name][1]) for name in ("size", "flag"))
    assert np.isnat(encoded["seen"][1])


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (Column("boolean", "target", ""), [True, False], [1, 0]),
        (Column("string", "target", "", values=["no", "yes"]), ["yes", "no"], [1, 0]),
        (Column("integer", "target", "", values=[3, 1, 2]), [1, 2, 3], [1, 2, 0]),
        (Column("integer", "target", ""), [5, -1], [5.0, -1.0]),
        (Column("number", "target", ""), [0.5, 2.0], [0.5, 2.0]),
    ],
)
def test_a_target_is_a_number_or_the_place_of_its_class(column, values, expected):
    contract = Contract("t", "", "", {"x": COLUMNS["size"], "y": column})
    assert encode_target(pa.table({"y": values}), contract).tolist() == expected
