"""Drafting again: what a person wrote in contract.yaml is kept wherever the data allows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import ContractError
from ...runtime.column import Column
from ...runtime.contract import Contract
from ..data.conform import conform
from ..data.refusal import BrokenRule
from ..data.validate import personal_data
from ..settings import read_contract, read_params
from ..strict_yaml import parse, read_yaml
from .personal import UNKNOWN
from .roles import Roles

SHOWN = 40  # signs of a value in a line


def earlier(root: Path, table: pa.Table) -> Contract | None:
    """The contract under `root` if this table is drafted again: it is no sample's, and has half of its columns.

    A purpose that is still open is UNKNOWN. None too if the contract cannot be read.
    """
    try:
        if read_params(root / "params.yaml").source.kind == "sample":
            return None
        raw = read_yaml(root / "contract.yaml")
        columns = raw.get("columns")
        for column in columns.values() if isinstance(columns, dict) else ():
            if isinstance(column, dict) and column.get("pii") is True and not column.get("purpose"):
                column["purpose"] = UNKNOWN
        contract: Contract = parse(root / "contract.yaml", Contract, raw)
    except ContractError:
        return None
    there = [name for name in contract.columns if name in table.column_names]
    return contract if 2 * len(there) >= len(contract.columns) else None


def owner_of(root: Path) -> str:
    """Who owns the data by the contract under `root`."""
    try:
        return read_contract(root / "contract.yaml").owner
    except ContractError:
        return "(to be named)"


def with_earlier(roles: Roles, old: Contract, table: pa.Table) -> Roles:
    """The roles with those of the contract before where a person gave none, and its formats where they still fit."""
    roles = roles.found(table)
    there = {name: column for name, column in old.columns.items() if name in table.column_names}
    given = {text.partition("=")[0] for text in roles.formats}
    taken = {roles.target, roles.time, roles.group, *(roles.ids or ())}

    def free(names: list[str]) -> list[str]:
        return [name for name in names if name in there and name not in taken]

    ids = roles.ids if roles.ids is not None else free(list(old.named("id")))
    target = roles.target or next(iter(free([old.target])), None)
    time = roles.time or next(iter(free([old.time or ""])), None)
    group = roles.group or next(iter(free([old.group or ""])), None)
    kept = [
        f"{name}={column.format}"
        for name, column in there.items()
        if column.format and name not in given and not isinstance(conform(table[name], column), BrokenRule)
    ]
    zones = [column.timezone for column in there.values() if column.timezone]
    purposes = {
        name: column.purpose
        for name, column in there.items()
        if column.pii and column.purpose and column.purpose != UNKNOWN and name not in roles.not_personal
    }
    return dataclasses.replace(
        roles,
        target=target,
        time=time,
        ids=ids,
        group=group,
        timezone=roles.timezone or next(iter(zones), None),
        formats=[*roles.formats, *kept],
        purposes={**purposes, **roles.purposes},
        is_again=old.time is None or old.time in there,
    )


def merged(drafted: Contract, old: Contract, table: pa.Table, roles: Roles) -> Contract:
    """The contract before, with what was drafted only where the data breaks it, and in the columns that are new."""
    names = [name for name in old.columns if name in drafted.columns]
    names += [name for name in drafted.columns if name not in old.columns]
    columns = {
        name: _merged(name, drafted.columns[name], old.columns[name], table[name], roles)
        if name in old.columns
        else drafted.columns[name]
        for name in names
    }
    slices = [name for name in old.slices if name in columns and columns[name].role == "feature"]
    return dataclasses.replace(
        old, columns=columns, slices=[name for name in slices if columns[name].values] or drafted.slices
    )


def changes(old: Contract, new: Contract) -> list[str]:
    """A line for each column that was added, removed or changed."""
    lines = [f"{name}: removed, the data has it no more" for name in old.columns if name not in new.columns]
    for name, column in new.columns.items():
        if name not in old.columns:
            lines.append(f"{name}: added as {column.role}, {column.type}")
            continue
        before, after = dataclasses.asdict(old.columns[name]), dataclasses.asdict(column)
        lines += [f"{name}: {_change(key, before[key], after[key])}" for key in after if before[key] != after[key]]
    return lines


def _merged(name: str, drafted: Column, old: Column, values: pa.ChunkedArray, roles: Roles) -> Column:
    special = {"target", "time", "id", "group"}
    moved = old.role != drafted.role and bool(special & {old.role, drafted.role})
    moved |= roles.is_quantity and drafted.role == "target" and old.values is not None
    typed = conform(values, old, name)
    if moved or isinstance(typed, BrokenRule):
        return dataclasses.replace(drafted, description=old.description, unit=old.unit or drafted.unit)
    format_given = name in {text.partition("=")[0] for text in roles.formats}
    column = dataclasses.replace(
        old,
        missing=old.missing or drafted.missing,
        empty=old.empty or drafted.empty,
        ascending=old.ascending and drafted.ascending,
        format=drafted.format if format_given and drafted.type == old.type else old.format,
        **_personal(name, drafted, old, values, roles),
    )
    return dataclasses.replace(column, **dict(_widened(column, drafted, typed)))


def _personal(name: str, drafted: Column, old: Column, values: pa.ChunkedArray, roles: Roles) -> dict[str, Any]:
    if name in roles.not_personal:
        return {"pii": False, "purpose": None}
    if name in roles.purposes:
        return {"pii": True, "purpose": roles.purposes[name]}
    if drafted.pii and not old.pii and personal_data("", values):
        role = "unused" if old.role == "feature" else old.role
        values = old.values if role == "target" else None
        return {"pii": True, "purpose": UNKNOWN, "role": role, "values": values, "other": False}
    return {}


def _widened(column: Column, drafted: Column, values: pa.ChunkedArray) -> Iterator[tuple[str, Any]]:
    """The values and the ends of the range that the data is outside of, as they are drafted."""
    present = values.drop_null()
    if column.values is not None and not column.other:
        unseen = set(pc.unique(present).to_pylist()) - set(column.values)
        if unseen:
            yield "values", [*column.values, *sorted(unseen)]
    if not len(present) or column.values is not None or column.type in ("string", "boolean"):
        return
    ends = pc.min_max(present).as_py()
    low, high = column.moments if column.type == "timestamp" else column.bounds
    if low is not None and ends["min"] < low:
        yield "minimum", drafted.minimum
    if high is not None and ends["max"] > high:
        yield "maximum", drafted.maximum


def _change(key: str, before: object, after: object) -> str:
    if key == "values" and isinstance(before, list) and isinstance(after, list):
        new = [value for value in after if value not in before]
        gone = [value for value in before if value not in after]
        told = [f"{word} {', '.join(map(repr, some[:5]))}" for word, some in (("new", new), ("gone", gone)) if some]
        return f"values: {'; '.join(told)}"
    return f"{key} {_short(before)} -> {_short(after)}"


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
