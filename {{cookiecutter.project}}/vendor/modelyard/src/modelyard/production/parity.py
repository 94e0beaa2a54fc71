"""Logged features with history beside what the records say was known at each row's time: the same to the last bit.

They differ where the online store was behind its records, where records of the past were changed, or where a client
sent a value of its own.
"""

# ruff: noqa: S608 - names and texts are quoted before they come into SQL

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..errors import ContractError
from ..reporting.engine import columns, connection, parquet, quoted, text
from ..runtime.bundle import read_bundle
from ..runtime.contract import Contract
from ..training.data.conform import ARROW
from ..training.data.history.joined import History
from .counts import SERVED
from .known import DIGITS, bundle_folders
from .layout import id_column, input_column

ROWS = 5000  # that are compared
SHOWN = 5  # of each feature


def parity(root: Path, bundle: str, paths: Sequence[Path]) -> dict[str, Any] | None:
    """What differs, by feature and row; None if the bundle is not in this project or has no features with history."""
    folder = next((one for one in bundle_folders(root) if read_bundle(one).digest[:DIGITS] == bundle), None)
    if folder is None or not (contract := read_bundle(folder).contract).features:
        return None
    if masked := [name for name in _keys(contract) if contract.columns[name].pii]:
        return {"rows": 0, "features": {}, "note": f"nothing can be joined again: the log masks {', '.join(masked)}"}
    logged = _logged(contract, bundle, paths)
    if logged is None or not logged.num_rows:
        return {"rows": 0, "features": {}, "note": "the log has no rows with all columns by which values are looked up"}
    rows = logged.select(_keys(contract))
    try:
        joined = History(contract).filled(rows, "the log")
    except ContractError as error:
        return {"rows": 0, "features": {}, "note": f"nothing can be joined again: {error}"}
    found = {name: _difference(name, logged, joined) for name in contract.features}
    return {"rows": logged.num_rows, "features": {name: one for name, one in found.items() if one["different"]}}


def _difference(name: str, logged: pa.Table, joined: pa.Table) -> dict[str, Any]:
    places = np.flatnonzero(~_same(logged[name], joined[name]))
    examples = [
        {
            "request": logged["request"][int(place)].as_py(),
            "row": logged["row"][int(place)].as_py(),
            "served": logged[name][int(place)].as_py(),
            "joined": joined[name][int(place)].as_py(),
        }
        for place in places[:SHOWN]
    ]
    return {"different": len(places), "examples": examples}


def _same(served: pa.ChunkedArray, joined: pa.ChunkedArray) -> NDArray[np.bool_]:
    both_missing = pc.and_(pc.is_null(served), pc.is_null(joined))
    same: NDArray[np.bool_] = pc.or_(both_missing, pc.fill_null(pc.equal(served, joined), False)).to_numpy()
    return same


def _keys(contract: Contract) -> list[str]:
    """The columns by which values are looked up: the time, and those of the entities."""
    keys = [key for feature in contract.features.values() for key in feature.entity]
    return list(dict.fromkeys([str(contract.time), *keys]))


def _logged(contract: Contract, bundle: str, paths: Sequence[Path]) -> pa.Table | None:
    ids = contract.named("id")
    wanted = [*_keys(contract), *contract.features]
    names = {name: (id_column if name in ids else input_column)(name) for name in wanted}
    with connection() as connected:
        table = parquet(paths)
        if not set(columns(connected, table)).issuperset(names.values()):
            return None
        listed = ", ".join(quoted(name) for name in ("request", "row", *names.values()))
        query = f"""SELECT {listed} FROM {table} WHERE bundle = {text(bundle)} AND {SERVED}
            ORDER BY md5(request || row::VARCHAR), request, row LIMIT {ROWS}"""
        found: pa.Table = connected.sql(query).to_arrow_table()
    typed = {name: found[column].cast(ARROW[contract.columns[name].type]) for name, column in names.items()}
    return pa.table({"request": found["request"], "row": found["row"], **typed})
