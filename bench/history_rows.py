"""Run with the project's Python: rows and records of features with history, or the join of one feature.

Arguments: `write`, the folder, and how many rows, records and entities; or which feature, and the folder. It prints the
seconds of the join and the peak of the process in KiB.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from modelyard.runtime.column import Column
from modelyard.runtime.contract import Contract
from modelyard.runtime.history import HistoryFeature
from modelyard.training.data.history.joined import History

START = np.datetime64("2025-01-01T00:00:00", "us")
YEAR = 365 * 86_400  # seconds
FEATURES = {
    "newest": {"maximum_age": "30d", "value": "amount"},
    "mean": {"aggregate": "mean", "window": "7d", "value": "amount"},
    "count": {"aggregate": "count", "window": "7d"},
    "fresh": {"aggregate": "count", "window": "7d", "maximum_age": "2d"},
    "distinct": {"aggregate": "distinct", "window": "7d", "value": "amount"},
}


def write(folder: Path, rows: int, records: int, entities: int) -> None:
    """Write both files, in the order of time; a tenth of the records becomes known up to a week later."""
    random = np.random.default_rng(0)
    folder.mkdir()
    happened = np.sort(random.integers(YEAR, size=records))
    known = happened + np.where(random.random(records) < 0.1, random.integers(7 * 86_400, size=records), 60)
    table = {
        "shop": random.integers(entities, size=records),
        "sold_at": START + happened.astype("timedelta64[s]"),
        "known_at": START + known.astype("timedelta64[s]"),
        "amount": random.normal(20, 5, records).round(2),
        "receipt": np.arange(records),
    }
    pyarrow.parquet.write_table(pa.table(table), folder / "records.parquet")
    at = START + np.sort(random.integers(YEAR, size=rows)).astype("timedelta64[s]")
    pyarrow.parquet.write_table(
        pa.table({"at": at, "shop": random.integers(entities, size=rows)}), folder / "rows.parquet"
    )


def join(name: str, folder: Path) -> None:
    """Give the rows one feature."""
    feature = HistoryFeature(
        str(folder / "records.parquet"),
        ["shop"],
        "sold_at",
        "bench",
        "bench",
        known_at="known_at",
        record=["receipt"],
        **FEATURES[name],  # type: ignore[arg-type]
    )
    columns = {
        "at": Column("timestamp", "time", ""),
        "shop": Column("integer", "unused", ""),
        "price": Column("number", "feature", ""),
        "sold": Column("number", "target", ""),
    }
    contract = Contract("bench", "", "", columns, features={"looked_up": feature})
    rows = pyarrow.parquet.read_table(folder / "rows.parquet")
    start = time.perf_counter()
    History(contract).filled(rows, "the rows")
    seconds = time.perf_counter() - start
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    print(f"{seconds:.2f}", peak[1] if peak else 0)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), *map(int, sys.argv[3:]))
    else:
        join(sys.argv[1], Path(sys.argv[2]))
