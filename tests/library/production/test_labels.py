"""Labels: those that come late, twice, never, for other rows, or contradict each other."""

from __future__ import annotations

import datetime
import json

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from library.production.answered import rows_of, write_day
from modelyard.errors import ContractError
from modelyard.judging.monitoring import Monitor
from modelyard.production.known import known_bundles
from modelyard.production.label_sources import Given
from modelyard.production.labels import REPORT, join, label_files, run
from modelyard.production.outcomes import outcomes

DAY = "2013-03-04"
UNTIL = datetime.datetime(2013, 3, 20)
LATER = datetime.datetime(2013, 4, 20)


@pytest.fixture
def asked(made, store):
    """The rows that were asked for on a day."""
    rows = rows_of(made).slice(100, 20)
    write_day(store, made, DAY, rows)
    return rows


def given(ids, labels, known=None):
    columns = {"id.flight_id": pa.array(ids), "label": pa.array(labels, pa.string())}
    if known is not None:
        columns["known"] = pa.array(known, pa.timestamp("us"))
    return Given(pa.table(columns), ["id.flight_id"], "a test")


def stored(store):
    return [
        (row["id.flight_id"], row["label"], row["known"])
        for name in label_files(store)
        for row in pyarrow.parquet.read_table(store.folder / name).to_pylist()
    ]


def rows_with_label(store, made, tmp_path, until):
    known = known_bundles(store, made.root)
    (day,) = outcomes(store, known, {DAY: 20}, until, tmp_path).values()
    return next(iter(day.values())).overall if day else {}


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
def test_labels_of_the_source_are_joined_by_id(kind, request, tmp_path, store):
    workspace = request.getfixturevalue(kind)
    rows = rows_of(workspace).slice(0, 30)
    write_day(store, workspace, DAY, rows)
    root = tmp_path / "project"
    root.mkdir()
    said = run(root, workspace.contract, workspace.params, Monitor(store=str(store.folder)), LATER)
    name = workspace.contract.target
    expected = dict(zip(rows["flight_id"].to_pylist(), rows[name].cast(pa.string()).to_pylist(), strict=True))
    got = {identity: str(label) for identity, label, _ in stored(store)}
    if workspace.contract.kind == "regression":
        expected = {identity: str(float(label)) for identity, label in expected.items()}
    assert got == expected
    assert said.startswith("labels: 30 new (0 of them changed)")
    assert run(root, workspace.contract, workspace.params, Monitor(store=str(store.folder)), LATER).startswith(
        "labels: 0 new"
    )
    assert len(label_files(store)) == 1


def test_labels_after_the_time_are_not_known_yet(made, tmp_path, store):
    rows = rows_of(made).slice(0, 30)
    write_day(store, made, DAY, rows)
    run(tmp_path, made.contract, made.params, Monitor(store=str(store.folder)), datetime.datetime(2013, 1, 1, 12))
    assert len(stored(store)) < 30


def test_labels_by_request_and_row_need_no_id(other, tmp_path, store):
    rows = rows_of(other).slice(0, 5)
    write_day(store, other, DAY, rows)
    table = pa.table(
        {
            "request": [f"{DAY}-{place:06}" for place in (0, 1, 77)],
            "row": [0, 0, 0],
            "species": ["Adelie", "Gentoo", "Gentoo"],
        }
    )
    pyarrow.csv.write_csv(table, tmp_path / "happened.csv")
    settings = Monitor(store=str(store.folder), labels=str(tmp_path / "happened.csv"))
    said = run(tmp_path, other.contract, other.params, settings, UNTIL)
    assert "2 new" in said
    assert "1 of rows that were not asked for" in said
    day = outcomes(store, known_bundles(store, other.root), {DAY: 5}, UNTIL, tmp_path)[DAY]
    assert next(iter(day.values())).overall["rows"] == 2


def test_a_label_that_changes_is_a_second_version(made, asked, store, tmp_path):
    ids = asked["flight_id"].to_pylist()
    assert join(store, [given(ids[:4], ["true"] * 4)], UNTIL, tmp_path).written == 4
    joined = join(store, [given(ids[:5], ["false"] + ["true"] * 4)], LATER, tmp_path)
    assert (joined.written, joined.changed) == (2, 1)
    then = rows_with_label(store, made, tmp_path, UNTIL)
    assert (then["rows"], then["positives"]) == (4, 4)
    now = rows_with_label(store, made, tmp_path, LATER)
    assert (now["rows"], now["positives"]) == (5, 4)
    assert rows_with_label(store, made, tmp_path, UNTIL - datetime.timedelta(1)) == {}


