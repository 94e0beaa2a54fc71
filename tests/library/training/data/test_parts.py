from __future__ import annotations

import numpy as np
import pytest
from modelyard.errors import ContractError
from modelyard.training.data.parts import Part, shown, split_time
from modelyard.training.settings import Split

MONTHS = [f"2013-{month:02}" for month in range(1, 7)]
FULL = np.arange("2013-01", "2013-07", dtype="datetime64[D]")


def parts(split: Split, taken: list[str] = MONTHS, days: np.ndarray = FULL, unit: str = "M") -> dict:
    """The parts of data with rows on these days: their periods, with the days if these are not whole periods."""
    found = with_shipped(split, taken, days, unit)
    del found["shipped"]
    return found


def with_shipped(split: Split, taken: list[str] = MONTHS, days: np.ndarray = FULL, unit: str = "M") -> dict:
    """The parts, and the rows that the shipped model is fitted on."""

    def last_day(period: str, before: np.datetime64 | None) -> np.datetime64 | None:
        own = days[days.astype(f"datetime64[{unit}]") == np.datetime64(period, unit)]
        own = own if before is None else own[own < before]
        return own.max() if len(own) else None

    found = split_time(taken, split, unit, last_day)
    return {
        part: (stretch.periods, *map(str, stretch.days)) if stretch.days else stretch.periods
        for part, stretch in found.items()
    }


def test_the_last_periods_are_held_out_and_those_before_validate():
    assert parts(Split(2, 1), MONTHS[::-1]) == {"train": MONTHS[:3], "validation": MONTHS[3:4], "holdout": MONTHS[4:]}


def test_whole_periods_are_split_without_a_look_at_their_rows():
    found = split_time(MONTHS, Split(1, 1), "M", lambda *_: pytest.fail("a period was read"))
    assert found["train"].periods == MONTHS[:4]


def test_a_window_keeps_the_last_periods_before_validation():
    assert parts(Split(1, 1, window=2))["train"] == MONTHS[2:4]


def test_a_window_wider_than_the_data_takes_all():
    assert parts(Split(1, 1, window=99))["train"] == MONTHS[:4]


def test_the_last_days_are_held_out_and_those_before_validate():
    assert parts(Split("7d", "7d")) == {
        "train": (MONTHS, "2013-01-01", "2013-06-16"),
        "validation": (["2013-06"], "2013-06-17", "2013-06-23"),
        "holdout": (["2013-06"], "2013-06-24", "2013-06-30"),
    }


def test_days_may_reach_over_periods_and_end_with_one():
    assert parts(Split("31d", "30d")) == {
        "train": (MONTHS[:4], "2013-01-01", "2013-04-30"),
        "validation": (["2013-05"], "2013-05-01", "2013-05-30"),
        "holdout": (["2013-05", "2013-06"], "2013-05-31", "2013-06-30"),
    }
    assert parts(Split("30d", "31d"))["train"] == (MONTHS[:4], "2013-01-01", "2013-04-30")


def test_periods_before_days_begin_with_what_the_days_leave():
    assert parts(Split("7d", 1)) == {
        "train": MONTHS[:5],
        "validation": (["2013-06"], "2013-06-01", "2013-06-23"),
        "holdout": (["2013-06"], "2013-06-24", "2013-06-30"),
    }
    assert parts(Split("30d", 1))["validation"] == (["2013-05"], "2013-05-01", "2013-05-31")


def test_days_before_periods_are_the_last_before_them():
    assert parts(Split(1, "7d")) == {
        "train": (MONTHS[:5], "2013-01-01", "2013-05-24"),
        "validation": (["2013-05"], "2013-05-25", "2013-05-31"),
        "holdout": ["2013-06"],
    }


def test_a_window_counts_what_days_leave_of_a_period():
    assert parts(Split("7d", "7d", window=2))["train"] == (MONTHS[4:], "2013-05-01", "2013-06-16")


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (Split(1, 2), MONTHS[:5]),
        (Split(1, 2, window=2), MONTHS[1:5]),
        (Split("7d", "7d"), (MONTHS, "2013-01-01", "2013-06-23")),
        (Split("7d", "7d", window=2), (MONTHS[4:], "2013-05-01", "2013-06-23")),
        (Split("7d", 1), (MONTHS, "2013-01-01", "2013-06-23")),
        (Split("30d", 1), (MONTHS[:5], "2013-01-01", "2013-05-31")),
        (Split(1, "7d"), MONTHS[:5]),
        (Split(1, "7d", refit=False), (MONTHS[:5], "2013-01-01", "2013-05-24")),
        (Split(1, 2, refit=False), MONTHS[:3]),
    ],
)
def test_the_shipped_model_is_fitted_on_the_rows_for_validation_too(split, expected):
    assert with_shipped(split)["shipped"] == expected


