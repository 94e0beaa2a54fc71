from __future__ import annotations

import pytest
from modelyard.serving.answers.breaker import Breaker


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(failures=3, seconds=10, clock=clock)


def broken(breaker):
    for _ in range(3):
        assert breaker.may_pass()
        breaker.bad()
    return breaker


def test_it_opens_after_so_many_bad_ends_in_a_row(breaker):
    broken(breaker)
    assert not breaker.is_closed
    assert not breaker.may_pass()


def test_a_good_end_in_between_starts_the_count_again(breaker):
    for _ in range(10):
        breaker.bad()
        breaker.bad()
        breaker.good()
    assert breaker.is_closed


def test_after_a_while_one_may_try_and_no_other(breaker, clock):
    broken(breaker)
    clock.now = 10
    assert [breaker.may_pass() for _ in range(3)] == [True, False, False]


def test_a_good_try_closes_it(breaker, clock):
    broken(breaker)
    clock.now = 10
    assert breaker.may_pass()
    breaker.good()
    assert breaker.is_closed
    assert broken(breaker)  # and it takes as many bad ends as before to open it


def test_a_bad_try_opens_it_for_as_long_again(breaker, clock):
    broken(breaker)
    clock.now = 10
    assert breaker.may_pass()
    breaker.bad()
    clock.now = 19
    assert not breaker.may_pass()
    clock.now = 20
    assert breaker.may_pass()


def test_a_try_that_never_comes_back_does_not_keep_it_open_for_ever(breaker, clock):
    broken(breaker)
    clock.now = 10
    assert breaker.may_pass()
    clock.now = 20
    assert breaker.may_pass()


def test_a_late_bad_end_of_who_passed_before_puts_the_try_off(breaker, clock):
    broken(breaker)
    clock.now = 5
    breaker.bad()
    clock.now = 14
    assert not breaker.may_pass()
