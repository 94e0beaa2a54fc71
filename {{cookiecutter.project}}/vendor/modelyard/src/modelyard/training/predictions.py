"""The answers to the rows of one part of the split, saved beside their targets as Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from ..errors import ContractError
from ..runtime.contract import Contract
from ..runtime.names import saved
from .data.dataset import Rows, encode_target

Floats = NDArray[np.float64]


def saved_columns(contract: Contract) -> list[str]:
    """The columns that are saved beside the answers."""
    return list(dict.fromkeys([*contract.named("id", "time"), *contract.slices, contract.target]))


def write_predictions(path: Path, rows: Rows, scores: Floats, contract: Contract) -> None:
    """Write each row's id, time, slices, target and prediction."""
    columns = {name: rows.table[name] for name in saved_columns(contract)}
    for name, values in zip(saved(contract), np.atleast_2d(scores.T), strict=True):
        columns[name] = pa.chunked_array([values])
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.table(columns), path, compression="zstd")


def read_predictions(path: Path, contract: Contract) -> tuple[NDArray, Floats]:
    """The target of each row, encoded, and its prediction.

    Raises ContractError if there is no such file, or it was written with another contract.
    """
    if not path.is_file():
        raise ContractError(f"{path}: no such file; the stage train writes it, so run `make pipeline`")
    table, names = pyarrow.parquet.ParquetFile(path).read(), saved(contract)
    if absent := [name for name in (contract.target, *names) if table.column_names.count(name) != 1]:
        raise ContractError(f"{path} has no column {absent[0]!r}: another contract wrote it; run `make pipeline`")
    scores = np.stack([table[name].to_numpy() for name in names], axis=1)
    return encode_target(table, contract), scores if contract.kind == "multiclass" else scores[:, 0]
