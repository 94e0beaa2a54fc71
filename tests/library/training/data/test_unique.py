from __future__ import annotations

import datetime
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.training.data.refusal import DataRefused
from modelyard.training.data.unique import check_ids, hash_rows

KEY, PART = Column("string", "id", ""), Column("integer", "id", "")
OTHERS = {"size": Column("number", "feature", ""), "good": Column("boolean", "target", "")}
ONE = Contract("t", "", "", {"key": KEY, **OTHERS})
TWO = Contract("t", "", "", {"key": KEY, "part": PART, **OTHERS})


def reads(**periods: list[str]) -> dict[str, Callable[[list[str]], pa.Table]]:
    return {period: pa.table({"size": [1.0] * len(keys), "key": keys}).select for period, keys in periods.items()}


def all_alike(ids: pa.Table) -> np.ndarray:
    return np.zeros(ids.num_rows, np.uint64)


def by_length(ids: pa.Table) -> np.ndarray:
    return np.array([len(text) for text in ids["key"].to_pylist()], np.uint64) << np.uint64(60)


@pytest.mark.parametrize("hashed", [hash_rows, all_alike, by_length])
def test_ids_that_occur_once_are_accepted_also_if_their_hashes_are_the_same(hashed):
    check_ids(ONE, reads(b=["b", "", "bb"], c=["c", "cc"]), reads(a=["a", "aa", "aaa"]), hashed=hashed)


@pytest.mark.parametrize("hashed", [hash_rows, all_alike, by_length])
def test_the_ids_that_occur_twice_are_told_in_order_of_the_new_rows(hashed):
    new = reads(b=["x", "e", "d", "c"], c=["y", "a", "e"])
    with pytest.raises(DataRefused) as told:
        check_ids(ONE, new, reads(a=["a", "b", "c", "d"]), hashed=hashed)
    assert str(told.value).splitlines()[:2] == [
        "the data of b, c beside what was there breaks the contract, so nothing was taken:",
        "  key: the same id twice: 4 rows, for example 'e', 'd', 'c'",
    ]


def test_an_id_of_two_columns_is_the_same_if_both_are():
    def parts(keys: list[str], numbers: list[int]) -> Callable[[list[str]], pa.Table]:
        return pa.table({"part": numbers, "key": keys}).select

    old = {"a": parts(["x", "y"], [1, 2])}
    check_ids(TWO, {"b": parts(["x", "y"], [2, 1])}, old)
    with pytest.raises(DataRefused, match="key, part: the same id twice: 1 row, for example 'y'"):
        check_ids(TWO, {"b": parts(["x", "y"], [2, 2])}, old)


def test_data_without_ids_is_not_read():
    check_ids(Contract("t", "", "", OTHERS), {"b": lambda _columns: pytest.fail("read")}, {})


def test_nothing_is_read_if_nothing_is_new():
    check_ids(ONE, {}, {"a": lambda _columns: pytest.fail("read")})


def test_one_id_of_millions_that_occurs_twice_is_found(tmp_path):
    contract = Contract("t", "", "", {"key": PART, **OTHERS})
    million = 1_000_000
    periods = {f"p{place}": pa.table({"key": np.arange(million) + place * million}) for place in range(5)}
    new, old = ({period: periods[period].select for period in names} for names in (["p3", "p4"], ["p0", "p1", "p2"]))
    check_ids(contract, new, old, tmp_path)
    periods["p4"] = pa.concat_tables([periods["p4"], pa.table({"key": [1_234_567]})])
    with pytest.raises(DataRefused, match="key: the same id twice: 1 row, for example 1234567"):
        check_ids(contract, new | {"p4": periods["p4"].select}, old, tmp_path)
    assert list(tmp_path.iterdir()) == []


MOMENTS = [datetime.datetime(2013, 1, 1, 5, 0, 0, place) for place in range(3)]


@pytest.mark.parametrize("values", [["a", "", "ä"], [0, -1, 2**62], [0.5, -0.5, 1e300], MOMENTS])
def test_a_hash_is_that_of_its_id_wherever_the_row_is(values):
    table = pa.table({"key": values})
    hashes = hash_rows(table)
    assert len(set(hashes)) == 3
    assert list(hash_rows(pa.concat_tables([table.slice(2), table.slice(0, 2)]))) == [hashes[2], *hashes[:2]]
    many = pa.concat_tables([table] * 30_000).combine_chunks()
    assert (hash_rows(many).reshape(-1, 3) == hashes).all()


def test_a_hash_tells_one_column_from_the_other():
    hashes = [hash_rows(pa.table({"key": [one], "part": [two]}))[0] for one, two in (("a", "b"), ("b", "a"))]
    assert hashes[0] != hashes[1]
