from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from modelyard.judging.compare import MetricDifference, Paired, student
from modelyard.judging.policy import Champion, Policy, Slices
from modelyard.judging.rules import compare_slices, judge_champion
from modelyard.runtime.contract import Contract
from modelyard.training.metrics import Decision, measure
from scipy import stats

DAYS = 30
POLICY = Policy(champion=Champion(draws=200), slices=Slices(rows=100))


@pytest.fixture
def contract(made) -> Contract:
    return made.contract


def squash(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def draw(
    contract: Contract,
    random: np.random.Generator,
    days: int = DAYS,
    rows: int = 30,
    worse: float = 0,
    daily: float = 0.3,
) -> Paired:
    """Two models that are as good, but for `worse`: each knows the truth with errors of its own by row and by day."""
    groups = np.repeat(np.arange(days), random.poisson(rows, days) + 1)
    truth = random.normal(-1, 1, len(groups)) + random.normal(0, 0.5, days)[groups]
    target = (random.random(len(groups)) < squash(truth)).astype(np.int64)
    one, other = (
        squash(truth + more + random.normal(0, 0.3, len(groups)) + random.normal(0, daily, days)[groups])
        for more in (0, worse)
    )
    return Paired(contract, target, one, other, groups)


def by_row(paired: Paired) -> Paired:
    return dataclasses.replace(paired, groups=np.arange(len(paired)))


def half_width(difference: MetricDifference) -> float:
    assert difference.low is not None
    assert difference.high is not None
    return (difference.high - difference.low) / 2


# What the interval promises


@pytest.mark.parametrize(("days", "rows"), [(6, 40), (30, 20)])
def test_the_interval_holds_the_truth_as_often_as_it_says(contract, days, rows):
    random = np.random.default_rng(1)
    truth = draw(contract, random, 20_000, rows, worse=0.3).primary(200, 0, 0.95).difference
    found = [draw(contract, random, days, rows, worse=0.3).primary(200, seed, 0.95) for seed in range(400)]
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.92 <= held <= 0.98


@pytest.mark.parametrize("days", [5, 12, 40])
def test_for_a_mean_the_interval_is_that_of_students_t(contract, days):
    """With as many rows a day, the difference in log loss is a mean of days, for which the formula is known."""
    random = np.random.default_rng(1)
    scores = random.uniform(0.2, 0.8, (2, days * 20))
    paired = Paired(contract, random.integers(2, size=days * 20), *scores, np.repeat(np.arange(days), 20))
    found = paired.primary(10_000, 0, 0.95)
    one, other = (-np.log(np.where(paired.target == 1, score, 1 - score)) for score in scores)
    by_day = (other - one).reshape(days, 20).mean(axis=1)
    assert found.difference == pytest.approx(by_day.mean())
    expected = stats.t.ppf(0.975, days - 1) * by_day.std(ddof=1) / np.sqrt(days)
    assert half_width(found) == pytest.approx(expected, rel=0.03)


def test_rows_of_a_day_drawn_one_by_one_would_promise_too_much(contract):
    random = np.random.default_rng(2)
    found = [by_row(draw(contract, random, 15, 60, daily=1)).primary(200, seed, 0.95) for seed in range(300)]
    held = np.mean([one.low <= 0 <= one.high for one in found])
    assert held < 0.8


def test_what_is_hard_for_both_models_falls_out(contract):
    random = np.random.default_rng(3)
    paired = draw(contract, random)
    alike = dataclasses.replace(paired, challenger=squash(np.log(paired.champion / (1 - paired.champion)) + 0.1))
    half = half_width(alike.primary(400, 0, 0.95))
    still = np.full(len(paired), 0.5)  # a model whose loss never varies, so that the other's own spread is what is left
    alone = [
        half_width(dataclasses.replace(alike, challenger=still, champion=scores).primary(400, 0, 0.95))
        for scores in (alike.champion, alike.challenger)
    ]
    assert half < np.hypot(*alone) / 4


def test_equal_models_are_blocked_as_rarely_as_the_confidence_says(contract):
    """Not worse: half of the 5 % outside the interval. With seven slices: at most as much again, by the correction."""
    random = np.random.default_rng(4)
    contract = dataclasses.replace(contract, slices=["origin", "carrier"])
    blocked, with_slices, pairs = 0, 0, 300
    for seed in range(pairs):
        paired = draw(contract, random)
        table = pa.table(
            {
                "origin": random.choice(contract.columns["origin"].values, len(paired)),
                "carrier": random.choice(contract.columns["carrier"].values[:4], len(paired)),
            }
        )
        found = {"log_loss": paired.primary(200, seed, 0.95)}
        kept = judge_champion(POLICY, "binary", found, same=False).kept
        lines = compare_slices(POLICY, contract, table, paired, seed)
        assert len(lines) == 7
        blocked += not kept
        with_slices += not (kept and all(line["kept"] for line in lines))
    assert 0.01 <= blocked / pairs <= 0.04
    assert blocked < with_slices
    assert with_slices / pairs <= 0.06


def test_a_model_that_is_surely_worse_is_blocked_nearly_always(contract):
    random = np.random.default_rng(5)
    found = [draw(contract, random, worse=1.0).primary(200, seed, 0.95) for seed in range(50)]
    kept = [judge_champion(POLICY, "binary", {"log_loss": one}, same=False).kept for one in found]
    assert sum(kept) <= 1


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 30, 60, 365, 1001])
@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.9975, 0.9999])
def test_students_t_is_that_of_the_tables(freedom, confidence):
    assert student(freedom, confidence) == pytest.approx(stats.t.ppf((1 + confidence) / 2, freedom), rel=1e-9)


