"""The check before training: usual periods pass, and each fault is named with its numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from library.shop import PAID, SHOP, always, first_half, merged, month, name, put, times, twice
from modelyard.runtime.contract import Contract
from modelyard.training.data.conversions import conversions, is_known
from modelyard.training.data.plausible import FEWEST_PERIODS, oddities, too_little
from modelyard.training.data.summary import Summary, summarize

MONTHS, ALPHA = 18, 0.01


def summary(number: int, table: pa.Table, contract: Contract = SHOP) -> Summary:
    return summarize(table, contract, name(number), "M")


@pytest.fixture(scope="module")
def usual() -> list[Summary]:
    """The months, as they are."""
    return [summary(number, month(number)) for number in range(MONTHS)]


FAULTS = {
    "all labels false": (put("returned", always(False)), "returned: all ", " labels are False; "),
    "all labels true": (put("returned", always(True)), "returned: all ", " labels are True; "),
    "all labels missing": (put("returned", always(None)), "returned: not one label among ", " were missing in "),
    "labels inverted": (put("returned", pc.invert), "returned: ", " the largest change before was by "),
    "Celsius": (put("warmth", times(1 / 1.8, -32 / 1.8)), "warmth: mean ", "; as if °F had become °C"),
    "kelvin": (put("warmth", times(1 / 1.8, 459.67 / 1.8)), "warmth: mean ", "; as if °F had become K"),
    "kilometres": (put("way", times(1.609344)), "way: mean ", "; as if mi had become km"),
    "a thousandth": (put("way", times(1000)), "way: mean ", "; as if the values had become 1,000 times as large"),
    "millimetres": (put("rain", times(25.4)), "rain: mean ", "; as if in had become mm"),
    "cents": (put("amount", times(100)), "amount: mean ", "; the largest change before was by "),
    "a shop renamed": (put("shop", merged("west", "closed")), "shop: no west among ", "; closed has "),
    "two shops merged": (put("shop", merged("west", "east")), "shop: no west among ", "; east has "),
    "cut in the middle": (first_half, "rows: none from 201", " of the period; the longest gap before is "),
    "rows twice": (twice, "rows: 50% of ", " are as another one but for their ids; "),
    "a constant": (put("warmth", always(50.0)), "warmth: all ", " values are 50; the commonest one had at most "),
    "an input lost": (put("warmth", always(None)), "warmth: not one value among ", " were missing in "),
    "only weekends": (put("weekend", always(True)), "weekend: all ", " values are True; "),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", [4, 6, 11, 17])
def test_a_fault_is_named_with_its_numbers(usual, number, fault):
    spoil, begin, end = FAULTS[fault]
    found = oddities(usual[:number], summary(number, spoil(month(number))), SHOP, ALPHA)
    lines = [one.line for one in found]
    assert any(line.startswith(begin) and end in line for line in lines), lines
    assert {one.subject for one in found} == {begin.partition(":")[0]}


@pytest.mark.parametrize("seed", range(6))
def test_usual_months_pass_whatever_the_season(seed):
    periods = [summary(number, month(number, seed)) for number in range(MONTHS)]
    found = {one.period: oddities(periods[:number], one, SHOP, ALPHA) for number, one in enumerate(periods)}
    assert {period: odd for period, odd in found.items() if odd} == {}


def test_a_number_that_is_predicted_is_checked_as_the_inputs_are():
    periods = [summary(number, month(number, 0, PAID), PAID) for number in range(8)]
    for number, one in enumerate(periods):
        assert oddities(periods[:number], one, PAID, ALPHA) == []
    for spoil, words in (
        (put("returned", times(60)), "; as if min had become s"),
        (put("returned", times(1 / 60)), "; as if min had become h"),
        (put("returned", always(0.0)), " labels are 0; "),
        (put("returned", always(None)), "returned: not one label "),
    ):
        (odd,) = oddities(periods[:7], summary(7, spoil(month(7, 0, PAID)), PAID), PAID, ALPHA)
        assert odd.subject == "returned"
        assert words in odd.line


def test_a_line_has_the_numbers_of_both_periods_and_of_history(usual):
    (odd,) = oddities(usual[:6], summary(6, put("way", times(1.609344))(month(6))), SHOP, ALPHA)
    before, now = (one.columns["way"].numbers.mean for one in (usual[5], usual[6]))
    means = [one.columns["way"].numbers.mean for one in usual[:6]]
    largest = np.abs(np.diff(means)).max()
    assert odd.line == (
        f"way: mean {now * 1.609344:.4g}, {before:.4g} in 2013-06; the largest change before was by {largest:.3g}; "
        "as if mi had become km"
    )


def test_what_changes_much_from_month_to_month_may_change_so_again():
    """The history's own changes count, not the noise of sampling: a shop that closes every third month is no fault."""
    close = put("shop", merged("west", "east"))
    tables = [close(month(number)) if number % 3 == 2 else month(number) for number in range(10)]
    periods = [summary(number, table) for number, table in enumerate(tables)]
    for number in range(5, 10):
        assert oddities(periods[:number], periods[number], SHOP, ALPHA) == []


def test_a_period_that_was_taken_with_its_fault_makes_the_next_one_not_odd(usual):
    taken = [*usual[:6], summary(6, put("returned", always(False))(month(6)))]
    assert oddities(taken, usual[7], SHOP, ALPHA) == []


def test_with_too_little_history_plain_faults_are_found_and_the_rest_is_told(usual):
    few = usual[: FEWEST_PERIODS - 1]
    celsius, unlabelled = (summary(2, FAULTS[name][0](month(2))) for name in ("Celsius", "all labels false"))
    assert oddities(few, celsius, SHOP, ALPHA) == []
    assert [one.subject for one in oddities(few, unlabelled, SHOP, ALPHA)] == ["returned"]
    assert oddities([], unlabelled, SHOP, ALPHA) == []
    assert str(too_little(few)).startswith("2 periods of history: distributions are compared from 3 on")
    assert str(too_little(few[:1])).startswith("1 period of history: ")
    assert too_little(usual[:FEWEST_PERIODS]) is None


def test_rows_without_any_column_in_common_with_another_are_no_repetition(usual):
    assert max(one.repeated for one in usual) == 0
    assert summary(0, twice(month(0))).repeated == pytest.approx(0.5)


def test_a_unit_that_is_known_has_only_its_own_conversions():
    units = {one.before for one in conversions("Fahrenheit")} - {"the values"}
    assert units == {"°F"}
    assert (is_known("degF"), is_known("hPa"), is_known("furlong"), is_known(None)) == (True, True, False, False)
    assert len(conversions("furlong")) > len(conversions("in")) > len(conversions("hPa"))


def test_a_conversion_of_a_unit_that_is_not_known_is_told_as_an_example():
    (one,) = [one for one in conversions(None) if (one.before, one.after) == ("min", "s")]
    assert one.told("min") == "as if min had become s"
    assert one.told(None) == "as if multiplied by about 60, as from min to s"


@pytest.mark.parametrize(("unit", "old", "new"), [("degC", 100.0, 212.0), ("mi", 1.0, 1.609344), ("h", 2.0, 7200.0)])
def test_a_conversion_is_undone(unit, old, new):
    assert any(abs(one.undone(new) - old) < 1e-9 for one in conversions(unit))