def test_days_end_with_the_last_row_that_is_left():
    """Where the last month was cut in the middle, and one before it has a gap at its end, no part is empty."""
    days = np.array([day for day in FULL if str(day) < "2013-05-06" or "2013-06-04" < str(day) < "2013-06-11"])
    assert parts(Split("3d", "7d"), days=days) == {
        "train": (MONTHS[:5], "2013-01-01", "2013-05-31"),
        "validation": (["2013-06"], "2013-06-01", "2013-06-07"),
        "holdout": (["2013-06"], "2013-06-08", "2013-06-10"),
    }
    assert with_shipped(Split("6d", 1), days=days)["shipped"] == (MONTHS[:5], "2013-01-01", "2013-06-04")


@pytest.mark.parametrize(("unit", "taken"), [("D", [str(day) for day in FULL]), ("Y", ["2013"])])
def test_days_are_the_same_whatever_the_period(unit, taken):
    found = parts(Split("7d", "7d"), taken, unit=unit)
    assert [found[part][1:] for part in ("train", "validation", "holdout")] == [
        ("2013-01-01", "2013-06-16"),
        ("2013-06-17", "2013-06-23"),
        ("2013-06-24", "2013-06-30"),
    ]


def test_no_day_is_in_two_parts_and_none_is_lost_whatever_the_sizes():
    for holdout in (1, 2, "1d", "7d", "30d", "45d"):
        for validation in (1, 2, "1d", "7d", "31d", "45d"):
            used: list = []
            for found in parts(Split(holdout, validation)).values():
                periods, first, last = found if isinstance(found, tuple) else (found, "2013-01-01", "2013-06-30")
                months = FULL[np.isin(FULL.astype("datetime64[M]").astype(str), periods)]
                used += list(months[(months >= np.datetime64(first)) & (months <= np.datetime64(last))])
            assert sorted(used) == list(FULL), (holdout, validation)


@pytest.mark.parametrize(
    ("split", "taken", "named"),
    [
        (
            Split(1, 1),
            MONTHS[:2],
            r"split wants 1 \+ 1 periods and at least one to train on; there are 2: 2013-01, 2013-02",
        ),
        (Split(1, 1), [], r"split wants 1 \+ 1 periods and at least one to train on; there are 0: none"),
        (Split("9d", "7d"), [], r"split wants 7d \+ 9d and at least one to train on; there are 0: none"),
        (Split("300d", "7d"), MONTHS, r"split wants 7d \+ 300d and at least one to train on; there are 6: 2013-01, "),
        (Split("7d", 6), MONTHS, r"split wants 6 \+ 7d and at least one to train on; there are 6: 2013-01, "),
    ],
)
def test_too_few_periods_are_told_with_those_that_are_there(split, taken, named):
    with pytest.raises(ContractError, match=named):
        parts(split, taken)


@pytest.mark.parametrize("split", [Split(0.2, 1), Split(1, 0.2), Split("7d", 0.2)])
def test_data_with_time_is_not_split_by_fractions(split):
    with pytest.raises(ContractError, match='count periods, so they are whole numbers, or days such as "7d"'):
        parts(split)


@pytest.mark.parametrize("part", ["train", "validation", "holdout"])
def test_a_part_is_told_by_its_days_or_else_by_its_periods(part: Part):
    periods = {f"{part}_periods": ["2013-05", "2013-06"]}
    assert shown(periods, part) == ["2013-05", "2013-06"]
    assert shown(periods | {f"{part}_days": ["2013-05-30", "2013-06-03"]}, part) == ["2013-05-30 to 2013-06-03"]
    assert shown(periods | {f"{part}_days": ["2013-06-03", "2013-06-03"]}, part) == ["2013-06-03"]
