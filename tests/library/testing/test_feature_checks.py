"""Each check lets a right `features` pass and names what a wrong one does."""

from __future__ import annotations

import numpy as np
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.project import Project
from modelyard.testing import features as check
from modelyard.testing.features import Features
from modelyard.testing.made_rows import make_table
from modelyard.testing.taken_rows import as_sent
from modelyard.training.data.dataset import encode_table
from modelyard.training.settings import read_params
from sample import SAMPLE

CONTRACT = Contract(
    "shop",
    "Sales",
    "Ada",
    {
        "key": Column("string", "id", ""),
        "price": Column("number", "feature", "", minimum=0, maximum=9, missing=True),
        "shop": Column("string", "feature", "", values=["north", "south"], missing=True),
        "day": Column("timestamp", "time", ""),
        "sold": Column("integer", "target", "", minimum=0, maximum=5),
    },
)
CHECKS = ["arrays", "no_infinity", "rows_alone", "twice", "inputs_unchanged", "inputs_only"]


@pytest.fixture(scope="module")
def table():
    return make_table(CONTRACT, read_params(SAMPLE / "params.yaml"))


@pytest.fixture(scope="module")
def columns(table):
    return encode_table(table, CONTRACT)


def right(columns, _contract=CONTRACT):
    hour = (columns["day"] - columns["day"].astype("datetime64[D]")) / np.timedelta64(1, "h")
    return {"price": columns["price"], "shop": columns["shop"], "hour": np.sin(hour), "cheap": columns["price"] < 3}


def features(function):
    return Features(Project("shop", function), CONTRACT)


def adding(make):
    """A `features` with one more feature, `more`."""
    return features(lambda columns, contract: right(columns, contract) | {"more": make(columns)})


@pytest.mark.parametrize("name", CHECKS)
def test_a_right_function_passes(columns, name):
    getattr(check, f"check_{name}")(features(right), columns)


def test_a_right_function_is_equal_in_training_and_serving(table):
    check.check_parity(features(right), table)


def refused(name, wrong, columns):
    with pytest.raises(AssertionError) as caught:
        getattr(check, f"check_{name}")(wrong, columns)
    return str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: np.zeros(3), "feature 'more' has shape (3,) for 400 rows; (400,) is right"),
        (lambda _: [0.0] * 400, "feature 'more' is a list, not a numpy array"),
        (lambda columns: columns["day"], "feature 'more' has dtype datetime64[us]: make it a float array"),
        (lambda columns: columns["price"].astype(object), "feature 'more' has dtype object"),
    ],
)
def test_what_is_no_array_of_numbers_is_named(columns, make, message):
    assert message in refused("arrays", adding(make), columns)


@pytest.mark.parametrize(("answer", "message"), [({}, "no feature at all"), ([], "gives a list; a dictionary")])
def test_an_answer_without_features_is_named(columns, answer, message):
    assert message in refused("arrays", features(lambda *_: answer), columns)


def test_an_infinite_feature_is_named_with_its_row(columns):
    with np.errstate(divide="ignore"):
        told = refused("no_infinity", adding(lambda columns: 1 / columns["price"]), columns)
    place = int(np.flatnonzero(columns["price"] == 0)[0])
    assert told.startswith(f"feature 'more' is infinite in row {place}, which contract.yaml allows: price=0.0, shop=")


@pytest.mark.parametrize(
    "make",
    [
        lambda columns: np.roll(columns["price"], 1),
        lambda columns: np.cumsum(np.nan_to_num(columns["price"])),
        lambda columns: np.nan_to_num(columns["price"]) - np.nan_to_num(columns["price"]).mean(),
        lambda columns: np.bincount(columns["shop"] + 1, minlength=3)[columns["shop"] + 1].astype(float),
        lambda columns: np.arange(len(columns["price"]), dtype=float),
        lambda columns: (columns["day"] - columns["day"].min()) / np.timedelta64(1, "D"),
        lambda columns: np.argsort(np.argsort(columns["price"])),
    ],
    ids=["the row before", "a sum", "a mean", "a count", "the place", "the earliest", "a rank"],
)
def test_what_looks_at_other_rows_is_named(columns, make):
    told = refused("rows_alone", adding(make), columns)
    assert told.startswith("features() looks at another row: row ")
    assert "among 400 rows (feature 'more')" in told


