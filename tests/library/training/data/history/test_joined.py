from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from library.known_events import contract, expected, feature, records, rows
from modelyard.errors import ContractError
from modelyard.training.data.history import steps
from modelyard.training.data.history.joined import History

DEFINITIONS = {
    "newest": {"maximum_age": "2d"},
    "newest_kind": {"maximum_age": "12h", "value": "kind", "type": "string", "values": ["x", "y", "z"], "other": True},
    "last": {"aggregate": "last", "window": "1d"},
    "count": {"aggregate": "count", "window": "6h", "value": None},
    "count_apart": {"aggregate": "count", "window": "1d", "value": "kind", "record": ["receipt"]},
    "sum": {"aggregate": "sum", "window": "1d"},
    "sum_fresh": {"aggregate": "sum", "window": "7d", "maximum_age": "1h"},
    "mean": {"aggregate": "mean", "window": "90m"},
    "mean_apart": {"aggregate": "mean", "window": "3d", "record": ["receipt"], "maximum_age": "1d"},
    "distinct": {"aggregate": "distinct", "window": "1d", "value": "kind"},
    "distinct_fresh": {
        "aggregate": "distinct",
        "window": "2d",
        "value": "kind",
        "maximum_age": "3h",
        "record": ["receipt"],
    },
    "one_key": {"aggregate": "mean", "window": "1d", "entity": ["shop"], "record": ["till", "receipt"]},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    random = np.random.default_rng(7)
    path = str(tmp_path_factory.mktemp("rows") / "sales.parquet")
    table = records(random)
    pyarrow.parquet.write_table(table, path)
    return path, table, rows(random)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_no_value_differs_from_the_definition_on_2000_rows_with_late_corrections(written, name):
    path, table, asked = written
    one = feature(path, **DEFINITIONS[name])
    found = History(contract(looked_up=one)).filled(asked, "rows")["looked_up"].to_pylist()
    wanted = expected(one, table, asked)
    assert found == wanted
    assert len({value for value in wanted if value is not None}) > 2


def test_a_correction_counts_from_when_it_is_known_and_not_before(tmp_path):
    table = pa.table({
        "shop": ["a", "a"],
        "till": [1, 1],
        "sold_at": pa.array([0, 0], pa.timestamp("us")),
        "reported_at": pa.array([10, 1_000], pa.timestamp("us")),
        "pieces": [5.0, 99.0],
    })  # fmt: skip
    pyarrow.parquet.write_table(table, tmp_path / "sales.parquet")
    one = feature(str(tmp_path / "sales.parquet"), aggregate="sum", window="1h")
    moments = [0, 9, 10, 999, 1_000, 3_600_000_000 - 1, 3_600_000_000]
    asked = pa.table({"at": pa.array(moments, pa.timestamp("us")), "shop": ["a"] * 7, "till": [1] * 7})
    found = History(contract(looked_up=one)).filled(asked, "rows")["looked_up"].to_pylist()
    assert found == [0.0, 0.0, 5.0, 5.0, 99.0, 99.0, 0.0]


def test_a_value_of_the_maximum_age_is_there_and_an_older_one_is_missing(tmp_path):
    table = pa.table({
        "shop": ["a"],
        "till": [1],
        "sold_at": pa.array([0], pa.timestamp("us")),
        "reported_at": pa.array([0], pa.timestamp("us")),
        "pieces": [5.0],
    })  # fmt: skip
    pyarrow.parquet.write_table(table, tmp_path / "sales.parquet")
    asked = pa.table({"at": pa.array([60_000_000, 60_000_001], pa.timestamp("us")), "shop": ["a"] * 2, "till": [1] * 2})
    for changes in ({}, {"aggregate": "sum", "window": "2m"}):
        one = feature(str(tmp_path / "sales.parquet"), maximum_age="60s", **changes)
        found = History(contract(looked_up=one)).filled(asked, "rows")["looked_up"].to_pylist()
        assert found == [5.0, None]


def test_parts_of_the_entities_give_the_same_as_all_at_once(written, monkeypatch):
    path, _, asked = written
    one = feature(path, **DEFINITIONS["mean_apart"])
    whole = History(contract(looked_up=one)).filled(asked, "rows")["looked_up"]
    monkeypatch.setattr(steps, "RECORDS", 100)
    assert History(contract(looked_up=one)).filled(asked, "rows")["looked_up"].equals(whole)
    monkeypatch.setattr(steps, "KEYS", 1)
    assert History(contract(looked_up=one)).filled(asked, "rows")["looked_up"].equals(whole)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"value": "price"}, r"features.looked_up: source .*sales.parquet has no column 'price'; it has shop, till"),
        ({"event_time": "kind"}, r"features.looked_up: source .*: kind: must be of type timestamp"),
        ({"entity": ["shop", "till"], "record": ["slip"]}, "has no column 'slip'"),
        ({"source": "rows/none.csv"}, "features.looked_up: source rows/none.csv"),
    ],
)
def test_records_that_do_not_fit_are_refused_by_name(written, changes, fault):
    path, _, asked = written
    one = feature(path, **{"aggregate": "sum", "window": "1d", **changes})
    with pytest.raises(ContractError, match=fault):
        History(contract(looked_up=one)).filled(asked, "rows")


def test_rows_with_a_column_of_that_name_are_refused(written):
    path, _, asked = written
    made = contract(sum_of=feature(path, aggregate="sum", window="1d"))
    with pytest.raises(ContractError, match=r"rows has the column sum_of, which contract.yaml defines under features"):
        History(made).filled(asked.append_column("sum_of", asked["price"]), "rows")


def test_a_sum_that_has_no_room_is_refused(tmp_path, written):
    _, table, asked = written
    large = table.set_column(table.column_names.index("pieces"), "pieces", pa.array([1e20] * table.num_rows))
    pyarrow.parquet.write_table(large, tmp_path / "large.parquet")
    one = feature(str(tmp_path / "large.parquet"), aggregate="mean", window="1d")
    with pytest.raises(ContractError, match=r"the magnitudes of pieces add up to more than 1.8e"):
        History(contract(looked_up=one)).filled(asked, "rows")
