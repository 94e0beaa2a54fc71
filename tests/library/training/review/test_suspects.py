"""Which labels are suspected, and how many of each slice."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from library.reviewed import orders
from modelyard.runtime.contract import Column, Contract
from modelyard.training.review.suspects import local_spread, most_suspicious, suspicion

COLUMNS = {
    "order": Column("string", "id", ""),
    "colour": Column("string", "feature", "", values=["blue", "green", "red"], missing=True),
    "grade": Column("string", "target", "", values=["a", "b", "c"]),
}
GRADED = Contract("shop", "", "", COLUMNS, slices=["colour"])
WEIGHED = Contract("shop", "", "", {**COLUMNS, "grade": Column("number", "target", "")})


def test_a_class_is_suspected_by_its_own_probability():
    answers = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [1 / 3, 1 / 3, 1 / 3], [0.0, 0.0, 1.0]])
    found = suspicion(answers, np.array([2, 2, 0, 2]), GRADED)
    assert found.told.tolist() == [0.7, 0.1, 1 / 3, 1.0]
    assert np.argsort(-found.order).tolist() == [1, 2, 0, 3]
    assert found.predicted.tolist() == [2, 0, 0, 2]
    assert found.spread[2] == pytest.approx(1)
    assert found.spread[3] == 0


def test_a_number_is_suspected_by_its_residual_among_like_answers():
    random = np.random.default_rng(3)
    answers = np.linspace(0, 10, 2000)
    scale = np.where(answers < 5, 0.1, 10.0)
    target = answers + random.normal(0, scale)
    target[100] = answers[100] + 2  # twenty times what is usual there
    target[1900] = answers[1900] + 15  # more, and usual there
    found = suspicion(answers, target, WEIGHED)
    assert found.order.argmax() == 100
    assert found.told[100] == pytest.approx(20, rel=0.2)
    assert found.told[1900] == pytest.approx(1.5, rel=0.2)


@pytest.mark.parametrize("residuals", [np.zeros(200), np.r_[np.zeros(199), 5.0]])
def test_residuals_that_are_all_alike_have_a_spread_above_zero(residuals):
    assert (local_spread(np.arange(200.0), residuals) > 0).all()


def test_the_stated_number_of_each_slice_and_the_most_suspicious_first():
    table = pa.table({"colour": ["red"] * 50 + ["blue"] * 3 + ["green"] * 47})
    order = np.random.default_rng(4).random(100)
    places, slices = most_suspicious(table, order, GRADED, 5, np.zeros(100, bool))
    assert slices == 3
    assert sorted(order[places], reverse=True) == order[places].tolist()
    for first, last, count in ((0, 50, 5), (50, 53, 3), (53, 100, 5)):
        inside = places[(places >= first) & (places < last)]
        assert set(inside) == set(first + np.argsort(-order[first:last])[:count])


def test_without_slices_it_is_the_number_of_all_rows_and_reviewed_rows_are_left_out():
    table = orders("multiclass").slice(0, 100)
    order = np.arange(100.0)
    places, slices = most_suspicious(table, order, WEIGHED, 5, np.arange(100) >= 98)
    assert (places.tolist(), slices) == ([97, 96, 95, 94, 93], 0)
