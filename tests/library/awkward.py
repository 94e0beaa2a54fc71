"""A table whose columns are called as something else is: a path, a parameter, a count; or as no field may be."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pyarrow as pa

NUMBERS = ["a", "a.b", ".size", "[price]", "file", "allow_pickle", "__filename", "__fragment_index", 'height "', "b\\c"]
IDS = ["count_all", "prediction_id"]
TIME, TARGET = "[when]", "failure_case"
KINDS = ["check", "colu\nmn", 'q"uo\\te']
CLASSES = ["yes", "yes ", 'n"o']  # with a blank at an end, and a quote
ROWS = 600


def awkward_table() -> pa.Table:
    """Rows of which the first number tells the class."""
    random, start = np.random.default_rng(10), datetime.datetime(2023, 1, 1)
    first = random.normal(size=ROWS)
    columns: dict[str, Any] = {
        "count_all": list(range(ROWS)),
        "prediction_id": [f"row {place}" for place in range(ROWS)],
        TIME: [start + datetime.timedelta(hours=8 * place) for place in range(ROWS)],
        **{name: random.normal(size=ROWS) for name in NUMBERS},
        "a": first,
        "index": random.choice(KINDS, ROWS).tolist(),
        TARGET: [CLASSES[0 if value < -0.5 else 1 if value < 0.5 else 2] for value in first],
    }
    return pa.table(columns)
