"""The names in a store of production: its folders, and the columns of the predictions in it.

raw/<service>/<file>.jsonl.gz                   log files as they were shipped; none is ever changed
predictions/day=2013-04-01/<number>-<hash>.parquet   the answered rows of a day (UTC); the highest number counts
labels/<number>-<hash>.parquet                  labels in the order in which they became known
ledger.json                                     which files of the log are in the predictions
bundles/<12 digits of the hash>.json            the reference and the figures of each bundle that was watched
audit.jsonl                                     whose rows were removed, by the hash of their ids
counts/                                         counts by day and bin, made again whenever their day changes
figures/                                        performance, drift and incidents, as `make monitor` found them
"""

from __future__ import annotations

from ..runtime.contract import Contract

RAW, PREDICTIONS, LABELS, BUNDLES = "raw", "predictions", "labels", "bundles"
COUNTS, FIGURES = "counts", "figures"
LATEST = f"{FIGURES}/latest.json"
LEDGER = "ledger.json"
AUDIT = "audit.jsonl"

# What a row of the log says beside its inputs and ids, with duckdb's type
FIXED = {
    "request": "VARCHAR",  # the service's own id
    "row": "INTEGER",  # the position in the request
    "time": "TIMESTAMP",  # UTC
    "model": "VARCHAR",  # the contract's name
    "bundle": "VARCHAR",  # the first 12 digits of its hash
    "contract": "VARCHAR",  # the contract's hash
    "variant": "VARCHAR",
    "answered_by": "VARCHAR",  # model, fallback or baseline
    "latency_ms": "DOUBLE",
    "shadow": "BOOLEAN",
    "caller": "VARCHAR",
    "client_request": "VARCHAR",
    "traceparent": "VARCHAR",
    "decision": "VARCHAR",
}


def score_columns(contract: Contract) -> list[str]:
    """The columns of the scores: one, or one for each class of a multiclass model."""
    if contract.kind != "multiclass":
        return ["score"]
    return [f"score.{number}" for number in range(len(contract.classes))]


def input_column(name: str) -> str:
    """The column of an input. No other column begins like it, so no name of a user's column can be another's."""
    return f"input.{name}"


def id_column(name: str) -> str:
    """The column of an id of the contract, empty where a client did not send it."""
    return f"id.{name}"


def label_column() -> str:
    """The column of the label in the folder of labels."""
    return "label"