def test_students_t_of_many_rows_is_that_of_the_normal_distribution():
    assert student(10_000_000, 0.95) == pytest.approx(stats.norm.ppf(0.975), rel=2e-4)


def test_the_same_seed_gives_the_same_interval(contract):
    paired = draw(contract, np.random.default_rng(6))
    assert paired.primary(200, 1, 0.95) == paired.primary(200, 1, 0.95)
    assert paired.primary(200, 1, 0.95) != paired.primary(200, 2, 0.95)


def test_more_confidence_is_a_wider_interval_around_the_same_difference(contract):
    paired = draw(contract, np.random.default_rng(6))
    narrow, wide = (paired.primary(200, 1, confidence) for confidence in (0.8, 0.99))
    assert narrow.difference == wide.difference
    assert half_width(narrow) < half_width(wide)


# What is compared


def test_each_metric_is_that_of_each_model_at_its_own_threshold(contract):
    paired = draw(contract, np.random.default_rng(7))
    decisions = Decision(0.3, 1, 3), Decision(0.6, 1, 3)
    found = paired.metrics(decisions, 200, 0, 0.95)
    once = np.ones((1, len(paired)))
    for scores, decision, side in zip(
        (paired.champion, paired.challenger), decisions, ("champion", "challenger"), strict=True
    ):
        for name, value in measure("binary", paired.target, scores, once, decision).items():
            assert getattr(found[name], side) == pytest.approx(value[0])
    assert found["recall"].difference == pytest.approx(found["recall"].challenger - found["recall"].champion)


def test_the_primary_metric_by_itself_is_the_same_as_among_all(contract):
    paired = draw(contract, np.random.default_rng(7))
    among, alone = paired.metrics((None, None), 200, 3, 0.95)["log_loss"], paired.primary(200, 3, 0.95)
    assert dataclasses.astuple(alone) == pytest.approx(dataclasses.astuple(among))


def test_regression_is_compared_by_its_error(made_regression):
    random = np.random.default_rng(8)
    target = random.normal(10, 20, 600)
    paired = Paired(made_regression.contract, target, target + 1, target + 3, np.repeat(np.arange(20), 30))
    found = paired.primary(200, 0, 0.95)
    assert (found.champion, found.challenger) == pytest.approx((1, 3))
    assert str(found) == "worse by 2.0000 (2.0000 to 2.0000)"


def test_some_of_the_rows_are_compared_with_their_own_days(contract):
    paired = draw(contract, np.random.default_rng(9))
    odd = paired.where(paired.groups % 2 == 1)
    assert odd.draws_from == DAYS / 2
    assert len(odd) == np.count_nonzero(paired.groups % 2)
    assert odd.primary(200, 0, 0.95).champion == pytest.approx(
        measure("binary", odd.target, odd.champion, np.ones((1, len(odd))))["log_loss"][0]
    )


