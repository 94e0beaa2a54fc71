from __future__ import annotations

import dataclasses
import datetime
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
import sqlalchemy
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.training.data.opening import open_source
from modelyard.training.data.sources.sql import SqlSource, _address, read_query
from modelyard.training.data.validate import validate
from modelyard.training.settings import SqlSettings

COLUMNS = {
    "key": Column("integer", "id", ""),
    "start time": Column("timestamp", "time", ""),
    "kind": Column("string", "unused", "", missing=True),
    "size": Column("number", "feature", "", missing=True),
    "good": Column("boolean", "target", "", missing=True),
}
CONTRACT = Contract("t", "", "", COLUMNS)
QUERY = 'SELECT key, "start time", kind, size, good FROM rows;'
ROWS = [
    (1, "2013-01-01 00:00:00", "a", 0.5, 1),
    (2, "2013-01-31 23:59:59", "b", 1.5, 0),
    (3, "2013-02-01 00:00:00", "c", 2.5, 1),
    (4, "2013-02-11 12:00:00", "d", 3.5, 0),
    (5, "2013-03-01 00:00:00", None, None, None),
]


@pytest.fixture
def database(tmp_path) -> Path:
    return fill(tmp_path / "rows.db", ROWS)


def fill(path: Path, rows: Sequence[tuple]) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE rows (key INTEGER, "start time", kind TEXT, size REAL, good BOOLEAN)')
        connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", rows)
    return path


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)


@pytest.fixture
def source(made):
    """Opens the database up to February."""
    params = dataclasses.replace(made.params, watermark="2013-02")

    def opened(path: Path | str, contract: Contract = CONTRACT, watermark: str | None = "2013-02", **more) -> SqlSource:
        settings = SqlSettings(**{"kind": "sql", "url": f"sqlite:///{path}", "query": QUERY} | more)
        return open_source(dataclasses.replace(params, source=settings, watermark=watermark), contract)

    return opened


def test_each_period_up_to_the_watermark_is_an_object(source, database):
    assert list(source(database).objects()) == ["2013-01", "2013-02"]


def test_a_period_without_rows_is_an_object_too(source, tmp_path):
    path = fill(tmp_path / "gap.db", [ROWS[0], ROWS[4]])
    opened = source(path, watermark="2013-03")
    assert list(opened.objects()) == ["2013-01", "2013-02", "2013-03"]
    assert opened.read("2013-02").num_rows == 0


@pytest.mark.parametrize("mark", [" ", "T"])
@pytest.mark.parametrize("fraction", ["", ".000000", ".000"])
def test_midnight_of_the_first_belongs_to_the_new_month_however_times_are_written(source, tmp_path, mark, fraction):
    rows = [(key, when.replace(" ", mark) + fraction, *rest) for key, when, *rest in ROWS]
    rows.append((6, f"2013-01-31{mark}23:59:59.999999", "e", 1.0, 1))
    opened = source(fill(tmp_path / "times.db", rows))
    assert opened.read("2013-01")["key"].to_pylist() == [1, 2, 6]
    assert opened.read("2013-02")["key"].to_pylist() == [3, 4]


def test_days_without_a_time_belong_to_their_month(source, tmp_path):
    rows = [(key, when[:10], *rest) for key, when, *rest in ROWS]
    opened = source(fill(tmp_path / "days.db", rows))
    assert [opened.read(month).num_rows for month in opened.objects()] == [2, 2]


def test_years_and_days_are_periods_too(made, database):
    settings = SqlSettings("sql", f"sqlite:///{database}", QUERY)
    by_year = dataclasses.replace(made.params, source=settings, period="year", watermark="2013")
    assert SqlSource(settings, by_year, CONTRACT).read("2013").num_rows == 5
    by_day = dataclasses.replace(made.params, source=settings, period="day", watermark="2013-02-11")
    days = SqlSource(settings, by_day, CONTRACT)
    assert (len(days.objects()), days.read("2013-02-01")["key"].to_pylist()) == (42, [3])


