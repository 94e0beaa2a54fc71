"""Each warning on a case made for it, and none where all is well."""

from __future__ import annotations

import numpy as np
import pytest
from modelyard.runtime.column import Column
from modelyard.runtime.contract import Contract
from modelyard.training.data.dataset import Rows
from modelyard.training.metrics import Decision
from modelyard.training.unfit import unfit
from modelyard.training.warned import FEW, warn_of_answers, warn_of_inputs

COLUMNS = {
    "amount": Column("number", "feature", "", missing=True),
    "shop": Column("string", "feature", "", values=["north", "south", "east"]),
    "at": Column("timestamp", "time", ""),
}
RANDOM = np.random.default_rng(12)
COUNT = 600


def contract(target: Column) -> Contract:
    return Contract("shop", "", "", COLUMNS | {"answer": target})


NUMBER = contract(Column("number", "target", ""))
BOOLEAN = contract(Column("boolean", "target", ""))
GRADES = contract(Column("string", "target", "", values=["a", "b", "c"]))


def inputs(count: int = COUNT) -> dict[str, np.ndarray]:
    start = np.datetime64("2026-01-01", "us")
    return {
        "amount": RANDOM.normal(size=count),
        "shop": RANDOM.integers(-1, 3, count),
        "at": start + np.arange(count) * np.timedelta64(1, "h"),
    }


def two_parts(columns: dict[str, np.ndarray], target: np.ndarray) -> tuple[Rows, Rows]:
    """The even rows to learn from, the odd ones to check."""
    return tuple(
        Rows(None, {name: values[part] for name, values in columns.items()}, target[part], 0, ["all"])
        for part in (slice(0, None, 2), slice(1, None, 2))
    )


def of_inputs(columns, target, of=NUMBER, **features):
    train, checked = two_parts(columns, target)
    features = {"amount": train.columns["amount"], **features}
    half = len(train.target) // 2
    blocks = [{name: values[part] for name, values in features.items()} for part in (slice(half), slice(half, None))]
    return warn_of_inputs(blocks, train, checked, of)


def test_nothing_is_warned_of_where_all_is_well():
    columns = inputs()
    assert of_inputs(columns, columns["amount"] + RANDOM.normal(size=COUNT)) == []
    target = (columns["amount"] + RANDOM.normal(size=COUNT) > 0).astype(np.int64)
    assert of_inputs(columns, target, BOOLEAN) == []
    assert warn_of_answers(target, np.linspace(0, 1, COUNT), Decision(0.5, 1, 3), BOOLEAN) == []


@pytest.mark.parametrize("of", [NUMBER, BOOLEAN, GRADES], ids=["regression", "binary", "multiclass"])
@pytest.mark.parametrize("name", ["amount", "shop", "at"])
def test_an_input_that_tells_the_target_is_a_leak(of, name):
    columns = inputs()
    told = columns[name].astype(np.float64) if name != "at" else np.arange(COUNT) / COUNT
    if of is NUMBER:
        target = np.exp(told)  # no straight line
    else:
        parts = {2: [0.5], 3: [0.3, 0.7]}[len(of.classes)]
        target = np.searchsorted(np.quantile(told, parts), told)
    (found,) = of_inputs(columns, target, of)
    assert (found["name"], list(found["inputs"])) == ("leak", [name])
    assert found["metric"] == ("r2" if of is NUMBER else "roc_auc")
    assert 0.98 <= found["inputs"][name] <= 1


def test_a_leak_is_told_where_the_checked_rows_lack_a_class():
    columns, target = inputs(), RANDOM.integers(0, 2, COUNT)
    target[:20:2] = 2  # of the even rows alone, to learn from
    assert of_inputs(columns, target, GRADES) == []
    columns["amount"] = target + RANDOM.normal(0, 0.01, COUNT)
    (found,) = of_inputs(columns, target, GRADES)
    assert list(found["inputs"]) == ["amount"]
    assert found["inputs"]["amount"] > 0.98


def test_a_target_that_is_missing_only_where_an_input_is_leaks_too():
    columns, target = inputs(), RANDOM.random(COUNT) < 0.1
    columns["amount"][target] = np.nan
    (found,) = of_inputs(columns, target.astype(np.int64), BOOLEAN)
    assert list(found["inputs"]) == ["amount"]