def test_a_model_is_the_same_as_itself_in_every_metric(contract):
    paired = draw(contract, np.random.default_rng(10))
    found = dataclasses.replace(paired, challenger=paired.champion).metrics((None, None), 200, 0, 0.95)
    assert {str(one) for one in found.values()} == {"the same"}
    assert {one.gain for one in found.values()} == {(0, 0, 0)}


def test_a_metric_that_is_undefined_on_these_rows_is_none(contract):
    paired = draw(contract, np.random.default_rng(11))
    late = dataclasses.replace(paired, target=np.ones_like(paired.target))
    found = late.metrics((Decision(2.0, 1, 1), Decision(0.5, 1, 1)), 200, 0, 0.95)
    assert dataclasses.astuple(found["roc_auc"]) == (None, None, None, None, None, True)
    assert (found["precision"].champion, found["precision"].challenger, found["precision"].gain) == (None, 1, None)
    assert str(found["roc_auc"]) == "undefined"
    assert found["log_loss"].gain is not None


def test_a_metric_that_most_draws_leave_undefined_has_no_interval(contract):
    """Each model calls one flight late, on another of ten days: four draws of ten hold both."""
    target, one, other = np.tile([0, 1], 10), np.full(20, 0.1), np.full(20, 0.1)
    one[0], other[3] = 0.9, 0.9
    paired = Paired(contract, target, one, other, np.repeat(np.arange(10), 2))
    decision = Decision(0.5, 1, 1)
    found = paired.metrics((decision, decision), 400, 0, 0.95)["precision"]
    assert dataclasses.astuple(found) == (0, 1, 1, None, None, True)
    assert (found.gain, str(found)) == (None, "undefined")


# How it is said


@pytest.mark.parametrize(
    ("higher", "gain", "text"),
    [
        (True, (0.02, -0.01, 0.05), "better by 0.0200 (-0.0100 to 0.0500)"),
        (False, (-0.02, -0.05, 0.01), "worse by 0.0200 (-0.0100 to 0.0500)"),
    ],
)
def test_a_difference_is_a_gain_or_a_loss_by_what_is_better(higher, gain, text):
    difference = MetricDifference(0.5, 0.52, 0.02, -0.01, 0.05, higher)
    assert difference.gain == gain
    assert str(difference) == text


@pytest.mark.parametrize(
    ("higher", "text"),
    [(True, "worse by 0.0200 (-0.0100 to 0.0500)"), (False, "better by 0.0200 (-0.0100 to 0.0500)")],
)
def test_a_fall_is_a_loss_where_higher_is_better(higher, text):
    assert str(MetricDifference(0.52, 0.5, -0.02, -0.05, 0.01, higher)) == text


# Curves


def test_the_curve_of_a_model_that_knows_all_is_the_corner(contract):
    target = np.tile([0, 1], 50)
    paired = Paired(contract, target, target.astype(float), np.full(100, 0.3), np.arange(100))
    roc = paired.curves()["roc"]
    assert roc["champion"] == [1.0] * 11
    assert roc["challenger"] == pytest.approx(roc["x"])  # all rows alike: the diagonal


def test_the_curves_rise_from_none_to_all(contract):
    roc = draw(contract, np.random.default_rng(12)).curves()["roc"]
    assert roc["x"] == pytest.approx(np.linspace(0, 1, 11))
    for side in ("champion", "challenger"):
        assert len(roc[side]) == 11
        assert np.all(np.diff(roc[side]) >= 0)
        assert roc[side][-1] == 1


def test_one_class_alone_has_no_curve(contract):
    paired = draw(contract, np.random.default_rng(13))
    assert dataclasses.replace(paired, target=np.zeros_like(paired.target)).curves()["roc"]["champion"] == []


def test_what_is_no_yes_or_no_has_no_curve(made_regression):
    zeros = np.zeros(10)
    assert Paired(made_regression.contract, zeros, zeros, zeros, np.arange(10)).curves() == {}