def test_another_dtype_for_one_row_is_named(columns):
    wrong = adding(lambda columns: np.zeros(len(columns["price"]), int if len(columns["price"]) == 1 else float))
    assert "feature 'more' has another dtype for one row and for 400 rows" in refused("rows_alone", wrong, columns)


def test_other_features_for_one_row_are_named(columns):
    def wrong(columns, contract):
        return right(columns, contract) if len(columns["price"]) > 1 else {"price": columns["price"]}

    assert "features() gives other features for one row" in refused("rows_alone", features(wrong), columns)


def test_a_memory_is_named(columns):
    seen = []

    def count(columns):
        seen.append(len(columns["price"]))
        return np.full(len(columns["price"]), float(len(seen)))

    told = refused("twice", adding(count), columns)
    assert "row 0 got 1.0 and then 3.0 (feature 'more')" in told


def test_an_input_that_is_written_to_is_named(columns):
    def wrong(columns, contract):
        columns["price"][5] = 7.5
        return right(columns, contract)

    told = refused("inputs_unchanged", features(wrong), columns)
    assert told.startswith("features() changes its input: column 'price' of row 5 was ")
    assert "is 7.5 afterwards" in told


def test_a_column_that_is_added_is_named(columns):
    def wrong(columns, contract):
        columns["double"] = 2 * columns["price"]
        return right(columns, contract)

    assert "or removes them: double; copy it first" in refused("inputs_unchanged", features(wrong), columns)


def test_no_check_changes_the_columns_that_it_is_given(columns):
    before = {name: values.copy() for name, values in columns.items()}

    def wrong(columns, contract):
        for values in columns.values():
            values[:] = values[:1]
        return right(columns, contract)

    for name in ("twice", "rows_alone", "inputs_only"):
        getattr(check, f"check_{name}")(
            features(lambda *given: {"one": np.zeros(len(wrong(*given)["price"]))}), columns
        )
    for name, values in before.items():
        np.testing.assert_array_equal(columns[name], values)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda columns: columns["sold"], "asks for column 'sold', which is the target: nobody knows it"),
        (lambda columns: columns.get("sold"), "asks for column 'sold', which is the target"),
        (lambda columns: "sold" in columns, "asks for column 'sold', which is the target"),
        (lambda columns: dict(columns)["sold"], "asks for column 'sold', which is the target"),
        (lambda columns: columns["key"], "asks for column 'key', which has role id in contract.yaml; it is given: pri"),
        (lambda columns: columns["cost"], "asks for column 'cost', which contract.yaml does not have; it is given: pr"),
    ],
)
def test_a_column_that_is_no_input_is_named(columns, ask, message):
    assert message in refused("inputs_only", adding(ask), columns)


def test_an_error_of_the_function_s_own_is_not_explained_away(columns):
    with pytest.raises(KeyError, match="north"):
        features(lambda *_: {}["north"])(columns)


def test_features_of_rows_as_a_client_sends_them(table):
    made = features(right).of_rows(as_sent(table, CONTRACT)[:3])
    assert made["price"].shape == (3,)


def test_training_that_sees_something_else_than_serving_is_named(table, monkeypatch):
    encoded = encode_table(table, CONTRACT)
    encoded["price"] = encoded["price"] + 1e-9
    monkeypatch.setattr(check, "encode_table", lambda *_: encoded)
    told = refused("parity", features(right), table)
    assert told.startswith("training and serving see different features: column 'price' of row ")
