from __future__ import annotations

import random

import pytest
from modelyard.serving.http.limits import SECURITY_HEADERS, Limiter


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def passed(limiter, name, times):
    return sum(limiter.take(name) == 0 for _ in range(times))


def test_no_rate_is_no_limit():
    limiter = Limiter(0, 0)
    assert passed(limiter, "shop", 10_000) == 10_000


def test_a_burst_passes_and_then_the_rate():
    clock = Clock()
    limiter = Limiter(10, 5, clock=clock)
    assert passed(limiter, "shop", 20) == 5
    clock.now += 0.3
    assert passed(limiter, "shop", 20) == 3
    clock.now += 1000
    assert passed(limiter, "shop", 20) == 5


def test_who_is_refused_is_told_when_to_come_again_and_passes_then():
    clock = Clock()
    limiter = Limiter(2, 1, clock=clock)
    assert limiter.take("shop") == 0
    wait = limiter.take("shop")
    assert wait == pytest.approx(0.5)
    clock.now += wait
    assert limiter.take("shop") == 0


def test_a_refused_request_takes_nothing():
    clock = Clock()
    limiter = Limiter(1, 1, clock=clock)
    limiter.take("shop")
    assert passed(limiter, "shop", 100) == 0
    clock.now += 1
    assert passed(limiter, "shop", 100) == 1


def test_a_burst_of_none_is_a_seconds_worth_and_at_least_one():
    assert passed(Limiter(7, 0, clock=Clock()), "shop", 20) == 7
    assert passed(Limiter(0.1, 0, clock=Clock()), "shop", 20) == 1


def test_callers_do_not_take_from_each_other():
    limiter = Limiter(1, 2, clock=Clock())
    assert [passed(limiter, name, 5) for name in ("shop", "office")] == [2, 2]


def test_in_the_long_run_no_pattern_gets_more_than_the_rate_and_a_burst():
    clock, seeded = Clock(), random.Random(1)  # noqa: S311
    limiter = Limiter(50, 10, clock=clock)
    taken = 0
    for _ in range(20_000):
        clock.now += seeded.choice((0, 0.001, 0.01, 0.3))
        taken += limiter.take("shop") == 0
    assert taken <= (clock.now - 1000) * 50 + 10


def test_no_more_callers_are_held_than_there_is_room_for_and_the_busiest_are_kept():
    clock = Clock()
    limiter = Limiter(1, 3, callers=3, clock=clock)
    passed(limiter, "busy", 3)
    for number in range(50):
        assert limiter.take(f"caller{number}") == 0
        assert len(limiter._full) <= 3
    assert limiter.take("busy") > 0


def test_whose_bucket_is_full_again_is_forgotten_when_room_is_needed():
    clock = Clock()
    limiter = Limiter(1, 1, callers=3, clock=clock)
    for name in ("a", "b", "c"):
        limiter.take(name)
    clock.now += 1
    assert limiter.take("d") == 0
    assert list(limiter._full) == ["d"]
    assert limiter.take("a") == 0


def test_every_header_is_as_asgi_takes_it():
    assert len({name for name, _ in SECURITY_HEADERS}) == len(SECURITY_HEADERS)
    assert all(name == name.lower() for name, _ in SECURITY_HEADERS)
    assert (b"x-content-type-options", b"nosniff") in SECURITY_HEADERS
