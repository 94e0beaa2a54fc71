from __future__ import annotations

import math

import pyarrow as pa
import pytest
from library.held import both, sides
from modelyard.reporting.rows.by_id import MASK, Example, LeftOut, RowDifference, compare_by_id

MAIN = pa.table({"key": ["a", "b", "c", "d"], "x": [1.0, math.nan, None, 0.1], "y": [1.0, 2.0, 3.0, 4.0]})


@pytest.fixture
def compare(tmp_path):
    def run(main: pa.Table, this: pa.Table, *ids: str, personal: tuple[str, ...] = ()) -> RowDifference:
        return compare_by_id(sides(*both(tmp_path / "day=1 [x]", main, this, *(ids or ("key",)), personal=personal)))

    return run


def with_column(table: pa.Table, name: str, values: list) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))


def counts(found: RowDifference) -> tuple[int, ...]:
    return found.added, found.removed, found.changed, found.same


def test_rows_that_only_changed_their_places_are_the_same(compare):
    assert counts(compare(MAIN, MAIN.take([3, 1, 0, 2]))) == (0, 0, 0, 4)


def test_numbers_are_compared_exactly_and_missing_is_no_number(compare):
    found = compare(MAIN, with_column(MAIN, "x", [1.0 + 2**-52, math.nan, 0.0, None]))
    assert counts(found) == (0, 0, 3, 1)
    assert found.columns == {"x": 3}
    assert found.examples == [
        Example("changed", ("a",), "x", 1.0, 1.0 + 2**-52),
        Example("changed", ("c",), "x", None, 0.0),
        Example("changed", ("d",), "x", 0.1, None),
    ]
    assert compare(MAIN, with_column(MAIN, "x", [1.0, None, None, 0.1])).columns == {"x": 1}  # NaN is not missing


def test_rows_are_added_and_removed_by_their_ids(compare):
    this = pa.concat_tables([MAIN.slice(1), pa.table({"key": ["e"], "x": [5.0], "y": [5.0]})])
    found = compare(MAIN, this)
    assert counts(found) == (1, 1, 0, 3)
    assert found.examples == [Example("removed", ("a",)), Example("added", ("e",))]


def test_several_columns_are_one_id(compare):
    main = pa.table({"shop": [1, 1, 2], "day": ["x", "y", "x"], "y": [1.0, 2.0, 3.0]})
    found = compare(main, with_column(main, "y", [1.0, 2.0, 4.0]).slice(1), "shop", "day")
    assert counts(found) == (0, 1, 1, 1)
    assert found.examples == [Example("removed", (1, "x")), Example("changed", (2, "x"), "y", 3.0, 4.0)]


def test_an_id_that_occurs_twice_in_one_version_pairs_nothing_and_is_counted(compare):
    twice = pa.concat_tables([MAIN, MAIN.slice(0, 1), MAIN.slice(0, 1), MAIN.slice(1, 1)])
    found = compare(twice, MAIN)
    assert counts(found) == (0, 0, 0, 2)
    assert found.left_out == (LeftOut(2, 5), LeftOut())


def test_personal_data_is_masked_in_ids_and_values_but_not_that_it_is_missing(compare):
    this = with_column(with_column(MAIN, "x", [7.25, math.nan, None, None]), "key", ["a", "b", "new", "d"])
    found = compare(MAIN, this, personal=("key", "x"))
    assert counts(found) == (1, 1, 2, 1)
    assert set(found.examples) == {
        Example("removed", (MASK,)),
        Example("added", (MASK,)),
        Example("changed", (MASK,), "x", MASK, MASK),
        Example("changed", (MASK,), "x", MASK, None),
    }


def test_there_are_ten_examples_of_all_kinds_in_turn(compare):
    main = pa.table({"key": [f"{row:02}" for row in range(50)], "x": [0.0] * 50, "y": [0.0] * 50})
    this = with_column(with_column(main, "x", [1.0] * 50), "y", [1.0] * 30 + [0.0] * 20).slice(5)
    kinds = [(one.what, one.column, one.ids[0]) for one in compare(main, this).examples]
    assert len(kinds) == 10
    assert kinds[:4] == [("removed", "", "00"), ("changed", "x", "05"), ("changed", "y", "05"), ("removed", "", "01")]


def test_a_renamed_column_is_found_by_its_values_and_another_is_not(compare):
    this = MAIN.rename_columns(["key", "z", "y"])
    assert compare(MAIN, this).renamed == {"x": "z"}
    assert compare(MAIN, with_column(this, "z", [1.0, 2.0, 3.0, 4.0])).renamed == {}
    assert compare(MAIN, this.append_column("w", this["z"]).select(["key", "z", "w", "y"])).renamed == {}  # which one?


def test_names_that_differ_in_case_or_hold_any_character_are_columns_of_their_own(compare):
    names = ["key", "X", "x", 'a"b.c', "filename", "v0", "here"]
    main = pa.table([["a"], *([float(place)] for place in range(6))], names=names)
    found = compare(main, with_column(with_column(main, "x", [9.0]), 'a"b.c', [9.0]))
    assert found.columns == {"x": 1, 'a"b.c': 1}
