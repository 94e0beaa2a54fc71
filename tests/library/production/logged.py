"""Contracts and log files for the tests of production, written with the service's own encoder."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
from modelyard.production.layout import RAW
from modelyard.production.predictions import newest
from modelyard.production.store import Store
from modelyard.runtime.contract import Column, Contract
from modelyard.serving.log.log_lines import Asked, LogEntry, LoggedModel, encode, lines, masked

PLAIN = Contract(
    "loans",
    "Loans",
    "Ada",
    {
        "loan": Column("string", "id", "Its number"),
        "amount": Column("number", "feature", "How much", missing=True),
        "years": Column("integer", "feature", "How long"),
        "kind": Column("string", "feature", "What for", values=["car", "house"], missing=True),
        "member": Column("boolean", "feature", "Of the club"),
        "asked": Column("timestamp", "time", "When"),
        "repaid": Column("boolean", "target", "Whether it was paid back"),
    },
)
ROW = {"amount": 12.5, "years": 3, "kind": "car", "member": True, "asked": "2024-02-03T04:05:06"}


def with_columns(contract: Contract = PLAIN, **columns: Column | None) -> Contract:
    """A contract with further or other columns; None removes one."""
    changed = {**contract.columns, **columns}
    return replace(contract, columns={name: column for name, column in changed.items() if column})


def line_text(
    rows: Sequence[dict[str, Any]],
    contract: Contract = PLAIN,
    request: str = "r1",
    time: str = "2024-02-03T10:00:00",
    scores: Any = None,
    bundle: str = "0123456789ab",
) -> bytes:
    """The lines of one request."""
    digest = hashlib.sha256(contract.to_json().encode()).hexdigest()
    ids = {name: [row.get(name) for row in rows] for name in contract.named("id")}
    source = LoggedModel(contract.name, digest, "stable", masked(contract))
    values = np.arange(len(rows)) / 8 if scores is None else np.asarray(scores)
    entry = LogEntry(
        source,
        Asked(request),
        datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp(),
        bundle,
        "model",
        [{name: value for name, value in row.items() if name not in ids} for row in rows],
        values,
        [True] * len(rows),
        1.5,
        ids=ids if any(value is not None for given in ids.values() for value in given) else None,
    )
    text, lost = encode(list(lines(entry)))
    assert not lost
    return text


def ship_lines(store: Store, text: bytes, number: int = 1, service: str = "host", count: int | None = None) -> str:
    """Put a log file into the store; its name."""
    named = len(text.splitlines()) if count is None else count
    name = f"{RAW}/{service}/predictions-loans-0-0-{number:06}.{named}.jsonl.gz"
    store.write(name, gzip.compress(text, mtime=0))
    return name


def table(store: Store, columns: str = "request, row", where: str = "true") -> list[tuple[Any, ...]]:
    """Columns of all predictions, in their order."""
    assert store.folder
    names = [str(store.folder / name) for name in newest(store).values()]
    read = f"read_parquet({names!r}, hive_partitioning = false, union_by_name = true)"
    return duckdb.sql(f"SELECT {columns} FROM {read} WHERE {where}").fetchall()  # noqa: S608 - of tests
