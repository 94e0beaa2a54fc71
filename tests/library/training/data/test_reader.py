from __future__ import annotations

import datetime
from collections.abc import Mapping

import pyarrow as pa
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.training.data.periods import rows_sha256
from modelyard.training.data.reader import Reader
from modelyard.training.settings import read_params

COLUMNS = {
    "key": Column("integer", "id", ""),
    "when": Column("timestamp", "time", ""),
    "size": Column("number", "feature", ""),
    "good": Column("boolean", "target", ""),
}
CONTRACT = Contract("t", "", "", COLUMNS)


class Tables:
    """A source of tables in memory that counts how often each is read."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self.tables = tables
        self.reads: list[str] = []

    def objects(self) -> dict[str, str]:
        return {name: f"mark of {name}" for name in self.tables}

    def read(self, name: str) -> pa.Table:
        self.reads.append(name)
        return self.tables[name]


def rows(*keys_and_days: tuple[int, str], size: float = 1.0) -> pa.Table:
    keys, days = zip(*keys_and_days, strict=True)
    times = [datetime.datetime.fromisoformat(day) for day in days]
    return pa.table({"key": keys, "when": times, "size": [size] * len(keys), "good": [True] * len(keys)})


@pytest.fixture
def reader(made):
    """Makes a reader up to February 2013."""
    params = read_params(made.root / "params.yaml")
    february = type(params)(**vars(params) | {"watermark": "2013-02"})

    def make(**tables: pa.Table) -> tuple[Reader, Tables]:
        source = Tables(tables)
        return Reader(source, CONTRACT, february), source

    return make


def test_an_object_is_cut_into_its_periods(reader):
    read, _ = reader(a=rows((1, "2013-01-31T23:59:59.999999"), (2, "2013-02-01")))
    read.read(["a"])
    assert read.period("2013-01")["key"].to_pylist() == [1]
    assert read.period("2013-02")["key"].to_pylist() == [2]


def test_a_period_is_put_together_in_the_order_of_time_and_id(reader):
    read, _ = reader(
        a=rows((9, "2013-01-02"), (1, "2013-01-02"), (5, "2013-01-01")), b=rows((4, "2013-01-02"), (2, "2013-01-03"))
    )
    read.read(["a", "b"])
    assert read.period("2013-01")["key"].to_pylist() == [5, 1, 4, 9, 2]


def test_a_period_that_no_object_has_is_empty_and_has_the_contracts_types(reader):
    read, _ = reader(a=rows((1, "2013-01-01")))
    read.read(["a"])
    empty = read.period("2013-02")
    assert (empty.num_rows, empty.schema) == (0, read.period("2013-01").schema)


def test_rows_after_the_watermark_are_left_where_they_are(reader):
    read, _ = reader(a=rows((1, "2013-02-28"), (2, "2013-03-01"), (3, "2014-01-01")))
    read.read(["a"])
    assert read.seen["a"].periods.keys() == {"2013-02", "2013-03", "2014-01"}
    assert read.seen["a"].periods["2013-03"] == ""
    assert read.period("2013-03").num_rows == 0


def test_what_comes_after_the_watermark_is_not_judged_yet(reader):
    read, _ = reader(a=pa.concat_tables([rows((1, "2013-02-28")), rows((1, "2013-03-01"), size=float("inf"))]))
    read.read(["a"])
    assert read.period("2013-02").num_rows == 1


def test_an_object_that_lies_after_the_watermark_is_seen_and_not_judged(reader):
    read, _ = reader(a=rows((1, "2013-03-01"), size=float("inf")))
    read.read(["a"])
    assert read.seen["a"].periods == {"2013-03": ""}


def test_what_is_seen_is_the_fingerprint_and_the_hash_of_each_period(reader):
    read, _ = reader(a=rows((1, "2013-01-01")))
    read.read(["a"])
    assert read.seen["a"].fingerprint == "mark of a"
    assert read.seen["a"].periods == {"2013-01": rows_sha256(read.period("2013-01"))}


def test_an_object_is_read_once(reader):
    read, source = reader(a=rows((1, "2013-01-01")), b=rows((2, "2013-01-01")))
    read.read(["a"])
    read.read(["b", "a", "b"])
    assert source.reads == ["a", "b"]


def test_the_faults_of_all_objects_are_told_together(reader):
    read, _ = reader(
        a=rows((1, "2013-01-01")).drop_columns(["size"]),
        b=rows((2, "2013-01-01")),
        c=rows((3, "2013-01-01"), size=float("inf")),
    )
    with pytest.raises(ContractError) as told:
        read.read(["a", "b", "c"])
    assert "a breaks the contract" in str(told.value)
    assert "b breaks the contract" not in str(told.value)
    assert "c breaks the contract" in str(told.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table: table.drop_columns(["when"]), "when: the contract has this column"),
        (lambda table: table.append_column("when", table["when"]), "when: the data has this column twice"),
        (lambda table: table.set_column(1, "when", pa.array(["soon"])), "when: must be of type timestamp"),
        (lambda table: table.set_column(1, "when", pa.nulls(1)), "when: every value is missing"),
    ],
)
def test_a_faulty_time_is_told(reader, spoil, message):
    read, _ = reader(a=spoil(rows((1, "2013-01-01"))))
    with pytest.raises(ContractError, match=message):
        read.read(["a"])
