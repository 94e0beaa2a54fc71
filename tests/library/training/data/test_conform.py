from __future__ import annotations

import datetime
import decimal
import math

import numpy as np
import pyarrow as pa
import pytest
from modelyard.runtime.contract import Column
from modelyard.training.data.conform import ARROW, conform
from modelyard.training.data.refusal import BrokenRule

NOON = datetime.datetime(2013, 1, 1, 12)


def column(kind: str) -> Column:
    return Column(kind, "unused", "")


def conformed(values: pa.Array, kind: str) -> pa.ChunkedArray | BrokenRule:
    return conform(pa.chunked_array([values]), column(kind), "x")


@pytest.mark.parametrize(
    ("given", "kind", "expected"),
    [
        (pa.array([1, None], pa.int8()), "integer", [1, None]),
        (pa.array([1, 2], pa.uint64()), "integer", [1, 2]),
        (pa.array([1.0, -0.0, None]), "integer", [1, 0, None]),
        (pa.array([decimal.Decimal("2.0")]), "integer", [2]),
        (pa.array([1, None]), "number", [1.0, None]),
        (pa.array([1.5], pa.float32()), "number", [1.5]),
        (pa.array([decimal.Decimal("2.5")]), "number", [2.5]),
        (pa.array([1.0, math.nan]), "number", [1.0, None]),
        (pa.array([1.0, math.nan]), "integer", [1, None]),
        (pa.array([0, 1, None]), "boolean", [False, True, None]),
        (pa.array(["a", None], pa.large_string()), "string", ["a", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), "string", ["a", "b", "a"]),
        (pa.array([datetime.date(2013, 1, 1)]), "timestamp", [datetime.datetime(2013, 1, 1)]),
        (pa.array([NOON], pa.timestamp("ns")), "timestamp", [NOON]),
        (pa.array(["2013-01-01 12:00", None]), "timestamp", [NOON, None]),
        (pa.array(["2013-01-01T12:00:00.000000"]), "timestamp", [NOON]),
        (pa.nulls(2), "string", [None, None]),
        (pa.nulls(2), "timestamp", [None, None]),
    ],
)
def test_another_form_of_the_type_is_converted(given, kind, expected):
    made = conformed(given, kind)
    assert made.type == ARROW[kind]
    assert made.to_pylist() == expected


@pytest.mark.parametrize(
    ("given", "kind", "wrong"),
    [
        (pa.array([1.0, 1.5, None, 2.5]), "integer", (1.5, 2.5)),
        (pa.array([2**63], pa.uint64()), "integer", (2**63,)),
        (pa.array([0, 2, 1, -1]), "boolean", (2, -1)),
        (pa.array(["2013-01-01", "soon", "01/02/2013"]), "timestamp", ("soon", "01/02/2013")),
    ],
)
def test_values_that_the_type_does_not_have_are_counted_and_shown(given, kind, wrong):
    assert conformed(given, kind) == BrokenRule("x", f"must be of type {kind}", len(wrong), wrong)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (pa.array(["1", "2", None]), "number"),
        (pa.array(["1"]), "integer"),
        (pa.array([1]), "string"),
        (pa.array([True]), "number"),
        (pa.array([0.0, 1.0]), "boolean"),
        (pa.array(["true"]), "boolean"),
        (pa.array([1357041600]), "timestamp"),
        (pa.array([[1]]), "number"),
        (pa.array([b"x"]), "string"),
    ],
)
def test_a_column_of_another_kind_is_refused_whole(given, kind):
    found = conformed(given, kind)
    assert found.rule == f"must be of type {kind}, found {given.type}"
    assert found.rows == len(given) - given.null_count
    assert found.examples == tuple(given.drop_null().to_pylist()[:3])


