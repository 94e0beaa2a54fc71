"""The rows of training, validation and holdout, encoded for the model."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import ContractError
from ...runtime.contract import Column, Contract
from ...runtime.matrix import Columns
from ..layout import LEDGER, PERIODS
from ..settings import Params, Split
from .ledger import read_ledger
from .periods import WHOLE, read_periods

Part = Literal["train", "validation", "holdout"]
BUCKETS = 10_000


@dataclass(frozen=True)
class Rows:
    """The labelled rows of one part of the split.

    table: all columns of the contract, n rows.
    columns: the inputs in the encoding that `features` expects.
    target: shape (n,): the number, or the position in `contract.classes`.
    unlabelled: the number of further rows, without a target.
    periods: the periods of the rows.
    """

    table: pa.Table
    columns: Columns
    target: NDArray
    unlabelled: int
    periods: list[str]


def read_rows(root: Path, contract: Contract, params: Params, part: Part) -> Rows:
    """One part of the split. Raises ContractError that names the periods if it is empty."""
    taken = list(read_ledger(root / LEDGER))
    if not taken:
        raise ContractError("no data was taken yet; take it with `make pipeline`")
    names = list(contract.columns)
    if contract.time:
        periods = split_periods(taken, params.split)[part]
        table = read_periods(root / PERIODS, periods, names)
    else:
        periods = [WHOLE]
        whole = read_periods(root / PERIODS, periods, names)
        table = whole.filter(pa.array(split_rows(whole, contract, params.split) == part))
    labelled = table.filter(table[contract.target].is_valid())
    if not labelled.num_rows:
        raise ContractError(f"the {part} rows ({', '.join(periods)}) have no {contract.target} to learn or judge by")
    return Rows(
        table=labelled,
        columns=encode_table(labelled, contract),
        target=encode_target(labelled, contract),
        unlabelled=table.num_rows - labelled.num_rows,
        periods=periods,
    )


def split_periods(taken: list[str], split: Split) -> dict[Part, list[str]]:
    """The last periods held out, those before them for validation, and the window before those for training.

    Raises ContractError that names the periods if a part is empty.
    """
    if not (isinstance(split.holdout, int) and isinstance(split.validation, int)):
        raise ContractError("params.yaml: split.holdout and split.validation count periods, so they are whole numbers")
    ordered = sorted(taken)
    before_holdout, holdout = ordered[: -split.holdout], ordered[-split.holdout :]
    train, validation = before_holdout[: -split.validation], before_holdout[-split.validation :]
    train = train[-split.window :] if split.window else train
    if not train:
        raise ContractError(
            f"params.yaml: split wants {split.validation} + {split.holdout} periods and at least one to train on; "
            f"there are {len(ordered)}: {', '.join(ordered) or 'none'}"
        )
    parts: dict[Part, list[str]] = {"train": train, "validation": validation, "holdout": holdout}
    return parts


def split_rows(table: pa.Table, contract: Contract, split: Split) -> NDArray[np.str_]:
    """The part of each row in data without time, by the hash of its id, or of its position if it has no id.

    A row keeps its part when others are added or removed. Raises ContractError if nothing is left to train on.
    """
    if not split.holdout + split.validation < 1:
        raise ContractError("params.yaml: data without a time column is split by fractions; holdout and validation "
                            f"must add up to less than 1, found {split.holdout} + {split.validation}")  # fmt: skip
    ids = [table[name].cast(pa.string()).to_pylist() for name in contract.named("id")]
    keys: Iterable = zip(*ids, strict=True) if ids else ((str(place),) for place in range(table.num_rows))
    spread = np.array([zlib.crc32("\x1f".join(key).encode()) % BUCKETS for key in keys]) / BUCKETS
    edges = [split.holdout, split.holdout + split.validation]
    return np.array(["holdout", "validation", "train"])[np.searchsorted(edges, spread, side="right")]


def encode_table(table: pa.Table, contract: Contract) -> dict[str, NDArray]:
    """The contract's inputs in the encoding that `features` expects: like `rows.encode`, for a whole table."""
    return {name: _encode(table[name], column) for name, column in contract.inputs.items()}


def encode_target(table: pa.Table, contract: Contract) -> NDArray:
    """The target, shape (n,): the number, or the position of the class."""
    values = table[contract.target]
    if contract.kind == "regression":
        return values.cast(pa.float64()).to_numpy()
    return pc.index_in(values, pa.array(contract.classes, values.type)).to_numpy()


def _encode(values: pa.ChunkedArray, column: Column) -> NDArray:
    if column.values is not None:
        return pc.index_in(values, pa.array(column.values, values.type)).fill_null(-1).to_numpy().astype(np.int64)
    if column.type == "timestamp":
        return values.to_numpy().astype("datetime64[us]")
    return values.cast(pa.float64()).to_numpy()
