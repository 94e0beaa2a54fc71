"""Times with an offset, digits after the microsecond and a range: the same on every way that a row can take."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.rows import encode
from modelyard.runtime.table_files import read_chunks
from modelyard.serving.forms.forms import Forms
from modelyard.serving.http.infer import read_infer
from modelyard.serving.http.schemas import row_schema
from modelyard.serving.refusal import Refusal
from modelyard.training.data.conform import conform
from modelyard.training.data.dataset import encode_table
from modelyard.training.data.refusal import BrokenRule
from modelyard.training.data.validate import validate


def contract(**settings: Any) -> Contract:
    columns = {"at": Column("timestamp", "time", "When", **settings), "size": Column("number", "feature", "")}
    return Contract("shop", "Sales", "Ada", {**columns, "sold": Column("boolean", "target", "", missing=True)})


def by_json(body: Callable[[str], Any]) -> Callable[[str, Contract, Path], np.datetime64]:
    def way(text: str, of: Contract, _: Path) -> np.datetime64:
        return Forms(of, 10).read(json.dumps(body(text)).encode()).columns["at"][0]

    return way


def by_tensor(text: str, of: Contract, _: Path) -> np.datetime64:
    inputs = [
        {"name": "at", "shape": [1], "datatype": "BYTES", "data": [text]},
        {"name": "size", "shape": [1], "datatype": "FP64", "data": [1.0]},
    ]
    return read_infer(Forms(of, 10), json.dumps({"inputs": inputs}).encode()).body.columns["at"][0]


def by_source(text: str, of: Contract, _: Path) -> np.datetime64:
    table = pa.table({"at": [text], "size": [1.0], "sold": [True]})
    return encode_table(validate(table, of, "the data"), of)["at"][0]


def by_scored_file(text: str, of: Contract, folder: Path) -> np.datetime64:
    pyarrow.csv.write_csv(pa.table({"at": [text], "size": [1.0]}), folder / "rows.csv")
    (chunk,) = read_chunks(folder / "rows.csv", of)
    return encode(chunk.rows, of)["at"][0]


WAYS = {
    "a row": by_json(lambda text: {"at": text, "size": 1.0}),
    "rows": by_json(lambda text: {"rows": [{"at": text, "size": 1.0}]}),
    "columns": by_json(lambda text: {"columns": {"at": [text], "size": [1.0]}}),
    "a tensor": by_tensor,
    "the source": by_source,
    "a scored file": by_scored_file,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("zone", "text", "local"),
    [
        ("Europe/Berlin", "2024-01-15T08:00:00Z", "2024-01-15T09:00:00"),
        ("Europe/Berlin", "2024-07-15T08:00:00Z", "2024-07-15T10:00:00"),
        ("Europe/Berlin", "2024-12-31T23:30:00+00:00", "2025-01-01T00:30:00"),
        ("Europe/Berlin", "2024-07-15T08:00:00.5-0500", "2024-07-15T15:00:00.5"),
        ("Europe/Berlin", "2024-03-31T00:59:59Z", "2024-03-31T01:59:59"),  # before the gap, and after it
        ("Europe/Berlin", "2024-03-31T01:00:00Z", "2024-03-31T03:00:00"),
        ("Europe/Berlin", "2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00"),  # the hour that comes twice
        ("Europe/Berlin", "2024-10-27T02:30:00+01:00", "2024-10-27T02:30:00"),
        ("Europe/Berlin", "2024-03-31T02:30:00", "2024-03-31T02:30:00"),  # without an offset, taken as it stands
        ("Europe/Berlin", "2024-10-27T02:30:00", "2024-10-27T02:30:00"),
        ("Europe/Berlin", "2090-07-01T00:00:00Z", "2090-07-01T02:00:00"),
        ("America/New_York", "1918-07-01T12:00:00Z", "1918-07-01T08:00:00"),
        ("Australia/Lord_Howe", "2024-04-06T15:30:00Z", "2024-04-07T02:00:00"),  # by half an hour
        ("Asia/Kathmandu", "2024-01-01T00:00:00.123456789Z", "2024-01-01T05:45:00.123456"),
        ("UTC", "1960-01-01T00:00:00.123456789+02:00", "1959-12-31T22:00:00.123456"),
        ("UTC", "1960-01-01T00:00:00.999999999", "1960-01-01T00:00:00.999999"),
    ],
)
def test_a_time_is_the_local_time_of_the_columns_zone_to_the_microsecond(way, zone, text, local, tmp_path):
    assert WAYS[way](text, contract(timezone=zone), tmp_path) == np.datetime64(local, "us")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("settings", "text", "rule"),
    [
        ({}, "2024-01-15T08:00:00Z", "has an offset from UTC, and the contract names no `timezone`"),
        ({}, "2024-01-15T08:00:00+00:00", "has an offset from UTC"),
        ({"minimum": "2024-01-15"}, "2024-01-14T23:59:59", "must be at least 2024-01-15"),
        ({"maximum": "2024-01-15"}, "2024-01-16T00:00:00", "must be at most 2024-01-15"),
        ({"maximum": "2024-01-15T12:00:00"}, "2024-01-15T12:00:01", "must be at most 2024-01-15T12:00:00"),
        ({"minimum": "2024-01-15", "timezone": "Asia/Tokyo"}, "2024-01-14T14:59:59Z", "must be at least 2024-01-15"),
        ({"timezone": "Asia/Tokyo"}, "9999-12-31T23:00:00Z", "must be (a timestamp|of type timestamp)"),
    ],
)
def test_what_breaks_a_rule_is_refused_on_every_way(way, settings, text, rule, tmp_path):
    with pytest.raises((ContractError, Refusal)) as refused:
        WAYS[way](text, contract(**settings), tmp_path)
    told = str(refused.value.problems) if isinstance(refused.value, Refusal) else str(refused.value)
    assert re.search(rule, told)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", ["2024-01-15T00:00:00", "2024-01-15T23:59:59.999999"])
def test_a_day_as_the_end_of_a_range_is_all_of_the_day(way, text, tmp_path):
    of = contract(minimum="2024-01-15", maximum="2024-01-15")
    assert WAYS[way](text, of, tmp_path) == np.datetime64(text, "us")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_parquet_are_the_same_in_training_and_in_scoring(unit, tmp_path):
    of = contract(timezone="Europe/Berlin")
    instants = np.array(["2024-07-15T08:00:00.123456789", "1960-01-15T08:00:00.999999999"], f"datetime64[{unit}]")
    times = pa.array(instants, pa.timestamp(unit, "America/New_York"))
    table = pa.table({"at": times, "size": [1.0, 1.0], "sold": [True, True]})
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    (chunk,) = read_chunks(tmp_path / "rows.parquet", of)
    trained = encode_table(validate(table, of, "the data"), of)["at"]
    assert encode(chunk.rows, of)["at"].tolist() == trained.tolist()
    expected = instants.astype("datetime64[us]") + np.array([2, 1], "timedelta64[h]")
    assert trained.tolist() == expected.tolist()


def test_every_hour_of_ten_years_is_what_the_zone_says():
    start = datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC)
    hours = [start + datetime.timedelta(hours=place) for place in range(24 * 365 * 10)]
    column = contract(timezone="America/New_York").columns["at"]
    for given in (pa.array(hours, pa.timestamp("us", "UTC")), pa.array([hour.isoformat() for hour in hours])):
        local = conform(pa.chunked_array([given]), column)
        assert not isinstance(local, BrokenRule)
        assert local.to_pylist() == [hour.astimezone(column.zone).replace(tzinfo=None) for hour in hours]


def test_an_offset_is_read_by_the_format_of_the_column():
    of = contract(format="%d.%m.%Y %H:%M %z", timezone="Europe/Berlin")
    for way in (by_source, by_tensor):
        assert way("15.07.2024 08:00 +0000", of, Path()) == np.datetime64("2024-07-15T10:00")


@pytest.mark.parametrize(
    ("settings", "matched"),
    [
        ({}, ["1900-01-01T00:00:00", "2099-12-28T23:59:59"]),
        ({"minimum": "2013-05-01"}, ["2014-01-01T00:00:00", "2099-12-28T23:59:59"]),
        ({"maximum": "1901-02-02"}, ["1900-01-01T00:00:00", "1900-12-28T23:59:59"]),
        ({"minimum": "2013-02-10", "maximum": "2013-12-31"}, ["2013-03-01T00:00:00", "2013-12-28T23:59:59"]),
        ({"minimum": "2013-02-10", "maximum": "2013-02-12T03:00"}, ["2013-02-10T00:00:00", "2013-02-11T23:59:59"]),
        ({"minimum": "2013-02-10T05:00", "maximum": "2013-02-10T06:00"}, ["2013-02-10T05:00:00"]),
        ({"minimum": "2200-01-01"}, ["2200-01-01T00:00:00"]),
        ({"maximum": "1800-01-01"}, ["1800-01-01T23:59:59.999999"]),
    ],
)
def test_the_schema_matches_times_of_the_range_alone(settings, matched):
    of = contract(**settings)
    shape = re.compile(row_schema(of)["properties"]["at"]["pattern"])
    days = [datetime.date(year, month, day) for year in range(1899, 2101) for month in range(1, 13) for day in (1, 28)]
    others = [datetime.date(2013, 2, day) for day in range(1, 29)]
    clocks = ("00:00:00", "05:00:00", "05:30:00", "23:59:59")
    texts = [f"{day}T{clock}" for day in sorted({*days, *others}) for clock in clocks]
    found = [text for text in texts if shape.match(text)] or [text for text in matched if shape.match(text)]
    encode([{"at": text, "size": 1.0} for text in found], of)  # are taken
    assert [found[0], found[-1]] == [matched[0], matched[-1]]


def test_the_document_tells_zone_and_range():
    described = row_schema(contract(timezone="Asia/Tokyo", minimum="2013-02-10"))["properties"]["at"]["description"]
    assert described == "When; local time of Asia/Tokyo, to which a time with an offset is converted, from 2013-02-10"
    assert row_schema(contract())["properties"]["at"]["description"] == "When; local time without offset"