def test_times_that_are_written_in_another_way_are_read_by_their_format():
    written = Column("timestamp", "unused", "", format="%d.%m.%Y %H:%M")
    made = conform(pa.chunked_array([["01.02.2013 12:30", None]]), written)
    assert made.to_pylist() == [datetime.datetime(2013, 2, 1, 12, 30), None]
    assert made.type == ARROW["timestamp"]
    assert conform(pa.chunked_array([pa.nulls(1)]), written).to_pylist() == [None]
    assert conform(pa.chunked_array([[NOON]]), written).to_pylist() == [NOON]


def test_text_that_does_not_keep_the_format_is_told():
    written = Column("timestamp", "unused", "", format="%d.%m.%Y")
    found = conform(pa.chunked_array([["01.02.2013", "2013-02-01", "31.02.x"]]), written, "x")
    assert found == BrokenRule("x", "must be of type timestamp", 2, ("2013-02-01", "31.02.x"))


@pytest.mark.parametrize(
    "given",
    [
        pa.array(["2013-01-01T12:00:00Z", "2013-01-01T12:00:00", "2013-01-01T12:00:00+0100"]),
        pa.array([NOON, None, NOON], pa.timestamp("ns", "UTC")),
    ],
)
def test_times_with_an_offset_are_refused_without_a_timezone(given):
    found = conformed(given, "timestamp")
    assert found.rule == "has an offset from UTC, and the contract names no `timezone` for this column"
    assert found.rows == 2
    assert found.examples[0] in ("2013-01-01T12:00:00Z", "2013-01-01 12:00:00.000000000Z")


@pytest.mark.parametrize("year", [20_000, -10])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_time_of_a_year_that_python_does_not_know_is_told(year, zone):
    seconds = np.datetime64(f"{year:05}-01-01", "s").astype(np.int64)
    times = pa.chunked_array([pa.array([int(seconds)], pa.timestamp("s", zone))])
    found = conform(times, Column("timestamp", "feature", "", timezone="Asia/Tokyo"), "x")
    assert (found.rule, found.rows) == ("must be of type timestamp", 1)
    assert f"{year:05}".lstrip("0") in found.examples[0]


@pytest.mark.parametrize(
    ("given", "type_name", "role", "wrong"),
    [
        (pa.array([2**53, 2**53 + 1, None]), "integer", "feature", (2**53 + 1,)),
        (pa.array([-(2**60), 1]), "number", "target", (-(2**60),)),
        (pa.array([2**64 - 1], pa.uint64()), "integer", "target", (2**64 - 1,)),
        (pa.array([decimal.Decimal(2**70)]), "integer", "feature", (decimal.Decimal(2**70),)),
        (pa.array([2.0**53, 1.0]), "integer", "feature", (2.0**53,)),
        (pa.array([2.0**60, 1.0]), "integer", "id", (2.0**60,)),  # digits of the id were lost before
    ],
)
def test_whole_numbers_that_cannot_be_told_apart_are_refused_by_value(given, type_name, role, wrong):
    found = conform(pa.chunked_array([given]), Column(type_name, role, "", missing=True), "x")
    assert found.rule.startswith("must not be beyond 2^53 (9007199254740992)")
    assert (found.rows, found.examples) == (len(wrong), wrong)


@pytest.mark.parametrize(
    ("given", "column"),
    [
        (pa.array([2**53, -(2**53)]), Column("integer", "feature", "")),
        (pa.array([2**63 - 1]), Column("integer", "id", "")),
        (pa.array([2**60]), Column("integer", "unused", "")),
        (pa.array([2**60]), Column("integer", "feature", "", values=[2**60, 2**60 + 1])),
        (pa.array([1e300]), Column("number", "feature", "")),
        (pa.array([decimal.Decimal("12345678901234567890.5")]), Column("number", "feature", "")),
    ],
)
def test_whole_numbers_that_nothing_takes_for_another_are_kept(given, column):
    assert conform(pa.chunked_array([given]), column).to_pylist() == [
        float(v) if column.type == "number" else v for v in given.to_pylist()
    ]


def test_three_examples_are_enough():
    assert conformed(pa.array([0.1, 0.2, 0.3, 0.4]), "integer").examples == (0.1, 0.2, 0.3)
