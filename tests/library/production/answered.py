"""A store of production with answered rows of a made project, as `compact` writes them."""

from __future__ import annotations

import datetime
import functools
import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from library.conftest import Workspace
from modelyard.production.layout import id_column, input_column, score_columns
from modelyard.production.store import Store
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.contract import Contract
from modelyard.runtime.predictor import Predictor
from modelyard.training.data.dataset import encode_table, read_rows
from modelyard.training.data.periods import read_periods
from modelyard.training.layout import PERIODS


def rows_of(workspace: Workspace, part: str = "shipped") -> pa.Table:
    """The labelled rows of a part of the split."""
    return read_rows(workspace.root, workspace.contract, workspace.params, part).table


def rows_of_periods(workspace: Workspace, periods: list[str]) -> pa.Table:
    """All rows of some periods."""
    return read_periods(workspace.root / PERIODS, periods, list(workspace.contract.columns))


@functools.cache
def _facts(workspace: Workspace) -> tuple[Contract, str]:
    """The contract and the bundle's name, which take a moment to read."""
    return workspace.contract, read_bundle(workspace.root / "bundle").digest[:12]


def days(first: str, count: int) -> list[str]:
    """So many days from one on."""
    start = datetime.date.fromisoformat(first)
    return [str(start + datetime.timedelta(number)) for number in range(count)]


def scores_of(workspace: Workspace, rows: pa.Table) -> np.ndarray:
    """What the bundle answers."""
    predictor = Predictor(workspace.root / "bundle", workspace.project.features)
    return predictor.model.predict(encode_table(rows, _facts(workspace)[0]))


def answer_days(store: Store, workspace: Workspace, parts: dict[str, pa.Table], **columns: object) -> None:
    """Write the rows of each day as answered by the bundle; `columns` replace those of the log, for all rows."""
    for day, rows in parts.items():
        write_day(store, workspace, day, rows, **columns)


def write_day(store: Store, workspace: Workspace, day: str, rows: pa.Table, **columns: object) -> pa.Table:
    """Write the file of one day, in place of one that may be there; what is in it."""
    (contract, bundle), count = _facts(workspace), rows.num_rows
    scores = columns.pop("scores") if "scores" in columns else scores_of(workspace, rows)
    scores = np.asarray(scores).reshape(count, -1)
    moment = datetime.datetime.fromisoformat(day)
    fixed: dict[str, object] = {
        "request": [f"{day}-{place:06}" for place in range(count)],
        "row": pa.array([0] * count, pa.int32()),
        "time": [moment + datetime.timedelta(seconds=place % 86_400) for place in range(count)],
        "model": [contract.name] * count,
        "bundle": [bundle] * count,
        "answered_by": ["model"] * count,
        "shadow": [False] * count,
    }
    fixed |= {name: value if isinstance(value, list | pa.Array) else [value] * count for name, value in columns.items()}
    fixed |= {name: scores[:, place] for place, name in enumerate(score_columns(contract))}
    fixed |= {input_column(name): rows[name] for name in contract.inputs if name in rows.column_names}
    fixed |= {id_column(name): rows[name] for name in contract.named("id") if name in rows.column_names}
    table = pa.table(fixed)
    before = store.names(f"predictions/day={day}")
    number = int(Path(before[-1]).name[:6]) + 1 if before else 1
    buffer = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, buffer, compression="zstd")
    content = buffer.getvalue().to_pybytes()
    store.write(f"predictions/day={day}/{number:06}-{hashlib.sha256(content).hexdigest()[:16]}.parquet", content)
    return table


def spread_over(rows: pa.Table, on: list[str], each: int, seed: int = 0) -> dict[str, pa.Table]:
    """So many rows for each day, drawn at random."""
    random = np.random.default_rng(seed)
    return {day: rows.take(random.integers(rows.num_rows, size=each)) for day in on}


def once_over(rows: pa.Table, on: list[str], each: int, seed: int = 0) -> dict[str, pa.Table]:
    """So many rows for each day, each row at most once over all days."""
    order = np.random.default_rng(seed).permutation(rows.num_rows)
    return {day: rows.take(order[place * each : (place + 1) * each]) for place, day in enumerate(on)}
