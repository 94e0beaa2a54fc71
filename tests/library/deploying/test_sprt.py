from __future__ import annotations

import math

import numpy as np
import pytest
from modelyard.deploying.sprt import bounds, compare_shares, distance, log_likelihood_ratio, look, noise, share, spent


def test_the_bounds_are_walds() -> None:
    low, high = bounds(0.01, 0.1)
    assert low == pytest.approx(math.log(0.1 / 0.99))
    assert high == pytest.approx(math.log(0.9 / 0.01))


def test_the_likelihood_ratio_is_that_of_bernoulli_trials() -> None:
    expected = math.log((0.03**2 * 0.97**8) / (0.01**2 * 0.99**8))
    assert log_likelihood_ratio(2, 10, 0.01, 0.03) == pytest.approx(expected)


def test_a_share_near_one_keeps_the_ratio_finite() -> None:
    assert math.isfinite(log_likelihood_ratio(50, 50, 1.2, 1.4))


def test_failures_that_stable_has_too_are_no_harm() -> None:
    found, _ = compare_shares((25, 500), (250, 5000), 0.002, 0.03, 0.0125, 0.05)
    assert found != "harmful"
    found, _ = compare_shares((25, 500), (0, 5000), 0.002, 0.03, 0.0125, 0.05)
    assert found == "harmful"


def test_nothing_is_known_before_the_first_request() -> None:
    assert compare_shares((0, 0), (0, 0), 0.002, 0.03, 0.0125, 0.05) == ("open", 0.0)
    assert share(0, 0) == 0.5


@pytest.mark.parametrize(("rate", "wrong", "most"), [(0.0125, "harmful", 0.0125), (0.04, "harmless", 0.05)])
def test_it_errs_as_seldom_as_it_says_however_often_it_is_looked_at(rate: float, wrong: str, most: float) -> None:
    """The canary's share is at the edge of what is tolerated (or harmful) beside one of 0.01 of stable's."""
    drawn = np.random.default_rng(1)
    ends = []
    for _ in range(1500):
        failed = np.cumsum(drawn.random(3000) < rate)
        found = (compare_shares((int(failed[n]), n + 1), (100, 10000), 0.0025, 0.03, 0.0125, 0.05)[0]
                 for n in range(9, 3000, 10))  # fmt: skip
        ends.append(next((word for word in found if word != "open"), "open"))
    assert ends.count("open") < 15
    assert ends.count(wrong) / len(ends) <= most + 2 * math.sqrt(most / len(ends))


def test_alpha_is_spent_whole_and_no_more() -> None:
    assert sum(look(number, 5, 0.02) for number in range(1, 6)) == pytest.approx(0.02)
    assert spent(0.02, 0) == 0
    assert spent(0.02, 7) == pytest.approx(0.02)


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    assert distance((10, 0, 0), (0, 0, 5)) == 1.0
    assert distance((1, 1, 2), (2, 2, 4)) == 0.0
    assert distance((3, 1), (1, 1)) == pytest.approx(0.25)
    assert distance((0, 0), (1, 1)) == 0.0


def test_noise_is_seldom_exceeded_by_samples_of_one_distribution() -> None:
    drawn, edges = np.random.default_rng(2), np.linspace(0, 1, 21)
    limit = noise(200, 1800, 0.05)
    beyond = sum(
        distance(np.histogram(drawn.beta(2, 5, 200), edges)[0], np.histogram(drawn.beta(2, 5, 1800), edges)[0]) > limit
        for _ in range(400)
    )
    assert beyond / 400 <= 0.05
    assert noise(0, 5, 0.05) == 1.0
