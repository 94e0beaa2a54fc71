"""Checks data by the contract: a table is accepted as a whole, or refused with all rules that it breaks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.column import Column
from ...runtime.contract import Contract
from .conform import conform
from .refusal import EMPTY, BrokenRule, DataRefused

PANDAS = {
    "string": "str",
    "integer": "Int64",
    "number": "float64",
    "boolean": "boolean",
    "timestamp": "datetime64[us]",
}
PERSONAL_VALUES = {
    "e-mail addresses": re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"),
    "telephone numbers": re.compile(r"\+\d{1,3}[ \d().-]{7,}\d"),
}
PERSONAL_NAMES = re.compile(
    r"e_?mail|phone|passport|ssn|iban|birth|surname|(first|last|full)_?name|address", re.IGNORECASE
)
MAY_BE_EMPTY = ("unused", "target")  # the first is not used, and the second may be known only later
LOOKED_AT = 1000  # distinct values of a column that are searched for personal data


def validate(table: pa.Table, contract: Contract, where: str) -> pa.Table:
    """Check the table; return the contract's columns in their order and types.

    where: the name of the table in the message.

    Raises DataRefused that lists all broken rules.
    """
    if twice := [name for name in dict.fromkeys(table.column_names) if table.column_names.count(name) > 1]:
        raise DataRefused(where, [BrokenRule(name, "the data has this column twice", table.num_rows) for name in twice])
    findings = _missing_and_extra(table, contract)
    columns = {}
    for name, column in contract.columns.items():
        if name in table.column_names:
            values = conform(table[name], column, name)
            if isinstance(values, BrokenRule):
                findings.append(values)
            else:
                columns[name] = values
    if table.num_rows:
        typed = pa.table(columns)
        findings += [*_broken_rules(typed, contract), *_undeclared_personal_data(typed, contract)]
    elif not findings:
        findings.append(BrokenRule("every column", "the data has no rows", 0))
    if findings:
        raise DataRefused(where, findings)
    return typed


def schema(contract: Contract, names: Iterable[str] | None = None) -> pandera.DataFrameSchema:
    """The contract as a pandera schema for a `frame`; with `names`, for a frame that has these of its columns."""
    selected = contract.columns if names is None else {name: contract.columns[name] for name in names}
    ids = [name for name, column in selected.items() if column.role == "id"]
    columns = {name: _pandera_column(column) for name, column in selected.items()}
    return pandera.DataFrameSchema(columns, unique=ids or None, strict=True, name=contract.name)


def frame(table: pa.Table) -> pd.DataFrame:
    """The table as a DataFrame whose whole numbers and booleans keep their type if values are missing."""
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get)


def _pandera_column(column: Column) -> pandera.Column:
    checks = []
    if column.values is not None and not column.other:
        checks.append(pandera.Check.isin(column.values, error=f"must be one of the {len(column.values)} values"))
    if column.is_numeric:
        checks.append(pandera.Check(_finite, error="must be finite", name="finite"))
    low, high = column.moments if column.type == "timestamp" else (column.minimum, column.maximum)
    if low is not None:
        checks.append(pandera.Check.ge(low, error=f"must be at least {column.minimum}"))
    if high is not None:
        checks.append(pandera.Check.le(high, error=f"must be at most {column.maximum}"))
    if column.ascending:
        checks.append(pandera.Check(_ascending, error="must not go backwards", name="ascending"))
    return pandera.Column(PANDAS[column.type], checks=checks, nullable=column.missing)


def _finite(values: pd.Series) -> pd.Series:
    return values.abs() != float("inf")


def _ascending(values: pd.Series) -> pd.Series:
    return ~(values.diff() < pd.Timedelta(0))


def _missing_and_extra(table: pa.Table, contract: Contract) -> list[BrokenRule]:
    findings = [
        BrokenRule(name, "the contract has this column and the data has not", table.num_rows)
        for name in contract.columns
        if name not in table.column_names
    ]
    for name in table.column_names:
        if name in contract.columns:
            continue
        if personal := personal_data(name, table[name]):
            rule = f"is personal data ({personal}), and the contract does not allow it"
            findings.append(BrokenRule(name, rule, table.num_rows))
        else:
            examples = tuple(table[name].drop_null().slice(0, 3).to_pylist())
            findings.append(
                BrokenRule(name, "the data has this column and the contract has not", table.num_rows, examples)
            )
    return findings


def _broken_rules(table: pa.Table, contract: Contract) -> list[BrokenRule]:
    empty = [name for name in table.column_names if table[name].null_count == table.num_rows]
    findings = [BrokenRule(name, EMPTY, table.num_rows) for name in empty if not may_be_empty(contract.columns[name])]
    filled = table.drop_columns(empty)
    try:
        schema(contract, filled.column_names).validate(frame(filled), lazy=True, inplace=True)
    except pandera.errors.SchemaErrors as error:
        names = {"not_nullable": "must not be missing", "multiple_fields_uniqueness": "the same id twice"}
        for (column, check), cases in error.failure_cases.groupby(["column", "check"], sort=False):
            cells = [] if check == "not_nullable" else cases["failure_case"].drop_duplicates()[:3]
            examples = tuple(map(_plain, cells))
            findings.append(BrokenRule(column, names.get(check, check), cases["index"].nunique(), examples))
    return findings


def may_be_empty(column: Column) -> bool:
    """Whether all values of the column may be missing in one file or period."""
    return column.empty or (column.missing and column.role in MAY_BE_EMPTY)


def _plain(cell: Any) -> Any:
    """A number of numpy's as Python's, and a time as text."""
    if hasattr(cell, "isoformat"):
        return cell.isoformat(" ")
    return cell.item() if hasattr(cell, "item") else cell


def _undeclared_personal_data(table: pa.Table, contract: Contract) -> list[BrokenRule]:
    return [
        BrokenRule(name, f"holds {personal}, and the contract does not mark it as pii", table.num_rows)
        for name in table.column_names
        if not contract.columns[name].pii and (personal := personal_data("", table[name]))
    ]


def personal_data(name: str, values: pa.ChunkedArray) -> str | None:
    """The kind of personal data that a column seems to hold, by its name or its values; None if it does not."""
    if PERSONAL_NAMES.search(name):
        return "by its name"
    if not pa.types.is_string(values.type):
        return None
    sample = pc.unique(values.slice(0, 100 * LOOKED_AT)).drop_null().slice(0, LOOKED_AT).to_pylist()
    return next((label for label, shape in PERSONAL_VALUES.items() if any(map(shape.fullmatch, sample))), None)
