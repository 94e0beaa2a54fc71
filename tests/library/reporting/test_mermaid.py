from __future__ import annotations

import math
import re

import pytest
from modelyard.reporting.charts import Bars, Curves, Intervals
from modelyard.reporting.mermaid import mermaid

LINE = ([0.0, 0.5, 1.0], [0.1, 0.4, 0.9])


def curves(**lines) -> str | None:
    return mermaid(Curves("Title", "x", "y", lines, diagonal=True))


def bars(names: list[str], values: list[float]) -> str | None:
    return mermaid(Bars("Title", "x", names, values, [0.0] * len(values)))


def drawn(text: str | None, kind: str) -> list[list[float]]:
    return [[float(one) for one in line.split(",")] for line in re.findall(rf"^  {kind} \[(.*)\]$", text or "", re.M)]


def test_curves_are_drawn_over_the_axis_that_they_share():
    text = curves(this=LINE, main=([0.2, 0.8], [0.0, 1.0]))
    assert text is not None
    assert '  x-axis "x" 0.2 --> 0.8' in text
    this, main, ideal = drawn(text, "line")
    assert len(this) == len(main) == len(ideal) == 21
    assert (main[0], main[-1]) == (0.0, 1.0)
    assert (ideal[0], ideal[-1]) == (0.2, 0.8)
    assert this[0] == pytest.approx(0.22)


def test_a_line_has_the_colour_of_its_name_whichever_others_there_are():
    assert 'plotColorPalette: "#3b82f6, #9ca3af"' in (curves(this=LINE) or "")
    assert 'plotColorPalette: "#3b82f6, #f59e0b, #9ca3af"' in (curves(this=LINE, main=LINE) or "")


@pytest.mark.parametrize("line", [([], []), ([0.5], [0.5]), ([0.5, 0.5], [0.1, 0.2])])
def test_a_curve_of_less_than_two_points_is_not_drawn(line):
    assert curves(this=line) is None


def test_curves_that_share_no_part_of_the_axis_are_not_drawn():
    assert curves(this=LINE, main=([2.0, 3.0], [0.0, 1.0])) is None


def test_a_flat_line_has_an_axis_all_the_same():
    text = mermaid(Curves("Title", "x", "y", {"this": ([0, 1], [5, 5])}))
    assert text is not None
    assert '  y-axis "y" 4 --> 6' in text


def test_bars_are_in_percent_of_the_largest_whatever_the_unit():
    text = bars(["a", "b", "c"], [2e-9, 1e-9, -1e-9])
    assert text is not None
    assert '  x-axis ["a", "b"]' in text
    assert drawn(text, "bar") == [[100.0, 50.0]]


def test_there_are_only_so_many_bars():
    (shown,) = drawn(bars([f"name {number}" for number in range(1000)], [1.0] * 1000), "bar")
    assert len(shown) == 15


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [-1.0, -2.0], [1.0, math.nan], [math.inf, 1.0]])
def test_bars_without_anything_to_show_are_not_drawn(values):
    assert bars(["a", "b"][: len(values)], values) is None


def test_numbers_have_no_exponent():
    text = curves(this=([1e-7, 1e9], [1e-12, 3e-5]))
    assert not re.search(r"\de[-+]?\d", text or "")


def test_what_ends_a_text_is_taken_out_of_it():
    hostile = 'say "hi" `x` %%{init: {}}%% a;b &quot; <b>\nend'
    text = bars([hostile], [1.0])
    (names,) = re.findall(r"x-axis \[(.*)\]", text or "")
    assert names == "\"say 'hi' 'x' %{init: {}}% a…\""


def test_a_chart_that_mermaid_does_not_have_is_none():
    assert mermaid(Intervals("Slices", "x", ["a"], [0.1], [0.0], [0.2], [True])) is None


def test_a_name_without_a_character_to_show_is_a_dash():
    assert '  x-axis ["-", "-"]' in (bars(["", " \n"], [1.0, 1.0]) or "")
