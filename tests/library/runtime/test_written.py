"""What a `format` reads is the same number, and the same time, in training and in the service."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.counted import example_of
from modelyard.runtime.rows import RowsRefused, encode
from modelyard.runtime.table_files import read_chunks
from modelyard.runtime.times import EXAMPLE, ISO
from modelyard.runtime.written import COMMA, COUNTED, POINT
from modelyard.training.data.conform import conform
from modelyard.training.data.refusal import BrokenRule
from modelyard.training.data.sources.csv_table import CsvTable
from modelyard.training.data.sources.decisions import Decisions

NOON = "1998-06-12T12:00:00"


def served(value: object, column: Column) -> object:
    """What the service makes of a value, or the rule that it names."""
    contract = Contract("shop", "Sales", "Ada", {"x": column, "sold": Column("integer", "target", "")})
    try:
        (found,) = encode([{"x": value}], contract)["x"].tolist()
    except RowsRefused as refused:
        return refused.problems[0].rule
    return found


def trained(value: object, column: Column) -> object:
    """What training makes of it."""
    found = conform(pa.chunked_array([pa.array([value, None])]), column, "x")
    return found.rule if isinstance(found, BrokenRule) else found.to_pylist()[0]


@pytest.mark.parametrize(
    ("form", "unit", "text", "number"),
    [
        (POINT, None, "1,234.5", 1234.5),
        (POINT, None, " 1 234 567 ", 1234567),
        (POINT, None, "1'234.50", 1234.5),
        (POINT, "$", "$1,234", 1234),
        (POINT, "USD", "$ 5", 5),
        (POINT, "$", "-$5.25", -5.25),
        (POINT, "$", "($1,000.50)", -1000.5),
        (POINT, "CHF", "CHF 12", 12),
        (POINT, "%", "12.5 %", 12.5),
        (POINT, None, "\u22121.5e3", -1500),
        (COMMA, "€", "1.234,5 €", 1234.5),
        (COMMA, None, "1\u202f234,5", 1234.5),
        (COMMA, None, "1.234", 1234),
    ],
)
def test_text_of_a_number_is_the_same_in_training_and_in_the_service(form, unit, text, number):
    column = Column("number", "feature", "", unit, missing=True, format=form)
    assert trained(text, column) == served(text, column) == number
    assert served(number, column) == trained(number, column) == number


@pytest.mark.parametrize(
    ("form", "unit", "text"),
    [
        (POINT, "$", "€5"),  # another currency is another number
        (POINT, None, "$5"),
        (POINT, None, "1,23"),
        (POINT, None, "1,234 567"),
        (POINT, None, "1.234,5"),
        (COMMA, None, "1,234.5"),
        (COMMA, None, "1.5"),
        (POINT, None, "(-5)"),
        (POINT, None, "."),
        (POINT, None, "five"),
    ],
)
def test_text_that_is_no_such_number_is_refused_by_both(form, unit, text):
    column = Column("number", "feature", "", unit, missing=True, format=form)
    rule = f"must be of type number, or text written as {form}"
    assert trained(text, column) == served(text, column) == rule


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("%Y%m%d", [19980612, "19980612", 19980612.0]),
        ("%Y", [1998, "1998"]),
        ("%b %d %Y", ["Jun 12 1998"]),
        ("%m/%d/%Y %I:%M %p", ["06/12/1998 03:15 PM", "6/12/1998 3:15 PM"]),
        ("decimal_year", [1998.4452, "1998.4452"]),
        ("excel", [35958.5, "35958.5"]),
        ("epoch_s", [897652800, "897652800"]),
        ("epoch_ms", [897652800123, "897652800123"]),
    ],
)
def test_a_time_is_the_same_in_training_and_in_the_service(form, values):
    column = Column("timestamp", "feature", "", missing=True, format=form)
    found = {trained(value, column) for value in values} | {served(value, column) for value in values}
    assert len(found) == 1, found
    (moment,) = found
    assert isinstance(moment, datetime.datetime)
    assert moment.year == 1998


@pytest.mark.parametrize(
    ("form", "value"),
    [("%d/%m/%Y", "31/02/1998"), ("%d/%m/%Y", "1/2/98"), ("decimal_year", 99999.5), ("excel", "noon"), ("%Y%m%d", 1.5)],
)
def test_what_is_no_time_is_refused_by_both(form, value):
    column = Column("timestamp", "feature", "", missing=True, format=form)
    assert str(trained(value, column)).startswith("must be of type timestamp")
    assert str(served(value, column)).startswith("must be a timestamp such as")


@pytest.mark.parametrize("form", COUNTED)
def test_the_example_of_a_format_is_read_by_it(form):
    column = Column("timestamp", "feature", "", missing=True, format=form)
    distance = served(example_of(EXAMPLE, form), column) - EXAMPLE
    assert abs(distance) < datetime.timedelta(hours=1)  # a decimal year has four digits
    assert served(EXAMPLE.strftime(ISO), column) == EXAMPLE


def test_seconds_since_1970_are_local_times_of_the_columns_zone():
    column = Column("timestamp", "feature", "", missing=True, format="epoch_s", timezone="Europe/Berlin")
    assert trained(897652800, column) == served(897652800, column) == datetime.datetime(1998, 6, 12, 14)


def test_a_file_is_read_alike_for_training_and_for_scoring(tmp_path: Path):
    columns = {
        "cost": Column("number", "feature", "", "€", format=COMMA),
        "when": Column("timestamp", "feature", "", format="excel"),
        "size": Column("number", "feature", ""),
        "sold": Column("integer", "target", ""),
    }
    content = b"cost;when;size;sold\n1.234;35958.5;1,5;1\n1.234,5 \xe2\x82\xac;35958;2;2\n7;35957;3;3\n"
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    contract = Contract("shop", "Sales", "Ada", columns)
    table = CsvTable(content, "rows.csv", None, columns, Decisions()).read()
    taken = {name: conform(table[name], column, name) for name, column in contract.inputs.items()}
    (chunk,) = read_chunks(path, contract)
    scored = encode(chunk.rows, contract)
    assert scored["cost"].tolist() == taken["cost"].to_pylist() == [1234.0, 1234.5, 7.0]
    assert scored["size"].tolist() == taken["size"].to_pylist() == [1.5, 2.0, 3.0]
    assert scored["when"].tolist() == taken["when"].to_pylist()
    assert taken["when"][0].as_py() == np.datetime64(NOON).item()
