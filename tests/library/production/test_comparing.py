"""The statistics of drift: false alarms at the nominal rate, and the power that is stated."""

from __future__ import annotations

import numpy as np
import pytest
from modelyard.production.comparing import (
    Spread,
    distance,
    gather,
    holm,
    merged,
    needed_rows,
    p_value,
    prepare,
    spread,
    unmixed_p_value,
)
from scipy import stats

DAYS, EACH, ROWS = 7, 150, 100_000
BEFORE = 7  # windows


def p_of(windows, shares):
    groups, alike = prepare(windows, shares, ordered=True)
    if not groups.any():
        return unmixed_p_value(windows[-1].sum(axis=0), shares, DAYS, ordered=True)
    return p_value(gather(windows[-1].sum(axis=0), groups), gather(shares, groups), ROWS, alike)


@pytest.mark.parametrize("alike", [0.0, 0.03, 0.5])
def test_false_alarms_come_at_the_nominal_rate(alike):
    """`alike` is the correlation of the rows of a day; a test for independent rows would alarm in most windows."""
    random, shares = np.random.default_rng(5), np.full(10, 0.1)

    def window():
        days = random.dirichlet(shares * (1 / alike - 1), size=DAYS) if alike else np.tile(shares, (DAYS, 1))
        return np.array([random.multinomial(EACH, day) for day in days], dtype=np.float64)

    alarms = sum(p_of([window() for _ in range(BEFORE + 1)], shares) < 0.05 for _ in range(400))
    assert alarms <= stats.binom.isf(1e-4, 400, 0.05)
    assert alarms >= stats.binom.ppf(1e-4, 400, 0.05)


@pytest.mark.parametrize("windows", [1, 3])
def test_what_seldom_fills_a_day_is_no_drift_where_it_does_not(windows):
    """As a feed that has no values on one day of twenty: most windows lack such a day, and some have two."""
    random, shares = np.random.default_rng(7), np.array([0.05, 0.95])

    def window():
        return EACH * np.eye(2)[(random.random(DAYS) >= shares[0]).astype(int)]

    alarms = sum(p_of([window() for _ in range(windows)], shares) < 0.05 for _ in range(400))
    assert alarms <= stats.binom.isf(1e-4, 400, 0.05)


def test_a_feed_that_stops_is_found_by_its_days():
    """Whatever else the rows of a day have in common: seven days are not by chance all of what is seldom so."""
    stopped = np.tile([EACH, 0.0], (DAYS, 1))
    assert p_of([stopped], np.array([0.05, 0.95])) == pytest.approx(2 * 0.05**DAYS)
    assert p_of([stopped], np.array([0.6, 0.4])) > 0.01  # of the first window nobody can tell
    mixed = np.tile([90.0, 60.0], (DAYS, 1)) + np.linspace(-9, 9, DAYS)[:, None] * [1, -1]
    assert p_of([mixed, stopped], np.array([0.6, 0.4])) < 1e-6
    assert unmixed_p_value(np.array([9.0, 0]), np.array([0.0, 1]), DAYS, ordered=True) == 0
    two_of_ten = np.array([9.0, 0, 3] + 7 * [0]), np.full(10, 0.1)
    assert unmixed_p_value(*two_of_ten, DAYS, ordered=False) == pytest.approx(45 * 0.2**DAYS)
    assert unmixed_p_value(*two_of_ten, DAYS, ordered=True) == pytest.approx(8 * 0.3**DAYS)  # that between them counts


def test_a_change_is_found_with_the_stated_rows():
    random, shares = np.random.default_rng(6), np.full(10, 0.1)
    effect, alpha = 0.1, 0.01 / 20
    moved = shares + effect / 5 * np.repeat([1, -1], 5)  # Kolmogorov-Smirnov distance 0.1, the hardest to find
    assert distance(moved, shares, ordered=True) == pytest.approx(effect)

    def window(of, each=EACH):
        return np.array([random.multinomial(each, of) for _ in range(DAYS)], dtype=np.float64)

    alike = spread([window(shares) for _ in range(BEFORE + 1)])
    each = needed_rows(effect, alpha, 10, ROWS, alike) // DAYS
    streams = ([*(window(shares, each) for _ in range(BEFORE)), window(moved, each)] for _ in range(300))
    found = sum(p_of(one, shares) < alpha for one in streams)
    assert 0.7 < found / 300 < 0.9


def test_a_reference_that_is_too_small_tells_nothing():
    assert needed_rows(0.1, 0.001, 10, 100, Spread()) is None


def test_many_tests_are_corrected_as_holm_did():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_the_distance_of_categories_is_total_variation():
    assert distance(np.array([50.0, 50, 0]), np.array([0.5, 0.2, 0.3]), ordered=False) == pytest.approx(0.3)


def test_cells_with_few_rows_are_merged():
    groups = merged([np.array([[0.0, 40, 58, 2]])], np.array([0.01, 0.4, 0.56, 0.03]), ordered=False)
    assert len(set(groups.tolist())) == 2
    assert merged([np.array([[3.0]])], np.array([1.0]), ordered=True).tolist() == [0]