def test_what_is_read_keeps_the_contract(source, database):
    taken = validate(source(database).read("2013-01"), CONTRACT, "2013-01")
    assert taken["good"].to_pylist() == [True, False]
    assert taken["start time"][1].as_py() == datetime.datetime(2013, 1, 31, 23, 59, 59)


def test_the_fingerprint_is_the_same_for_the_same_rows(source, tmp_path):
    paths = [fill(tmp_path / f"{name}.db", rows) for name, rows in {"a": ROWS, "b": ROWS[::-1]}.items()]
    assert source(paths[0]).objects() == source(paths[1]).objects()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rows SET size = 2.4 WHERE key = 3",
        "UPDATE rows SET key = 9 WHERE key = 3",
        "UPDATE rows SET kind = 'cc' WHERE key = 3",
        "UPDATE rows SET kind = 'z' WHERE key = 3",
        "UPDATE rows SET kind = NULL WHERE key = 3",
        "UPDATE rows SET good = 0 WHERE key = 3",
        "UPDATE rows SET good = NULL WHERE key = 4",
        "UPDATE rows SET \"start time\" = '2013-02-02 00:00:00' WHERE key = 3",
        "DELETE FROM rows WHERE key = 3",
        "INSERT INTO rows VALUES (7, '2013-02-03', 'c', 3, 1)",
    ],
)
def test_the_fingerprint_of_a_period_changes_with_its_rows_and_no_other_does(source, database, statement):
    before = source(database).objects()
    change(database, statement)
    after = source(database).objects()
    assert [month for month in before if after[month] != before[month]] == ["2013-02"]


def test_a_fingerprint_of_ones_own_sees_what_the_common_one_does_not(source, database):
    swap = "UPDATE rows SET size = CASE key WHEN 3 THEN 3.5 ELSE 2.5 END WHERE key IN (3, 4)"
    own = "sum(key * size)"
    common, better = source(database).objects(), source(database, fingerprint=own).objects()
    change(database, swap)
    assert source(database).objects() == common
    assert source(database, fingerprint=own).objects() != better


def test_the_url_takes_names_from_the_environment(source, database, monkeypatch):
    monkeypatch.setenv("ROWS_FOLDER", str(database.parent))
    assert source(database, url="sqlite:///$ROWS_FOLDER/rows.db").read("2013-01").num_rows == 2


def test_a_name_that_the_environment_does_not_have_is_told(source, database, monkeypatch):
    monkeypatch.delenv("ROWS_FOLDER", raising=False)
    with pytest.raises(ContractError, match=r"source\.url names \$ROWS_FOLDER, which the environment does not have"):
        source(database, url="sqlite:///$ROWS_FOLDER/rows.db")


@pytest.mark.parametrize("url", ["no url", "nothing://here", "mysql+nothing://here"])
def test_a_url_that_no_database_has_is_told(source, database, url):
    with pytest.raises(ContractError, match=r"source\.url cannot be opened: "):
        source(database, url=url)


@pytest.mark.parametrize(
    ("query", "reason"), [("SELECT * FROM nowhere", "no such table: nowhere"), ("SELECT FROM", 'near "FROM"')]
)
def test_a_query_that_fails_is_told_with_the_databases_reason(source, database, query, reason):
    with pytest.raises(ContractError, match=f"the source's query failed: {reason}"):
        source(database, query=query).objects()


def test_a_query_without_rows_is_told(source, database):
    with pytest.raises(ContractError, match=r"the query in params\.yaml has no rows"):
        source(database, query=f"{QUERY.rstrip(';')} WHERE key > 99").objects()


def test_a_time_that_is_none_is_told(source, database):
    change(database, "UPDATE rows SET \"start time\" = 'soon'")
    with pytest.raises(ContractError, match="start time is 'soon': a time is expected"):
        source(database).objects()


def test_times_with_an_offset_in_text_are_refused_as_they_do_not_compare(source, database):
    change(database, "UPDATE rows SET \"start time\" = '2013-01-01T00:00:00+01:00' WHERE key = 1")
    with pytest.raises(
        ContractError, match=r"start time is '2013-01-01T00:00:00\+01:00': text with an offset, by which"
    ):
        source(database).objects()


