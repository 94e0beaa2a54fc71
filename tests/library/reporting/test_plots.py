from __future__ import annotations

import re
import warnings
from xml.etree import ElementTree

import pytest
from modelyard.reporting.charts import Bars, ColumnDistribution, Curves, Heat, Intervals, RowCounts, Scatter
from modelyard.reporting.plots import svg

LINE = ([0.0, 0.5, 1.0], [0.1, 0.4, 0.9])
CATEGORIES = {"missing": 0.0, "values": {"EWR": 0.7, "JFK": 0.3}}
QUANTITY = {"missing": 0.1, "edges": [0.0, 1.0, 3.0], "shares": [0.5, 0.5]}
TIME = {"missing": 0.0, "edges": [1357017300.0, 1372957800.0, 1383263940.0], "shares": [0.4, 0.6]}
CHARTS = [
    Curves("Calibration", "predicted", "observed", {"this": LINE, "main": LINE}, diagonal=True),
    Curves("Empty", "predicted", "observed", {"this": ([], [])}, diagonal=True),
    Bars("Importance", "loss", ["carrier", "dest"], [0.2, -0.1], [0.01, 0.02]),
    Bars("Importance", "loss", ["carrier", "dest"], [0.2, 0.1], [0.01, 0.02], [None, 0.3]),
    Intervals("Slices", "log_loss", ["origin = EWR", "dest"], [0.1, 0.0], [0.0, -0.1], [0.2, 0.1], [False, None]),
    ColumnDistribution("origin", {"main": CATEGORIES, "this": CATEGORIES}),
    ColumnDistribution("temp", {"main": QUANTITY, "this": {"missing": 1.0, "edges": [], "shares": []}}),
    ColumnDistribution("mixed", {"main": QUANTITY, "this": CATEGORIES}),
    ColumnDistribution("departure", {"main": TIME, "this": TIME}, time=True),
    Heat("Confusion", "called late", "late is", ["false", "true"], [[40, 2], [0, 0]]),
    Scatter("Residuals", "predicted", "off", LINE, [0.2, 0.8], [[-1, -1], [0, 0], [1, 2]]),
    RowCounts("Histogram", "off", [-1.0, 0.0, 2.0], [3, 4]),
]


def texts(drawn: str) -> list[str]:
    root = ElementTree.fromstring(drawn)  # noqa: S314
    return ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.title)
def test_each_chart_is_an_svg_that_says_what_it_shows_and_is_the_same_each_time(chart):
    drawn = svg(chart)
    assert chart.title in texts(drawn)
    assert f'aria-label="{chart.title}"' in drawn
    assert svg(chart) == drawn


@pytest.mark.parametrize("days", [0.01, 1, 9, 40, 200, 800, 1461, 2500, 9000, 40_000])
def test_times_of_any_span_are_drawn_without_a_warning(days):
    edges = [1325376000.0 + share * days * 86_400 for share in (0.0, 0.5, 1.0)]
    span = {"missing": 0.0, "edges": edges, "shares": [0.4, 0.6]}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        svg(ColumnDistribution("departure", {"this": span}, time=True))
    assert not told


def test_lines_and_text_take_the_colour_of_the_page():
    drawn = svg(CHARTS[0])
    assert "currentColor" in drawn
    assert not re.search(r"#000000|#ffffff|#010203", drawn)


def test_names_and_legend_are_shown():
    assert {"this", "main", "perfect"} <= set(texts(svg(CHARTS[0])))
    assert {"carrier", "dest", "main"} <= set(texts(svg(CHARTS[3])))
    assert {"origin = EWR", "dest"} <= set(texts(svg(CHARTS[4])))
    assert {"EWR", "JFK"} <= set(texts(svg(CHARTS[5])))


def test_the_threshold_is_marked_on_its_line():
    line = Curves("ROC", "", "", {"this": LINE}, diagonal=True, marks={"this": (0.5, 0.4)}, ideal="chance")
    assert {"threshold", "chance"} <= set(texts(svg(line)))
    assert "threshold" not in texts(svg(CHARTS[0]))


def test_a_matrix_has_each_count_with_its_share():
    assert {"40", "95 %", "2", "5 %", "0", "0 %"} <= set(texts(svg(CHARTS[9])))


def test_a_slice_that_breaks_its_rule_stands_out():
    broken, kept = (svg(Intervals("", "", ["a"], [0.1], [0.0], [0.2], [one])) for one in (False, True))
    assert "#dc2626" in broken
    assert "#dc2626" not in kept


def test_only_so_many_names_are_drawn_and_the_title_says_so():
    names = [f"name {number}" for number in range(1000)]
    shown = texts(svg(Bars("Importance", "loss", names, [1.0] * 1000, [0.1] * 1000)))
    assert "Importance (the first 30 of 1,000)" in shown
    assert len([text for text in shown if text.startswith("name ")]) == 30


@pytest.mark.parametrize("name", ["$x$", "$\\frac{", "<script>x</script>", "中文 🎉", "a\x00b", "x" * 500, "_hidden"])
@pytest.mark.filterwarnings("error")
def test_any_name_can_be_drawn(name):
    shown = {name: 1.0}
    drawn = texts(svg(Bars("", "loss", [name], [1.0], [0.0])))
    drawn += texts(svg(ColumnDistribution(name, {"this": {"values": shown}, "main": {"values": shown}})))
    start = name.replace("\x00", " ")[:11]
    assert len([text for text in drawn if text.startswith(start)]) == 3  # a bar, a title, and a category


def test_no_id_is_used_twice_on_a_page():
    page = "".join(svg(chart) for chart in (CHARTS[0], CHARTS[2], CHARTS[4]))
    groups = [one for one in re.findall(r'\bid="([^"]+)"', page) if not re.match(r"[pm][0-9a-f]{10}$", one)]
    assert groups == []
