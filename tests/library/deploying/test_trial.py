from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from modelyard.deploying.sprt import distance
from modelyard.deploying.trial import Counts, Trial, TrialDecision, judge, weight_at
from modelyard.judging.canary import Canary, Shift

POLICY = Canary()
EDGES = np.linspace(0, 1, 21)
FAR = (2.9, 4.6)  # parameters of scores that are as far from stable's as `worse` says
RUNS = 100


@cache
def shares(a: float, b: float) -> list[float]:
    """The shares of scores from a beta distribution in each bin."""
    counts = np.histogram(np.random.default_rng(0).beta(a, b, 1_000_000), EDGES)[0]
    found: list[float] = (counts / counts.sum()).tolist()
    return found


def counted(
    drawn: np.random.Generator, requests: int, failing: float, slow: float, scores: tuple[float, float]
) -> Counts:
    """What a variant counts of some requests: shares that fail and are slow, and the parameters of its scores."""
    return Counts(
        requests=requests,
        failed=int(drawn.binomial(requests, failing)),
        refused=int(drawn.binomial(requests, 0.01)),
        timed=requests,
        slow=int(drawn.binomial(requests, slow)),
        scores=tuple(drawn.multinomial(requests, shares(*scores)).tolist()),
    )


def run(seed: int, policy: Canary = POLICY, failing: float = 0.0, slow: float = 0.005,
        scores: tuple[float, float] = (2.0, 5.0), base: float = 0.0) -> TrialDecision:  # fmt: skip
    """A whole trial of a canary, looked at after every 100 requests that both get; base: stable's share of failures."""
    drawn, trial = np.random.default_rng(seed), Trial()
    while True:
        share = weight_at(policy, trial.canary.requests) / 100
        here = int(drawn.binomial(100, share))
        canary = counted(drawn, here, failing, slow, scores)
        trial = trial.plus(canary, counted(drawn, 100 - here, base, 0.005, (2.0, 5.0)))
        trial, decision = judge(policy, trial, 1.0)
        if decision.word != "go on":
            return decision


def rolled_back(**settings: object) -> float:
    return sum(run(seed, **settings).word == "roll back" for seed in range(RUNS)) / RUNS  # type: ignore[arg-type]


@pytest.mark.parametrize("base", [0.0, 0.01, 0.05])
def test_false_alarms_are_as_seldom_as_alpha_says(base: float, capsys: pytest.CaptureFixture[str]) -> None:
    found = rolled_back(failing=base, base=base)
    with capsys.disabled():
        print(f"\nhealthy canary beside {base:.0%} of failures: rolled back {found:.1%} of {RUNS} times")
    assert found <= POLICY.alpha + 0.03


@pytest.mark.parametrize(
    ("harm", "settings"),
    [
        ("errors", {"failing": 0.03}),
        ("latency", {"slow": 0.105}),
        ("scores", {"scores": FAR}),
    ],
)
def test_harm_is_found_as_often_as_beta_says(
    harm: str, settings: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    found = rolled_back(**settings)
    with capsys.disabled():
        print(f"\ncanary that harms by {harm}: rolled back {found:.1%} of {RUNS} times")
    assert found >= 1 - POLICY.beta - 0.03


def test_the_shifted_scores_are_as_far_as_worse_says() -> None:
    assert POLICY.shift
    assert distance(shares(2.0, 5.0), shares(*FAR)) == pytest.approx(POLICY.shift.worse, abs=0.01)


def test_a_model_that_differs_within_the_tolerance_is_promoted() -> None:
    assert rolled_back(scores=(2.1, 4.9)) <= POLICY.alpha + 0.03


def test_it_ends_within_the_stated_number_of_requests() -> None:
    assert all(run(seed, failing=0.015).requests <= POLICY.most + 100 for seed in range(20))


HEALTHY = Counts(500, 0, 0, 500, 0, (250, 250))
MANY = Counts(2000, 0, 0, 2000, 0, (1000, 1000))


def test_what_is_still_open_at_the_end_rolls_back() -> None:
    # failures between what is tolerated and what is harmful
    assert judge(POLICY, Trial(replace(HEALTHY, failed=6), HEALTHY, looks=5), 1.0)[1].word == "go on"
    _, decision = judge(POLICY, Trial(replace(MANY, failed=21), MANY, looks=5), 1.0)
    assert decision.word == "roll back"
    assert decision.reason == "2000 requests did not show that errors are harmless"


def test_too_little_traffic_rolls_back_and_says_what_was_needed() -> None:
    _, decision = judge(POLICY, Trial(Counts(3), Counts(20)), 30.0)
    assert decision.word == "roll back"
    assert decision.reason.startswith("too little traffic: 3 requests in which errors and refusals and ")
    assert decision.reason.endswith("stayed open, 500 were needed, and 30 minutes are over")


def test_before_that_it_goes_on() -> None:
    assert judge(POLICY, Trial(Counts(3), Counts(20)), 29.9)[1].word == "go on"


def test_without_comparing_scores_there_are_three_questions() -> None:
    _, decision = judge(replace(POLICY, shift=None), Trial(HEALTHY, HEALTHY), 1.0)
    assert [one.question for one in decision.findings] == ["errors", "refusals", "latency"]
    assert decision.word == "promote"


def test_scores_in_other_bins_are_a_shift() -> None:
    trial = Trial(HEALTHY, replace(HEALTHY, scores=(100, 100, 300)))
    assert judge(POLICY, trial, 1.0)[1].reason == "scores harmful beside stable's"


def test_a_shift_once_found_stays_found() -> None:
    trial, decision = judge(POLICY, Trial(Counts(100, scores=(100, 0)), Counts(900, scores=(0, 900))), 1.0)
    assert trial.shifted
    assert decision.word == "roll back"
    assert judge(POLICY, trial.plus(Counts(scores=(0, 0)), Counts(scores=(0, 0))), 1.0)[1].word == "roll back"


def test_rows_of_one_request_count_once_in_the_noise() -> None:
    batch = Trial(Counts(100, scores=(60_000, 40_000)), Counts(900, scores=(450_000, 450_000)))
    single = Trial(Counts(100, scores=(60, 40)), Counts(900, scores=(450, 450)))
    assert judge(POLICY, batch, 1.0)[1].findings[-1].harmful == judge(POLICY, single, 1.0)[1].findings[-1].harmful


@pytest.mark.parametrize(("requests", "weight"), [(0, 10), (249, 10), (250, 50), (500, 50), (900, 50)])
def test_the_weights_follow_the_requests(requests: int, weight: int) -> None:
    assert weight_at(POLICY, requests) == weight


def test_counters_that_were_started_anew_count_from_there() -> None:
    before, now = Counts(100, 5, 1, 100, 2, (50, 50)), Counts(7, 1, 0, 7, 0, (3, 4))
    assert now.since(before) == now
    later = Counts(110, 6, 1, 110, 2, (55, 55))
    assert later.since(before) == Counts(10, 1, 0, 10, 0, (5, 5))
    assert later.since(Counts()) == later


def test_a_line_says_counts_ratio_bounds_and_the_decision() -> None:
    _, decision = judge(replace(POLICY, shift=Shift()), Trial(Counts(20, 6, 0, 20), Counts(180, 0, 0, 180)), 0.1)
    line = str(decision)
    assert line.startswith("canary at 10 %, 20 requests: errors 6/20 beside 0/180, llr ")
    assert "in -2.98 .. 4.33: harmful; refusals 0/20" in line
    assert line.endswith(": roll back: errors harmful beside stable's")
