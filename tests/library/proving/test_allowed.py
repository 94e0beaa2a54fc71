"""The rows that are asked beside the data: each is one that the contract allows, and they are the same every time."""

from __future__ import annotations

import numpy as np
from modelyard.proving.allowed import DRAWN, MOST, allowed_rows, count_bases
from modelyard.runtime.column import Column
from modelyard.runtime.contract import Contract

COLUMNS = {
    "when": Column("timestamp", "time", "", maximum="2013-12-31"),
    "shop": Column("string", "feature", "", values=["a", "b"], other=True, missing=True),
    "size": Column("string", "feature", "", values=["s", "m"]),
    "items": Column("integer", "feature", "", minimum=1, maximum=50),
    "price": Column("number", "feature", "", missing=True),
    "card": Column("boolean", "feature", ""),
    "sold": Column("boolean", "target", ""),
}
CONTRACT = Contract("shop", "", "", COLUMNS)
DAYS = np.array(["2013-03-01", "2013-12-30"], dtype="datetime64[us]")
BASES = {
    "when": DAYS,
    "shop": np.array([0, 1]),
    "size": np.array([1, 0]),
    "items": np.array([2.0, 9.0]),
    "price": np.array([1.5, 3.5]),
    "card": np.array([0.0, 1.0]),
}
RANGES = {"when": (DAYS[0], DAYS[1]), "items": (2.0, 9.0), "price": (1.5, 3.5), "card": (0.0, 1.0)}


def replaced(name: str) -> tuple[set, set[str]]:
    """The values that replace those of one input, NaN as None, and what is said of them."""
    place = list(CONTRACT.inputs).index(name)
    asked = list(allowed_rows(CONTRACT, BASES, RANGES))[place]
    assert all(len(values) == len(asked.labels) for values in asked.columns.values())
    values = asked.columns[name].tolist()
    return {None if value != value else value for value in values}, set(asked.labels)


def test_categories_are_all_of_the_contract_and_missing_ones_where_it_allows_them():
    assert replaced("shop") == ({0, 1, 2, -1}, {"shop = 'a'", "shop = 'b'", "shop = '(other)'", "shop missing"})
    assert replaced("size") == ({0, 1}, {"size = 's'", "size = 'm'"})
    assert replaced("card")[0] == {0.0, 1.0}


def test_numbers_go_beyond_the_data_and_not_beyond_the_contract():
    items, _ = replaced("items")
    assert (min(items), max(items)) == (1.0, 50.0)
    assert all(value == int(value) for value in items)
    price, labels = replaced("price")
    assert None in price
    assert "price missing" in labels
    assert (min(price - {None}), max(price - {None})) == (1.5 - 10 * 2.0, 1.5 + 11 * 2.0)


def test_times_end_where_the_contract_ends():
    asked = next(iter(allowed_rows(CONTRACT, BASES, RANGES)))
    assert asked.columns["when"].max() == DAYS[1]
    assert asked.columns["when"].min() < DAYS[0]


def test_the_rows_are_the_same_every_time_and_not_more_for_many_inputs():
    once, again = (list(allowed_rows(CONTRACT, BASES, RANGES)) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        for name, values in one.columns.items():
            np.testing.assert_array_equal(values, other.columns[name])
    assert len(once[-1].labels) == DRAWN
    wide = {f"x{number}": Column("number", "feature", "") for number in range(1000)}
    assert count_bases(Contract("wide", "", "", {**wide, "sold": COLUMNS["sold"]})) == 2
    listed = Column("string", "feature", "", values=[str(number) for number in range(5000)])
    contract = Contract("long", "", "", {"x": listed, "sold": COLUMNS["sold"]})
    first, _ = allowed_rows(contract, {"x": np.array([3])}, {})
    assert len(first.labels) == MOST
