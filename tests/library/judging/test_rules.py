from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from modelyard.judging.compare import MetricDifference, Paired
from modelyard.judging.policy import Calibration, Champion, Limits, Policy, Slices
from modelyard.judging.rules import (
    compare_slices,
    judge_calibration,
    judge_champion,
    judge_limits,
    judge_slices,
    latency,
    same_answers,
    worst_first,
)
from modelyard.runtime.bundle import Bundle, read_bundle
from modelyard.runtime.contract import Contract

from flight_delays import project as flights_project

TASKS = ["made", "made_regression", "made_multiclass"]


@pytest.fixture
def bundle(made) -> Bundle:
    return read_bundle(made.root / "bundle")


def gained(value: float, low: float, high: float) -> MetricDifference:
    """The challenger is better by so much, in a metric of which less is better."""
    return MetricDifference(0.5, 0.5 - value, -value, -high, -low, False)


# Beside the champion

BETTER, BETTER_BY_NOISE = gained(0.02, 0.01, 0.03), gained(0.01, -0.01, 0.03)
WORSE, WORSE_BY_NOISE = gained(-0.02, -0.03, -0.01), gained(-0.01, -0.03, 0.01)


@pytest.mark.parametrize(
    ("require", "margin", "kept"),
    [  # surely better, better by noise, worse by noise, surely worse
        ("not_worse", 0.0, [True, True, True, False]),
        ("not_worse", 0.02, [True, True, True, True]),
        ("not_worse", 0.009, [True, True, True, False]),
        ("non_inferior", 0.04, [True, True, True, True]),
        ("non_inferior", 0.02, [True, True, False, False]),
        ("non_inferior", 0.001, [True, False, False, False]),
        ("superior", 0.0, [True, False, False, False]),
        ("superior", 0.02, [False, False, False, False]),
        ("superior", 0.009, [True, False, False, False]),
    ],
)
def test_each_requirement_goes_by_the_interval_and_the_margin(require, margin, kept):
    policy = Policy(champion=Champion(require, margin=margin))
    found = [
        judge_champion(policy, "binary", {"log_loss": one}, same=False)
        for one in (BETTER, BETTER_BY_NOISE, WORSE_BY_NOISE, WORSE)
    ]
    assert [one.kept for one in found] == kept
    assert {one.key for one in found} == {"champion.require"}
    assert found[0].found == "better by 0.0200 (0.0100 to 0.0300)"


@pytest.mark.parametrize(
    ("champion", "rule"),
    [
        (Champion(), "log_loss not worse than the champion's"),
        (Champion(margin=0.01), "log_loss not worse than the champion's by 0.01 or more"),
        (Champion("non_inferior", margin=0.5), "log_loss surely not worse than the champion's by 0.5 or more"),
        (Champion("superior"), "log_loss surely better than the champion's"),
        (Champion("superior", margin=0.5), "log_loss surely better than the champion's by more than 0.5"),
    ],
)
def test_the_rule_is_said_with_its_margin(champion, rule):
    assert judge_champion(Policy(champion=champion), "binary", {"log_loss": BETTER}, same=False).rule == rule


@pytest.mark.parametrize("require", ["not_worse", "superior"])
def test_the_same_answers_keep_every_requirement(require):
    found = judge_champion(Policy(champion=Champion(require)), "binary", {"log_loss": gained(0, 0, 0)}, same=True)
    assert (found.kept, found.found) == (True, "the same answers on every row")


def test_the_policys_own_metric_is_the_one_that_counts():
    higher = MetricDifference(0.7, 0.6, -0.1, -0.12, -0.08, True)
    policy = Policy(champion=Champion(metric="roc_auc"))
    found = judge_champion(policy, "binary", {"log_loss": BETTER, "roc_auc": higher}, same=False)
    assert (found.rule, found.kept) == ("roc_auc not worse than the champion's", False)
    assert found.found == "worse by 0.1000 (0.0800 to 0.1200)"


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        ({"log_loss": BETTER}, "the task has no recall; it has: log_loss"),
        ({"recall": MetricDifference(0.1, None, None, None, None, True)}, "undefined here"),
    ],
)
def test_a_metric_that_is_absent_or_undefined_leaves_it_open(metrics, text):
    found = judge_champion(Policy(champion=Champion(metric="recall")), "binary", metrics, same=False)
    assert (found.kept, found.found, found.key) == (None, text, "champion.metric")


def test_answers_are_the_same_up_to_what_an_export_may_be_off(bundle):
    scores = np.linspace(0.1, 0.9, 20)

    def same(off: float) -> bool:
        return same_answers(Paired(bundle.contract, scores > 0.5, scores, scores + off, np.arange(20)))

    assert same(0)
    assert same(1e-10)
    assert not same(1e-6)


# Slices


