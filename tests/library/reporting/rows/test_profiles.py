from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.csv
import pytest
from library.held import both, sides
from library.other_project import penguins_csv
from modelyard.reporting.rows.profiles import Moved, Profile, compare_profiles


@pytest.fixture(scope="module")
def penguins() -> pa.Table:
    """Measures of 344 penguins, without an id; the last column is the year."""
    options = pyarrow.csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    table = pyarrow.csv.read_csv(penguins_csv(), convert_options=options)
    return table.set_column(7, "year", table["year"].cast(pa.float64()))


def test_real_rows_without_ids_are_compared_by_the_profiles_of_their_columns(penguins, tmp_path):
    mass = [None if row == 5 else value for row, value in enumerate(penguins["body_mass_g"].to_pylist())]
    heavier = penguins.set_column(5, "body_mass_g", pa.array(mass)).slice(0, 340)
    found = compare_profiles(sides(*both(tmp_path, penguins, heavier)))
    assert (found.only_main, found.only_this) == (5, 1)
    mass_difference = next(one for one in found.columns if one.column == "body_mass_g")
    present = [value for value in penguins["body_mass_g"].to_pylist() if value is not None]
    assert mass_difference.main.missing == 2 / 344
    assert mass_difference.this.missing == 3 / 340
    assert mass_difference.main.ends == (min(present), max(present))
    assert mass_difference.main.mean == pytest.approx(sum(present) / len(present), rel=1e-11)
    assert mass_difference.main.distinct == len(set(present))
    assert mass_difference.main.quantiles[1] in sorted(present)[170:172]
    species = next(one for one in found.columns if one.column == "species")
    assert species.moved[0] == Moved("Chinstrap", 68 / 344, 64 / 340)


def test_rows_in_another_order_have_no_difference(penguins, tmp_path):
    order = list(range(penguins.num_rows))[::-1]
    found = compare_profiles(sides(*both(tmp_path, penguins, penguins.take(order))))
    assert (found.only_main, found.only_this, list(found.columns)) == (0, 0, [])


def test_rows_that_occur_several_times_are_counted_so_often(tmp_path):
    once = pa.table({"x": [1.0, 2.0], "y": [1.0, 2.0]})
    found = compare_profiles(sides(*both(tmp_path, once, pa.concat_tables([once, once, once.slice(1)]))))
    assert (found.only_main, found.only_this) == (0, 3)


def test_of_personal_data_no_value_is_taken(tmp_path):
    when = [datetime.datetime(2020, 1, day) for day in (1, 2)]
    main = pa.table({"who": ["Ada", "Bob"], "born": pa.array(when, pa.timestamp("us")), "y": [1.0, 2.0]})
    found = compare_profiles(sides(*both(tmp_path, main, main.slice(1), personal=("who", "born", "y"))))
    assert [(one.column, one.main, list(one.moved)) for one in found.columns] == [
        (name, Profile(0.0, 2), []) for name in ("who", "born", "y")
    ]