def test_a_feed_may_say_when_each_version_became_known(made, asked, store, tmp_path):
    one = asked["flight_id"].to_pylist()[0]
    when = [datetime.datetime(2013, 3, 5), datetime.datetime(2013, 3, 9)]
    feed = given([one, one], ["true", "false"], when)
    assert join(store, [feed], UNTIL, tmp_path).written == 2
    assert join(store, [feed], LATER, tmp_path).written == 0
    assert rows_with_label(store, made, tmp_path, when[0])["positives"] == 1
    assert rows_with_label(store, made, tmp_path, when[1])["positives"] == 0


def test_a_label_given_twice_counts_once_and_a_contradiction_not_at_all(made, asked, store, tmp_path):
    one, two, three = asked["flight_id"].to_pylist()[:3]
    labels = given([one, one, two, two, three], ["true", "true", "true", "false", "false"])
    joined = join(store, [labels], UNTIL, tmp_path)
    assert (joined.read, joined.written, joined.repeated, joined.conflicting) == (5, 2, 1, 2)
    assert two in joined.notes[0]
    assert rows_with_label(store, made, tmp_path, UNTIL)["rows"] == 2


@pytest.mark.usefixtures("asked")
def test_labels_of_other_keys_are_counted_and_shown(store, tmp_path):
    joined = join(store, [given(["UA-1", "UA-2"], ["true", "false"])], UNTIL, tmp_path)
    assert (joined.written, joined.unmatched) == (0, 2)
    assert "labels have UA-1, UA-2; rows " in joined.notes[0]
    assert label_files(store) == []


def test_rows_without_an_id_are_counted(made, store, tmp_path):
    rows = rows_of(made).slice(0, 3)
    place = rows.column_names.index("flight_id")
    write_day(store, made, DAY, rows.set_column(place, "flight_id", pa.nulls(3, pa.string())))
    joined = join(store, [given(["UA-1"], ["true"])], UNTIL, tmp_path)
    assert joined.keyless == 3
    assert "rows none" in joined.notes[0]


def test_a_row_that_was_asked_on_two_days_has_its_label_on_both(made, asked, store, tmp_path):
    write_day(store, made, "2013-03-05", asked.slice(0, 2))
    joined = join(store, [given(asked["flight_id"].to_pylist(), ["true"] * 20)], UNTIL, tmp_path)
    assert joined.written == 22
    found = outcomes(store, known_bundles(store, made.root), {DAY: 20}, UNTIL, tmp_path)
    assert [next(iter(day.values())).overall["rows"] for day in found.values()] == [20, 2]


def test_the_latest_file_of_a_day_and_new_labels_are_counted_again(made, asked, store, tmp_path):
    ids = asked["flight_id"].to_pylist()
    join(store, [given(ids, ["true"] * 20)], UNTIL, tmp_path)
    assert rows_with_label(store, made, tmp_path, UNTIL)["rows"] == 20
    write_day(store, made, DAY, asked.slice(0, 7))
    assert rows_with_label(store, made, tmp_path, UNTIL)["rows"] == 7


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"flight_id": ["a"], "late": ["perhaps"]}, "late: must be of type boolean"),
        ({"flight_id": ["a"]}, "no column late"),
        ({"other": ["a"], "late": [True]}, "flight_id or request, row|no column request, row"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_labels_that_break_the_contract_change_nothing(made, store, tmp_path, table, message):
    pyarrow.parquet.write_table(pa.table(table), tmp_path / "happened.parquet")
    settings = Monitor(store=str(store.folder), labels=str(tmp_path / "happened.parquet"))
    before = store.names()
    with pytest.raises(ContractError, match=message):
        run(tmp_path, made.contract, made.params, settings, UNTIL)
    assert store.names() == before
    assert "happened.parquet" in json.loads((tmp_path / REPORT).read_text())["error"]


def test_without_a_store_nothing_is_watched(made, tmp_path):
    assert "names no monitor.store" in run(tmp_path, made.contract, made.params, Monitor(), UNTIL)
    assert not (tmp_path / REPORT).exists()


def test_a_source_without_ids_has_no_labels(other, store, tmp_path):
    assert "no column of role id" in run(
        tmp_path, other.contract, other.params, Monitor(store=str(store.folder)), UNTIL
    )