def sliced(contract: Contract, spoilt: dict[str, float], rows: int = 900) -> tuple[pa.Table, Paired]:
    """Rows of three origins in equal parts over 30 days; the challenger's scores are off by so much in some."""
    random = np.random.default_rng(1)
    origins = np.array(["EWR", "JFK", "LGA"])[np.arange(rows) % 3]
    truth = random.normal(-1, 1, rows)
    target = (random.random(rows) < 1 / (1 + np.exp(-truth))).astype(np.int64)
    off = np.array([spoilt.get(origin, 0.0) for origin in origins])
    scores = [1 / (1 + np.exp(-(truth + random.normal(0, 0.1, rows) + more))) for more in (0, off)]
    return pa.table({"origin": origins}), Paired(contract, target, *scores, np.arange(rows) // 3 % 30)


@pytest.fixture
def by_origin(made) -> Contract:
    return dataclasses.replace(made.contract, slices=["origin"])


def test_a_slice_that_got_worse_is_told_by_name_and_stands_first(by_origin):
    policy = Policy(slices=Slices(rows=100))
    lines = compare_slices(policy, by_origin, *sliced(by_origin, {"JFK": -3.0, "LGA": -0.1}), seed=0)
    assert (lines[0]["slice"], lines[0]["kept"]) == ("JFK", False)
    assert [line["rows"] for line in lines] == [300, 300, 300]
    broken = judge_slices(policy, "binary", lines)
    assert [(one.rule, one.kept, one.key) for one in broken] == [
        ("log_loss not worse where origin = JFK", False, "slices.margin")
    ]
    assert broken[0].found == str(lines[0]["difference"])


def test_each_broken_slice_has_a_line(by_origin):
    policy = Policy(slices=Slices(rows=100))
    lines = compare_slices(policy, by_origin, *sliced(by_origin, {"JFK": -3.0, "EWR": -2.0}), seed=0)
    assert len(judge_slices(policy, "binary", lines)) == 2


def test_where_no_slice_got_worse_one_line_says_so(by_origin):
    policy = Policy(slices=Slices(rows=100))
    lines = compare_slices(policy, by_origin, *sliced(by_origin, {}), seed=0)
    (found,) = judge_slices(policy, "binary", lines)
    assert (found.rule, found.found, found.kept) == (
        "log_loss not worse in any slice",
        "3 slices of at least 100 rows",
        True,
    )


def test_a_slice_may_get_worse_within_the_margin(by_origin):
    given = sliced(by_origin, {"JFK": -3.0})
    assert not all(line["kept"] for line in compare_slices(Policy(slices=Slices(100)), by_origin, *given, seed=0))
    wide = Policy(slices=Slices(100, margin=5.0))
    assert all(line["kept"] for line in compare_slices(wide, by_origin, *given, seed=0))


def test_a_slice_with_fewer_rows_than_the_policy_says_is_not_compared(by_origin):
    given = sliced(by_origin, {"JFK": -3.0})
    assert len(compare_slices(Policy(slices=Slices(300)), by_origin, *given, seed=0)) == 3
    assert compare_slices(Policy(slices=Slices(301)), by_origin, *given, seed=0) == []


def test_without_the_rule_no_slice_is_compared(by_origin):
    assert compare_slices(Policy(), by_origin, *sliced(by_origin, {}), seed=0) == []


def test_the_more_slices_there_are_the_wider_is_each_interval(by_origin):
    table, paired = sliced(by_origin, {})
    one = paired.where(np.array(table["origin"]) == "JFK")
    alone = compare_slices(Policy(slices=Slices(100)), by_origin, table.slice(0, 300), one, seed=0)
    among = compare_slices(Policy(slices=Slices(100)), by_origin, table, paired, seed=0)
    assert len(among) == 3
    corrected = one.primary(1000, 0, 1 - 0.05 / 3)
    assert corrected in [line["difference"] for line in among]
    assert corrected not in [line["difference"] for line in alone]


def test_a_slice_of_one_day_says_nothing(by_origin):
    table, paired = sliced(by_origin, {"JFK": -3.0, "EWR": -3.0, "LGA": -3.0})
    one_day = dataclasses.replace(paired, groups=np.zeros(len(paired), np.int64))
    assert all(line["kept"] for line in compare_slices(Policy(slices=Slices(100)), by_origin, table, one_day, seed=0))


# Calibration, limits, order


@pytest.mark.parametrize(
    ("difference", "margin", "kept"),
    [
        (BETTER, 0.0, True),
        (WORSE_BY_NOISE, 0.0, True),
        (WORSE, 0.0, False),
        (WORSE, 0.02, True),
        (MetricDifference(0.1, None, None, None, None, False), 0.0, None),
    ],
)
def test_calibration_may_get_worse_by_the_margin_and_the_noise(difference, margin, kept):
    found = judge_calibration(Policy(calibration=Calibration(margin)), {"calibration_error": difference})
    assert (found.rule, found.kept) == (f"calibration_error not worse by {margin:g} or more", kept)
    assert found.key == "calibration.margin"


def test_without_limits_none_is_judged(bundle):
    assert judge_limits(flights_project, Policy(), bundle) == []


def test_size_and_latency_are_held_against_their_limits(bundle):
    weight = bundle.size / 1e6
    kept = judge_limits(flights_project, Policy(limits=Limits(bundle_mb=weight, latency_ms=1000)), bundle)
    broken = judge_limits(flights_project, Policy(limits=Limits(bundle_mb=weight * 0.99, latency_ms=1e-6)), bundle)
    assert [one.kept for one in kept] == [True, True]
    assert [one.kept for one in broken] == [False, False]
    assert [one.key for one in kept] == ["limits.bundle_mb", "limits.latency_ms"]
    assert kept[0].found == f"{weight:.2f} MB"
    assert kept[1].rule == "one row answered in at most 1000 ms, 95 times of 100"


@pytest.mark.parametrize("task", TASKS)
def test_the_latency_of_a_bundle_is_a_time_in_ms(request, task):
    assert 0 < latency(flights_project, read_bundle(request.getfixturevalue(task).root / "bundle")) < 1000


def test_the_primary_metric_comes_first():
    metrics = dict.fromkeys(["recall", "roc_auc", "log_loss"], BETTER)
    assert list(worst_first(metrics, "binary")) == ["log_loss", "roc_auc", "recall"]
