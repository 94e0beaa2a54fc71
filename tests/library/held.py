"""Data as a machine holds them: a contract, a ledger, and the rows of each period in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from modelyard.reporting.rows.found import Held, find_differing
from modelyard.reporting.rows.sides import Sides
from modelyard.runtime.contract import Column, Contract
from modelyard.training.data.periods import period_file, rows_sha256, write_period

TYPES = {"string": "string", "double": "number", "int64": "integer", "bool": "boolean", "timestamp[us]": "timestamp"}


def held(folder: Path, tables: Mapping[str, pa.Table], contract: Contract) -> Held:
    """These rows by their periods."""
    hashed = {period: (table, rows_sha256(table)) for period, table in tables.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for period, (table, sha256) in hashed.items():
        write_period(period_file(folder, period), table, sha256)
    entries = {period: {"rows": table.num_rows, "sha256": sha256} for period, (table, sha256) in hashed.items()}
    return Held(contract, {"source": "", "periods": entries}, folder)


def described(table: pa.Table, ids: tuple[str, ...] = (), personal: tuple[str, ...] = ()) -> Contract:
    """A contract for a table whose last column is a number: the target."""
    *others, target = table.column_names
    roles = {name: "id" if name in ids else "unused" for name in others} | {target: "target"}
    columns = {}
    for field in table.schema:
        name = field.name
        masked = {"pii": True, "purpose": "to test"} if name in personal else {}
        columns[name] = Column(TYPES[str(field.type)], roles[name], "", missing=roles[name] != "id", **masked)
    columns["one more"] = Column("number", "feature", "", missing=True)
    return Contract("held", "", "", columns)


def both(folder: Path, main: pa.Table, this: pa.Table, *ids: str, personal: tuple[str, ...] = ()) -> tuple[Held, Held]:
    """Two sides of data without time, their contracts as the tables are."""
    sides = []
    for name, table in (("main", main), ("this", this)):
        contract = described(table, ids, personal)
        whole = table.append_column("one more", pa.nulls(table.num_rows, pa.float64()))
        sides.append(held(folder / name, {"all": whole}, contract))
    return sides[0], sides[1]


def sides(*both: Held) -> Sides:
    """Both sides, in the files in which they differ."""
    differing = find_differing(*both)
    assert differing is not None
    return differing.sides
