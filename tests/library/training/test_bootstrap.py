from __future__ import annotations

import numpy as np
import pytest
from modelyard.training import bootstrap
from modelyard.training.bootstrap import intervals


def mean_of(values):
    return lambda weights: {"mean": weights @ values / weights.sum(axis=1)}


def drawn_weights(groups, resamples):
    seen = []
    intervals(lambda weights: seen.append(weights) or {}, groups, resamples, seed=1)
    return np.concatenate(seen[1:])


def coverage(repeated, by_group):
    """How often the interval of the mean of 100 normal numbers, each there `repeated` times, holds the true mean."""
    random = np.random.default_rng(1)
    held = []
    for seed in range(400):
        values = np.repeat(random.normal(size=100), repeated)
        groups = np.repeat(np.arange(100), repeated) if by_group else np.arange(len(values))
        found = intervals(mean_of(values), groups, 200, seed)["mean"]
        held.append(found["low"] <= 0 <= found["high"])
    return np.mean(held)


def test_the_interval_of_a_mean_holds_the_truth_95_times_of_100():
    assert 0.91 < coverage(repeated=1, by_group=False) < 0.97


def test_rows_that_are_alike_are_covered_where_they_are_drawn_together():
    assert 0.91 < coverage(repeated=3, by_group=True) < 0.97


def test_rows_that_are_alike_have_too_narrow_an_interval_where_each_is_drawn_alone():
    assert coverage(repeated=3, by_group=False) < 0.8


def test_the_value_is_that_of_the_rows_as_they_are():
    assert intervals(mean_of(np.array([1.0, 2, 6])), np.arange(3), 100, seed=1)["mean"]["value"] == 3


def test_the_interval_is_that_of_theory():
    values = np.random.default_rng(7).normal(size=400)
    found = intervals(mean_of(values), np.arange(400), 4000, seed=1)["mean"]
    half = 1.96 * values.std() / np.sqrt(400)
    assert found["low"] == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found["high"] == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_rows_of_a_group_have_the_same_weight_and_weights_add_up_to_the_groups():
    groups = np.array([2, 0, 1, 0, 2])
    weights = drawn_weights(groups, 100)
    assert weights.shape == (100, 5)
    assert (weights[:, 1] == weights[:, 3]).all()
    assert (weights[:, 0] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 2]].sum(axis=1) == 3).all()


def test_a_seed_gives_the_same_interval_and_another_seed_another():
    measures = mean_of(np.random.default_rng(7).normal(size=50))
    first, again, other = (intervals(measures, np.arange(50), 200, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("cells", [1, 170, 10_000])
def test_what_is_drawn_does_not_depend_on_how_many_weights_are_held_at_a_time(cells, monkeypatch):
    expected = drawn_weights(np.arange(50), 205)
    monkeypatch.setattr(bootstrap, "CELLS", cells)
    np.testing.assert_array_equal(drawn_weights(np.arange(50), 205), expected)


def test_what_is_undefined_is_none():
    found = intervals(lambda weights: {"r2": np.full(len(weights), np.nan)}, np.arange(5), 100, seed=1)
    assert found == {"r2": {"value": None, "low": None, "high": None}}


def test_resamples_in_which_a_metric_is_undefined_are_left_out():
    def measures(weights):
        hits = weights[:, 0]
        return {"share": np.divide(hits, hits, out=np.full(len(hits), np.nan), where=hits > 0)}

    assert intervals(measures, np.arange(4), 200, seed=1)["share"] == {"value": 1, "low": 1, "high": 1}
