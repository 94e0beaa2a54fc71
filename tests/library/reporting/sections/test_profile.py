from __future__ import annotations

import numpy as np
import pytest
from modelyard.reporting.charts import ColumnDistribution
from modelyard.reporting.sections.profile import blocks, moves
from modelyard.runtime.contract import Contract


@pytest.fixture
def contract(made) -> Contract:
    return made.contract


def move(contract: Contract, name: str, main: dict, this: dict) -> tuple[float, str]:
    (found,) = moves({name: main}, {name: this}, contract)
    return found.share, found.how


def even(low: float, high: float, missing: float = 0.0) -> dict:
    """A quantity that is anything between two ends, as a bundle's reference has it."""
    return {"missing": missing, "edges": np.linspace(low, high, 11).tolist(), "shares": [0.1] * 10}


def category(missing: float = 0.0, **shares: float) -> dict:
    return {"missing": missing, "values": shares}


def test_the_share_of_moved_rows_of_a_category_is_half_of_what_changed(contract):
    share, how = move(contract, "origin", category(EWR=0.5, JFK=0.3, LGA=0.2), category(EWR=0.3, JFK=0.3, LGA=0.4))
    assert share == pytest.approx(0.2)
    assert how == "`EWR` 50.0 % → 30.0 %"


def test_a_category_that_is_new_or_gone_counts(contract):
    share, how = move(contract, "origin", category(EWR=1.0), category(JFK=1.0))
    assert share == pytest.approx(1.0)
    assert how == "`EWR` 100.0 % → 0.0 %"


def test_a_quantity_that_is_shifted_moves_as_much_as_its_distribution(contract):
    share, how = move(contract, "temp", even(0, 100), even(20, 120))
    assert share == pytest.approx(0.2)
    assert how == "median 50 → 70"


def test_a_median_that_hardly_moved_is_shown_with_the_digits_that_it_takes(contract):
    assert move(contract, "pressure", even(1000, 1100), even(1000.2, 1100.2))[1] == "median 1,050 → 1,050.2"


def test_a_time_is_shown_as_a_date(contract):
    before, after = (even(*(day * 86_400 for day in days)) for days in ((15_706, 15_806), (15_736, 15_836)))
    assert move(contract, "scheduled_departure", before, after)[1] == "median 2013-02-20 → 2013-03-22"


def test_what_is_missing_more_often_is_told_where_it_moved_most(contract):
    share, how = move(contract, "temp", even(0, 1, missing=0.1), even(0, 1, missing=0.4))
    assert share == pytest.approx(0.3)
    assert how == "missing 10.0 % → 40.0 %"


def test_coarse_parts_do_not_move_because_their_edges_do(contract):
    """Nearly all of visib is 10; whether 7 is an edge says little of where the rows between lie."""
    before = {"missing": 0.0, "edges": [0.0, 7.0, 10.0], "shares": [0.08, 0.92]}
    after = {"missing": 0.0, "edges": [0.0, 10.0], "shares": [1.0]}
    share, how = move(contract, "visib", before, after)
    assert share == pytest.approx(0.0)
    assert how == "median 7 to 10 → 0 to 10"


def test_a_constant_that_changes_moves_every_row(contract):
    one, other = ({"missing": 0.0, "edges": [value], "shares": [1.0]} for value in (1.0, 2.0))
    assert move(contract, "precip", one, other) == (1.0, "median 1 → 2")


def test_a_column_that_has_no_value_any_more_is_missing(contract):
    empty = {"missing": 1.0, "edges": [], "shares": []}
    assert move(contract, "temp", even(0, 1), empty) == (1.0, "missing 0.0 % → 100.0 %")


def test_a_column_that_became_a_category_or_a_quantity_moved_whole(contract):
    values = even(0, 1)
    assert move(contract, "temp", values, category(EWR=1.0)) == (1.0, "now a category")
    assert move(contract, "temp", category(EWR=1.0), values) == (1.0, "now a quantity")


def test_columns_that_only_one_of_them_has_are_no_moves(contract):
    assert moves({"temp": {}}, {"dewp": {}, "other": {}}, contract) == []


def test_the_furthest_move_comes_first_and_the_slightest_are_left_out(contract):
    main = {name: category(A=0.5, B=0.5) for name in ("carrier", "dest", "origin")}
    this = {
        "carrier": category(A=0.6, B=0.4),
        "dest": category(A=0.501, B=0.499),
        "origin": category(A=0.9, B=0.1),
    }
    moved = moves(main, this, contract)
    assert [one.column for one in moved][:2] == ["origin", "carrier"]
    text, table, *charts = blocks(moved)
    assert "2 inputs are distributed otherwise" in text
    assert [line.split("`")[1] for line in table.markdown().splitlines()[2:]] == ["origin", "carrier"]
    assert all(isinstance(chart, ColumnDistribution) for chart in charts)
    assert len(charts) == 2


def test_nothing_is_said_where_nothing_moved(contract):
    assert blocks(moves({"temp": category(A=1.0)}, {"temp": category(A=1.0)}, contract)) == []
