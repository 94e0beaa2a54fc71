from __future__ import annotations

from modelyard.reporting.charts import Curves, points


def test_points_without_a_number_are_left_out_and_the_others_put_in_order():
    xs = [0.5, None, "0.1", "nan", 0.9, float("inf")]
    assert points(xs, [1, 2, "3", 4, "", 6]) == ([0.1, 0.5], [3.0, 1.0])


def test_the_legend_is_in_the_order_of_drawing():
    lines = {"this": ([0, 1], [0, 1]), "main": ([0, 1], [0, 1])}
    assert Curves("", "x", "y", lines, diagonal=True).legend == ["this", "main", "perfect"]
    assert Curves("", "x", "y", lines).legend == ["this", "main"]
