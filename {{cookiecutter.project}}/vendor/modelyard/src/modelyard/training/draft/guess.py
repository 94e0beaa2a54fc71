"""Guesses a first contract from the values of a table, to be corrected by a person."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import ContractError
from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.written import NUMBERS
from ..data.validate import personal_data
from .calendar import drafted_calendar
from .categories import category_of, fewest_values
from .forms import chosen, plain
from .personal import UNKNOWN, as_personal
from .ranges import range_of_numbers, range_of_times, refuse_inexact
from .roles import Roles
from .row_names import is_counted, is_in_each_row_once, is_likely_id, numbers_rows
from .times import check_time, guess_time, is_ascending
from .types import forms_of, named_zone, typed

CLASSES, MOST_CLASSES = 2, 20
LIKELY_TARGETS = re.compile(r"^(target|label|class|outcome|y)$", re.IGNORECASE)
DESCRIBABLE = (
    pa.types.is_null,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_string,
    pa.types.is_date,
    pa.types.is_timestamp,
)


def guess_contract(table: pa.Table, name: str, owner: str, roles: Roles | None = None) -> Contract:
    """A contract that the table satisfies.

    Types are the narrowest that fit; ranges extend those of the values by half their width on either side; categories
    have the values that occur. Strings with too many values, empty columns, and apparent personal data get role unused.

    Raises ContractError if there is nothing to predict or no feature, or a column has no type that a contract allows.
    """
    _check_columns(table)
    roles = (roles or Roles()).found(table)
    if not table.num_rows:
        raise ContractError("the source has no rows to draft a contract from")
    given, zones = table, {name: roles.timezone or named_zone(table[name]) for name in table.column_names}
    target = roles.target or _guess_target(table)
    forms = forms_of(table, roles.time) | chosen(roles.formats, table)
    are_classes = not roles.is_quantity and _are_classes(table[target])
    if target in forms and target not in chosen(roles.formats, table) and are_classes:
        del forms[target]
    table = typed(table, roles.timezone, forms)
    time = roles.time or (None if roles.is_again else guess_time(table, target, roles.not_personal))
    ids = list(roles.ids) if roles.ids is not None else _guess_ids(table, target, roles.group)
    for name in [name for name in ids if name in forms and forms[name].format in NUMBERS]:
        del forms[name]
        table = table.set_column(table.column_names.index(name), name, plain(given[name]))
    if time:
        check_time(time, given[time], table[time], forms[time].format if time in forms else None)
    columns = {}
    for column in table.column_names:
        named = "" if column in roles.not_personal else column
        if column == target:
            columns[column] = _target(column, table[column], roles.is_quantity)
        elif column == time:
            drafted = Column("timestamp", "time", UNKNOWN, ascending=is_ascending(table[column]))
            columns[column] = as_personal(drafted, table[column], named)
        elif column in ids:
            refuse_inexact(column, table[column], is_id=True)
            columns[column] = as_personal(Column(_type(table[column]), "id", UNKNOWN), table[column], named)
        elif column == roles.group:
            columns[column] = as_personal(_group(column, table[column]), table[column], named)
        else:
            columns[column] = _other(column, table[column], named)
    for column, written in forms.items():
        if columns[column].is_number if written.format in NUMBERS else columns[column].type == "timestamp":
            columns[column] = dataclasses.replace(columns[column], format=written.format, unit=written.unit)
    for column, drafted in columns.items():
        if drafted.type == "timestamp":
            zoned = dataclasses.replace(drafted, timezone=zones[column])
            columns[column] = _of_times(column, zoned, table)
    _use_counted(columns, table)
    if not any(column.role == "feature" for column in columns.values()):
        others = ", ".join(f"{name} is {column.role}" for name, column in columns.items() if name != target)
        raise ContractError(
            f"no column is left from which {target!r} could be predicted: {others or 'there is no other'}; add one at "
            "the source that is known before it, such as its value a day or a year before"
        )
    for column, purpose in roles.purposes.items():
        columns[column] = dataclasses.replace(columns[column], pii=True, purpose=purpose)
    return Contract(name, UNKNOWN, owner, columns, slices=fewest_values(columns))


def _use_counted(columns: dict[str, Column], table: pa.Table) -> None:
    """If there is no feature, let what counts the rows be one: a series may have nothing else to be predicted by."""
    if any(column.role == "feature" for column in columns.values()):
        return
    for name in [name for name, column in columns.items() if column.role == "unused"]:
        if not is_likely_id(name) and is_counted(table[name]):
            low, high = range_of_numbers(table[name])
            columns[name] = dataclasses.replace(columns[name], role="feature", minimum=low, maximum=high)


def _check_columns(table: pa.Table) -> None:
    if twice := [name for name in table.column_names if table.column_names.count(name) > 1]:
        raise ContractError(f"the source has the column {twice[0]!r} twice; give one of them another name")
    kinds = {name: plain(table[name]).type for name in table.column_names}
    if strange := [f"{name} ({kind})" for name, kind in kinds.items() if not any(fits(kind) for fits in DESCRIBABLE)]:
        raise ContractError(f"a contract has no type for {', '.join(strange)}; leave it out at the source")


def _type(values: pa.ChunkedArray) -> Any:
    kind = values.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    return "timestamp" if pa.types.is_temporal(kind) else "string"


def _guess_target(table: pa.Table) -> str:
    named = [name for name in table.column_names if LIKELY_TARGETS.match(name)]
    return named[0] if named else table.column_names[-1]


def _guess_ids(table: pa.Table, target: str, group: str | None) -> list[str]:
    for name in table.column_names:
        values = table[name]
        likely = name not in (target, group) and is_likely_id(name)
        if likely and _type(values) in ("string", "integer") and is_in_each_row_once(values):
            return [name]
    return []


def _group(name: str, values: pa.ChunkedArray) -> Column:
    if values.null_count:
        raise ContractError(
            f"the column {name!r} cannot be the group: it is missing in {values.null_count:,} of {len(values):,} rows"
        )
    return Column(_type(values), "group", UNKNOWN)


def _are_classes(values: pa.ChunkedArray) -> bool:
    return len(pc.unique(values).drop_null()) <= MOST_CLASSES


def _target(name: str, values: pa.ChunkedArray, is_quantity: bool) -> Column:
    if pa.types.is_floating(values.type) and pc.all(pc.equal(values, pc.round(values))).as_py():
        with contextlib.suppress(pa.ArrowInvalid):  # too large, or infinite
            values = values.cast(pa.int64())
    kind, missing = _type(values), values.null_count > 0
    unique = pc.unique(values).drop_null()
    if kind == "timestamp":
        raise ContractError(
            f"the target {name!r} has {len(unique):,} different times, and a model predicts a number or a class: put a "
            "number in their place at the source, such as the days from another date, or name another with TARGET="
        )
    different = sorted(unique.to_pylist())
    if is_quantity and kind not in ("integer", "number"):
        found = ", ".join(map(repr, different[:3])) or "no value"
        raise ContractError(f"--regression: a quantity is a number, and the target {name!r} has {found}; leave it out")
    if len(different) < CLASSES:
        found = f"is {'always' if not missing else 'only'} {different[0]!r}" if different else "has no value"
        raise ContractError(
            f"the target {name!r} {found} in {len(values):,} rows, so there is nothing to learn; get rows that differ "
            "in it, or name another with TARGET="
        )
    if len(different) > MOST_CLASSES:
        refuse_inexact(name, values)
    if kind in ("boolean", "number") or (kind == "integer" and (is_quantity or len(different) > MOST_CLASSES)):
        return Column(kind, "target", UNKNOWN, missing=missing)
    if len(different) > MOST_CLASSES:
        raise ContractError(
            f"the target {name!r} has type {kind} and {len(different):,} different values, not {CLASSES} to "
            f"{MOST_CLASSES}; put rare ones together at the source, or name another with TARGET="
        )
    return Column(kind, "target", UNKNOWN, values=different, missing=missing)


def _other(name: str, values: pa.ChunkedArray, named: str) -> Column:
    kind, missing = _type(values), values.null_count > 0
    if personal_data(named, values):
        return Column(kind, "unused", UNKNOWN, missing=missing, pii=True, purpose=UNKNOWN)
    if numbers_rows(name, values) or values.null_count == len(values):
        return Column(kind, "unused", UNKNOWN, missing=missing)
    refuse_inexact(name, values)
    if kind == "string":
        if (found := category_of(values)) is None:
            return Column(kind, "unused", UNKNOWN, missing=missing)
        return Column(kind, "feature", UNKNOWN, values=list(found.values), other=found.other, missing=missing)
    if kind in ("boolean", "timestamp"):
        return Column(kind, "feature", UNKNOWN, missing=missing)
    finite = values.filter(pc.is_finite(values))
    low, high = range_of_numbers(finite) if len(finite) else (None, None)
    return Column(kind, "feature", UNKNOWN, minimum=low, maximum=high, missing=missing)


def _of_times(name: str, column: Column, table: pa.Table) -> Column:
    """The timestamp with its range, and with the features that it becomes."""
    values = table[name]
    if column.role == "unused" or values.null_count == len(values):
        return column
    low, high = range_of_times(values)
    calendar = None
    if column.role in ("time", "feature"):
        calendar = drafted_calendar(name, values, table.column_names, is_time=column.role == "time")
    return dataclasses.replace(column, minimum=low, maximum=high, calendar=calendar)