@pytest.mark.parametrize("offset", [None, datetime.UTC])
def test_a_period_begins_when_it_does_in_the_columns_zone(source, database, offset):
    columns = COLUMNS | {"start time": Column("timestamp", "time", "", timezone="America/New_York")}
    opened = source(database, Contract("t", "", "", columns))
    opened._first = datetime.datetime(2013, 2, 1, 4, tzinfo=offset)  # in New York, still January
    opened._engine = SimpleNamespace(dialect=SimpleNamespace(name="postgresql"))
    assert opened._periods() == (["2013-01", "2013-02"] if offset else ["2013-02"])
    low, high = opened._within(sqlalchemy.select(sqlalchemy.text("*")), "2013-01").compile().params.values()
    assert [str(low), str(high)] == (
        ["2013-01-01 00:00:00-05:00", "2013-02-01 00:00:00-05:00"]
        if offset
        else ["2013-01-01 00:00:00", "2013-02-01 00:00:00"]
    )


def test_without_a_time_the_whole_query_is_one_object(source, database):
    columns = COLUMNS | {"start time": Column("timestamp", "unused", "")}
    opened = source(database, Contract("t", "", "", columns), watermark=None)
    before = opened.objects()
    assert list(before) == ["all"]
    assert opened.read("all")["key"].to_pylist() == [1, 2, 3, 4, 5]
    change(database, "UPDATE rows SET size = 9 WHERE key = 1")
    assert opened.objects() != before


def test_a_query_is_read_whole_for_a_draft(database):
    table = read_query(SqlSettings("sql", f"sqlite:///{database}", QUERY))
    assert table.column_names == list(COLUMNS)
    np.testing.assert_array_equal(table["key"].to_numpy(), [1, 2, 3, 4, 5])


def test_a_column_of_mixed_values_is_read_as_text(database):
    change(database, "UPDATE rows SET kind = 7 WHERE key = 1")
    change(database, "UPDATE rows SET size = 'big' WHERE key = 1")
    assert read_query(SqlSettings("sql", f"sqlite:///{database}", QUERY))["size"].to_pylist()[:2] == ["big", "1.5"]


@pytest.mark.parametrize("given", ["p@s:s/w?r#d $1 %", "p%40s%3As"])
def test_a_password_of_the_environment_may_have_any_character_or_be_encoded(monkeypatch, given):
    monkeypatch.setenv("PASSWORD", given)
    monkeypatch.setenv("HOST", "db.example.org")
    address = _address("postgresql://me:$PASSWORD@${HOST}:5432/rows?sslmode=require")
    assert (address.password, address.host, address.port) == (unquote(given), "db.example.org", 5432)
    assert address.query == {"sslmode": "require"}


def test_a_whole_address_may_be_in_the_environment(monkeypatch):
    monkeypatch.setenv("DATABASE", "sqlite:///rows.db")
    assert _address("$DATABASE").database == "rows.db"


@pytest.mark.parametrize("url", ["sqlite:///$NOT_THERE", "sqlite:///${NOT_THERE}"])
def test_a_variable_that_is_not_there_is_named(url):
    with pytest.raises(ContractError, match=r"names \$NOT_THERE, which the environment does not have"):
        read_query(SqlSettings("sql", url, "SELECT 1"))


def test_a_url_that_cannot_be_parsed_is_not_shown():
    with pytest.raises(ContractError, match=r"^source\.url cannot be parsed: its port is not a number$"):
        read_query(SqlSettings("sql", "postgresql://me@host:secret/db", "SELECT 1"))


def test_a_driver_that_is_missing_is_named_with_how_to_get_it():
    with pytest.raises(
        ContractError, match=r"No module named 'oracledb'; add the database's driver .*make lock APPLY=1"
    ):
        read_query(SqlSettings("sql", "oracle+oracledb://me@host/db", "SELECT 1"))
