"""Rows that the pipeline took from the source, if they are on this machine and follow the current contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import YardError
from ..runtime.contract import Contract
from ..runtime.rows import encode
from ..training.data.conform import ARROW
from ..training.data.ledger import read_ledger
from ..training.data.periods import read_periods
from ..training.layout import LEDGER, PERIODS

ROWS = 200


def take_table(root: Path, contract: Contract) -> pa.Table | None:
    """Up to ROWS rows, spread evenly over the last period under `root`.

    None if there are none, or they do not follow the current contract.
    """
    names = list(contract.columns)
    try:
        whole = read_periods(root / PERIODS, sorted(read_ledger(root / LEDGER))[-1:], names)
        places = np.unique(np.linspace(0, whole.num_rows - 1, ROWS).astype(np.int64))
        table = whole.select(names).take(places).cast(pa.schema((name, _type(contract, name)) for name in names))
        encode(as_sent(table, contract), contract)
    except (YardError, pa.ArrowException, OSError, KeyError, ValueError):
        return None
    return table if _has_known_classes(table, contract) else None


def as_sent(table: pa.Table, contract: Contract) -> list[dict[str, Any]]:
    """The contract's inputs of each row as a client sends them in JSON."""
    return [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in table.select(list(contract.inputs)).to_pylist()
    ]


def _type(contract: Contract, name: str) -> pa.DataType:
    return ARROW[contract.columns[name].type]


def _has_known_classes(table: pa.Table, contract: Contract) -> bool:
    if not contract.classes:
        return True
    classes = pa.array(contract.classes, _type(contract, contract.target))
    return bool(pc.all(pc.is_in(table[contract.target].drop_null(), classes)).as_py() in (True, None))