def test_a_heavy_tail_beyond_the_training_rows_leaks_too():
    columns = inputs() | {"amount": np.exp(RANDOM.normal(0, 3, COUNT))}
    columns["amount"][1] = 10 * columns["amount"].max()  # in the checked rows
    (found,) = of_inputs(columns, 3 * columns["amount"] + 7)
    assert list(found["inputs"]) == ["amount"]


def test_a_category_that_was_learned_by_heart_is_no_leak():
    columns = inputs()
    shops = Contract("shop", "", "", BOOLEAN.columns | {
        "shop": Column("string", "feature", "", values=[f"s{number}" for number in range(COUNT)])})  # fmt: skip
    columns["shop"] = np.arange(COUNT)
    assert of_inputs(columns, RANDOM.integers(0, 2, COUNT), shops) == []


def test_constant_features_are_named_missing_ones_among_them():
    half = COUNT // 2
    (found,) = of_inputs(
        inputs(), RANDOM.normal(size=COUNT),
        one=np.full(half, 7.0), none=np.full(half, np.nan), kind=np.zeros(half, np.int64), two=np.arange(half) % 2.0,
        partly=np.where(np.arange(half) % 2, np.nan, 7.0),
    )  # fmt: skip
    assert found == {"name": "constant_features", "features": ["one", "none", "kind"]}


def test_infinite_features_are_counted():
    ratio = np.ones(COUNT // 2)
    ratio[:3], ratio[3:5] = np.inf, -np.inf
    (found,) = of_inputs(inputs(), RANDOM.normal(size=COUNT), ratio=ratio)
    assert found == {"name": "infinite_features", "features": {"ratio": 5}, "rows": COUNT // 2}


def test_why_an_estimator_refuses_features_is_told():
    assert unfit({"a": np.ones(3), "kind": np.zeros(3, np.int64)}) is None
    assert unfit({"a": np.array([1, np.inf, -np.inf])}).startswith("features.py: 'a' in 2 of 3 rows is infinite")
    assert unfit({"a": np.full(3, np.nan)}).startswith("features.py: 'a' has no value in any of these rows")


def of_answers(positives, threshold=0.5, of=BOOLEAN, count=COUNT):
    target = (np.arange(count) < positives).astype(np.int64)
    return {
        one["name"]: one for one in warn_of_answers(target, np.linspace(0, 0.9, count), Decision(threshold, 1, 3), of)
    }


@pytest.mark.parametrize(
    ("values", "positives", "warned"),
    [
        (None, 200, False),
        (None, 400, True),  # the more frequent one
        (["no", "yes"], 200, False),
        (["bad", "good"], 200, True),  # nobody knows
        (["bad", "good"], 199, False),  # it is rarer
        (["good", "bad"], 30, False),  # a person put it last
        (["good", "bad"], 500, False),
        (["0", "1"], 200, False),
    ],
)
def test_which_class_is_positive_is_said_where_its_name_or_its_share_does_not(values, positives, warned):
    of = contract(Column("string", "target", "", values=values)) if values else BOOLEAN
    found = of_answers(positives, of=of)
    assert ("positive_class" in found) == warned
    if warned:
        assert found["positive_class"]["positive"] == str(of.classes[1])
        assert found["positive_class"]["share"] == positives / COUNT


def test_a_model_that_never_answers_yes_is_told():
    assert of_answers(200, 0.95) == {
        "never_positive": {"name": "never_positive", "rows": COUNT, "positives": 200, "highest": 0.9,
                           "threshold": 0.95, "missed_costs": 3.0}
    }  # fmt: skip
    assert of_answers(200, 0.9) == {}


def test_too_few_positives_for_an_interval_are_counted():
    assert of_answers(FEW) == {}
    assert of_answers(FEW - 1) == {"few_positives": {"name": "few_positives", "classes": {"True": FEW - 1}}}


def test_classes_that_the_holdout_lacks_are_named():
    assert of_answers(0)["absent_classes"]["classes"] == ["True"]
    (found,) = warn_of_answers(np.zeros(50, np.int64), np.ones((50, 3)) / 3, None, GRADES)
    assert found == {"name": "absent_classes", "classes": ["b", "c"]}


def test_a_number_has_no_classes_to_warn_of():
    assert warn_of_answers(np.zeros(3), np.zeros(3), None, NUMBER) == []
