"""Counts of the answered rows by day, bundle and cell of its reference."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from library.production.answered import answer_days, days, rows_of, spread_over, write_day
from modelyard.production import comparing
from modelyard.production.cells import input_cell, numeric_cells, reference_shares
from modelyard.production.counts import count_days
from modelyard.production.known import known_bundles
from modelyard.production.predictions import newest
from modelyard.production.store import Store
from modelyard.reporting.engine import connection
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.column import OTHER, Column
from modelyard.training.reference import reference

DAY = "2026-03-02"


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "a [store]*"))


def replaced(rows, name, values):
    return rows.set_column(rows.column_names.index(name), name, pa.array(values, rows[name].type))


@pytest.mark.parametrize("kind", ["made", "other"])
def test_each_row_is_in_one_cell_of_each_input(kind, request, store, tmp_path):
    workspace = request.getfixturevalue(kind)
    parts = spread_over(rows_of(workspace), days(DAY, 2), 100)
    answer_days(store, workspace, parts)
    counted = count_days(store, known_bundles(store, workspace.root), tmp_path)
    trained = json.loads((workspace.root / "bundle/reference.json").read_text())
    for day, rows in parts.items():
        (held,) = counted[day].values()
        assert held.rows == 100
        assert sum(held.score.values()) == 100
        for name, column in workspace.contract.inputs.items():
            values, cells = rows[name], held.inputs[name]
            assert sum(cells.values()) == 100
            assert cells.get("missing", 0) == values.null_count
            if column.values is not None:
                present = values.drop_null().to_pylist()
                expected = Counter(f"={value if value in column.values else OTHER}" for value in present)
                assert {cell: count for cell, count in cells.items() if cell != "missing"} == expected
            elif column.type in ("number", "integer"):
                present = values.drop_null().cast(pa.float64()).to_numpy()
                bins = np.histogram(present, trained[name]["edges"])[0]
                assert [cells.get(f"bin {place + 1}", 0) for place in range(len(bins))] == bins.tolist()


def test_what_training_never_had_has_cells_of_its_own(made, store, tmp_path):
    rows = rows_of(made).slice(0, 4)
    assert "carrier" in made.contract.inputs
    rows = replaced(replaced(rows, "temp", [-1e6, 1e6, None, 50.0]), "carrier", ["??", "??", "UA", None])
    write_day(store, made, DAY, rows, scores=[0.5] * 4)
    ((held,),) = (day.values() for day in count_days(store, known_bundles(store, made.root), tmp_path).values())
    cells = held.inputs["temp"]
    assert (cells["below"], cells["above"], cells["missing"]) == (1, 1, 1)
    assert held.inputs["carrier"] == {"=??": 2, "=UA": 1, "missing": 1}


ON_EDGES = {
    "directions in tens, some missing": [*np.repeat(np.arange(0.0, 370.0, 10.0), 3), *[np.nan] * 7],
    "tenths": np.arange(9838, 10422) / 10,
    "all digits of a float": np.cumsum(np.full(500, 0.1)) - 20.0,
    "few values": [1.0, 2.0, 2.0, 3.0],
    "one value": [5.0, 5.0],
    "tiny and huge": [-1e300, -1e-300, 0.0, 5e-324, 1e300],
}


@pytest.mark.parametrize("values", ON_EDGES.values(), ids=ON_EDGES)
def test_a_value_on_an_edge_is_counted_as_in_training_so_the_same_rows_have_no_distance(values):
    column = Column("number", "feature", "")
    contract = SimpleNamespace(inputs={"wind_dir": column})
    trained = reference({"wind_dir": np.asarray(values)}, contract)
    sent = pa.table({"input.wind_dir": pa.array(values, pa.float64(), from_pandas=True)})
    with connection() as connected:
        cell = input_cell("wind_dir", column, SimpleNamespace(reference=trained))
        counts = Counter(cell for (cell,) in connected.from_arrow(sent).project(cell).fetchall())
    cells = numeric_cells(trained["wind_dir"]["edges"])
    shares = reference_shares(column, trained["wind_dir"])
    assert counts.keys() <= set(cells)
    rows, known = (np.array([counted.get(cell, 0.0) for cell in cells]) for counted in (counts, shares))
    assert comparing.distance(rows, known, ordered=True) == pytest.approx(0, abs=1e-12)


def test_an_open_list_has_one_cell_for_all_others():
    column = Column("string", "feature", "", values=["UA", "it's"], other=True)
    known = SimpleNamespace(reference={})
    given = {"UA": "=UA", "it's": "=it's", "ZZ": "=(other)", "": "=(other)", None: "missing"}
    sent = pa.table({"input.carrier": list(given)})
    with connection() as connected:
        found = connected.from_arrow(sent).project(input_cell("carrier", column, known)).fetchall()
    assert [cell for (cell,) in found] == list(given.values())
    trained = {"missing": 0.5, "values": {"UA": 0.5, "it's": 0.0, "(other)": 0.5}}
    assert reference_shares(column, trained) == {"missing": 0.5, "=UA": 0.25, "=it's": 0.0, "=(other)": 0.25}


def test_rows_that_no_model_answered_are_counted_apart(made, store, tmp_path):
    rows = rows_of(made).slice(0, 6)
    who, shadow = (
        ["model", "model", "fallback", "baseline", "model", "fallback"],
        [False, True, False, False, False, True],
    )
    write_day(store, made, DAY, rows, answered_by=who, shadow=shadow)
    ((held,),) = (day.values() for day in count_days(store, known_bundles(store, made.root), tmp_path).values())
    assert held.rows == 2
    assert held.others == {"shadow": 2, "fallback": 1, "baseline": 1}
    assert sum(held.score.values()) == 2


def test_a_bundle_that_is_not_known_has_its_rows_counted(made, store, tmp_path):
    write_day(store, made, DAY, rows_of(made).slice(0, 5), bundle="0123456789ab")
    counted = count_days(store, known_bundles(store, made.root), tmp_path)[DAY]["0123456789ab"]
    assert (counted.rows, counted.counted, counted.inputs) == (5, False, {})


def test_a_day_is_counted_again_only_when_its_file_changes(made, store, tmp_path):
    rows, known = rows_of(made), known_bundles(store, made.root)
    answer_days(store, made, spread_over(rows, days(DAY, 2), 10))
    first = count_days(store, known, tmp_path)
    kept, changed = newest(store).values()
    store.write(kept, b"nobody reads this again")
    write_day(store, made, "2026-03-03", rows.slice(0, 7))
    again = count_days(store, known, tmp_path)
    bundle = read_bundle(made.root / "bundle").digest[:12]
    assert again[DAY] == first[DAY]
    assert again["2026-03-03"][bundle].rows == 7
    assert store.has(changed)  # the newest counts, and the older one may still be there


def test_a_bundle_stays_known_when_the_project_has_another(made, store, tmp_path):
    known_bundles(store, made.root)
    assert known_bundles(store, tmp_path).keys() == {read_bundle(made.root / "bundle").digest[:12]}
