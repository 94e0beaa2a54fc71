"""What a drafted source looks like, column by column, as numbers for a page: reports/profile.json.

Values of identifiers and of personal data are in no file of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.column import Column
from ...runtime.contract import Contract

PROFILE = Path("reports/profile.json")
BINS = 30
VALUES = 20


def write_profile(root: Path, table: pa.Table, contract: Contract) -> None:
    """Write the profile of the source's rows, typed as the contract says."""
    columns = {name: _column(table[name], column) for name, column in contract.columns.items()}
    content = {"name": contract.name, "target": contract.target, "rows": table.num_rows, "columns": columns}
    (root / PROFILE).parent.mkdir(exist_ok=True)
    (root / PROFILE).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _column(values: pa.ChunkedArray, column: Column) -> dict[str, Any]:
    rows = max(len(values), 1)
    told: dict[str, Any] = {
        "role": column.role,
        "type": column.type,
        "unit": column.unit,
        "missing": values.null_count / rows,
        "different": len(pc.unique(values).drop_null()),
    }
    present = values.drop_null()
    if column.pii or column.role == "id" or not len(present):
        return told
    if column.type in ("timestamp", "number") or (column.type == "integer" and column.values is None):
        return told | _quantity(present, column.type == "timestamp")
    if column.type == "string" and column.values is None:
        return told  # free text
    counts = sorted(pc.value_counts(present).to_pylist(), key=lambda one: (-one["counts"], str(one["values"])))
    shares = {str(one["values"]): one["counts"] / len(present) for one in counts[:VALUES]}
    return told | {"distribution": {"missing": told["missing"], "values": shares}}


def _quantity(present: pa.ChunkedArray, is_time: bool) -> dict[str, Any]:
    """Its ends, its quartiles, and a histogram of bins of one width; of a time, in seconds since 1970."""
    if is_time:
        numbers = present.to_numpy().astype("datetime64[s]").astype(np.float64)
    else:
        numbers = present.cast(pa.float64(), safe=False).to_numpy()
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return {}
    low, quarter, median, three, high = np.quantile(numbers, [0, 0.25, 0.5, 0.75, 1]).tolist()
    told = {"quartiles": [low, quarter, median, three, high], "mean": float(numbers.mean())}
    if low == high:
        return told
    counts, edges = np.histogram(numbers, BINS)
    return told | {"distribution": {"edges": edges.tolist(), "shares": (counts / len(numbers)).tolist()}}
