"""Drift of inputs and scores against the bundle's reference."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from library.production.answered import days, rows_of, spread_over, write_day
from modelyard.judging.monitoring import Monitor
from modelyard.production.cells import cell_words, numeric_cells
from modelyard.production.counts import count_days
from modelyard.production.drift import drift
from modelyard.production.known import known_bundles
from modelyard.production.store import Store
from scipy import stats

FIRST = "2026-03-02"


def found(workspace, tmp_path, parts, **columns):
    """The drift of the last week of these days."""
    store = Store(str(tmp_path / "store"))
    for day, rows in parts.items():
        write_day(store, workspace, day, rows, **columns)
    known = known_bundles(store, workspace.root)
    counted = count_days(store, known, tmp_path)
    (name,) = {bundle for day in counted.values() for bundle in day}
    held = [day[name] for day in counted.values()]
    return drift([held[start : start + 7] for start in range(0, len(held), 7)], known[name], Monitor())


def replaced(rows, name, values):
    return rows.set_column(rows.column_names.index(name), name, values.cast(rows[name].type))


def moved(parts, name, change):
    return {day: replaced(rows, name, change(rows[name])) for day, rows in parts.items()}


def test_rows_as_in_training_have_no_drift(made, tmp_path):
    got = found(made, tmp_path, spread_over(rows_of(made), days(FIRST, 21), 300))
    assert {one["state"] for one in got["inputs"].values() if "reason" not in one} == {"none"}
    assert got["rows"] == 2100 > got["needed_rows"]
    assert got["inputs"]["scheduled_departure"]["reason"] == "a time moves on by itself"


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
def test_a_change_of_unit_is_named(kind, request, tmp_path):
    workspace = request.getfixturevalue(kind)
    parts = spread_over(rows_of(workspace), days(FIRST, 7), 150)
    celsius = moved(parts, "temp", lambda values: pc.divide(pc.subtract(values, 32.0), 1.8))
    got = found(workspace, tmp_path, celsius)["inputs"]
    assert [name for name, one in got.items() if one["state"] == "drift"] == ["temp"]
    assert got["temp"]["distance"] > 0.5
    assert got["temp"]["p"] < 0.01  # seven days cannot tell it better


def test_a_feed_that_stops_is_drift_of_what_is_missing(other, tmp_path):
    parts = spread_over(rows_of(other), days(FIRST, 7), 100)
    gone = moved(parts, "body_mass_g", lambda values: pa.nulls(len(values), values.type))
    got = found(other, tmp_path, gone)["inputs"]["body_mass_g"]
    assert (got["state"], got["missing"]) == ("drift", 1)
    assert got["reference_missing"] < 0.1
    assert got["moved"]["missing values"][1] == 1


def test_unknown_categories_and_outliers_are_named(made, tmp_path):
    parts = spread_over(rows_of(made), days(FIRST, 7), 150)
    renamed = moved(parts, "carrier", lambda values: pc.replace_substring(values, "UA", "United"))
    hot = moved(renamed, "temp", lambda values: pc.add(values, 500.0))
    got = found(made, tmp_path, hot, scores=[0.1] * 150)
    carrier, temp = got["inputs"]["carrier"], got["inputs"]["temp"]
    united = sum(pc.sum(pc.equal(rows["carrier"], "UA")).as_py() for rows in parts.values())
    assert carrier["unknown"] == {"United": united}
    assert carrier["state"] == "drift"
    assert temp["outside"] == pytest.approx(1 - temp["missing"])
    highest = max(part for part in temp["moved"] if part.startswith("above "))
    assert temp["moved"][highest] == [0, pytest.approx(temp["outside"])]
    assert carrier["moved"]["United"][0] == 0
    assert got["score"]["state"] == "drift"  # the same answer for all


def test_cells_are_named_as_a_person_reads_them():
    edges = [40.0, 50.125, 60.0]
    cells = [cell_words(cell, edges, "°F") for cell in numeric_cells(edges)]
    assert cells == ["missing values", "below 40 °F", "40 to 50.125 °F", "50.125 to 60 °F", "above 60 °F"]


def test_few_rows_cannot_tell_and_say_how_many_would(made, tmp_path):
    got = found(made, tmp_path, spread_over(rows_of(made), days(FIRST, 7), 10))
    states = {one["state"] for one in got["inputs"].values()}
    assert states == {"cannot tell"}
    assert got["needed_rows"] > 70


def test_rows_of_one_day_are_taken_as_independent_and_that_is_said(other, tmp_path):
    parts = spread_over(rows_of(other), days(FIRST, 2), 100)
    assert not found(other, tmp_path / "two", parts)["independent"]
    assert found(other, tmp_path / "one", {FIRST: parts[FIRST]})["independent"]


def test_a_small_change_that_is_significant_does_not_matter(made, tmp_path):
    parts = spread_over(rows_of(made), days(FIRST, 7), 2000)
    warmer = moved(parts, "temp", lambda values: pc.add(values, 2.0))
    temp = found(made, tmp_path, warmer)["inputs"]["temp"]
    assert temp["p"] < 0.01
    assert temp["distance"] < 0.1
    assert temp["state"] == "none"


def test_streams_without_change_alarm_at_most_at_the_nominal_rate(other, tmp_path):
    """All inputs of a window together: a correction for many tests is in it."""
    rows, streams, alpha = rows_of(other), 40, 0.1
    on = days(FIRST, 7 * streams)
    store = Store(str(tmp_path / "store"))
    for day, part in spread_over(rows, on, 40, seed=3).items():
        write_day(store, other, day, part, scores=np.full((40, 3), 1 / 3))
    known = known_bundles(store, other.root)
    counted = list(count_days(store, known, tmp_path).values())
    (name,) = known
    settings = Monitor(alpha=alpha, effect=0.001)
    alarms = 0
    for number in range(streams):
        window = [day[name] for day in counted[7 * number : 7 * number + 7]]
        states = [one["state"] for one in drift([window], known[name], settings)["inputs"].values()]
        alarms += "drift" in states
    assert alarms <= stats.binom.isf(1e-3, streams, alpha)
