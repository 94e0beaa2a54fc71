"""The types that a table's columns seem to have, before a contract says them."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping

import pyarrow as pa

from ...errors import ContractError
from ...runtime.contract import Contract
from ...runtime.limits import zone_fault
from ...runtime.times import OffsetRefused
from ...runtime.written import NUMBERS
from ..data.conform import numbers_of
from ..data.moments import moments
from .forms import Written, plain, written


def typed(table: pa.Table, timezone: str | None = None, forms: Mapping[str, Written] | None = None) -> pa.Table:
    """The table with integers and decimals as int64 or float64, NaN as missing, and times and their text as timestamps.

    timezone: that to whose local time those with an offset are converted, if their type names none. forms: how columns
    are written that are not in a usual way; else as they seem to be.

    Raises ContractError if a column has times with an offset, and there is no timezone for it.
    """
    forms = forms_of(table) if forms is None else forms
    return pa.table({name: _narrow(name, table[name], timezone, forms.get(name)) for name in table.column_names})


def typed_as(contract: Contract, table: pa.Table) -> pa.Table:
    """The same for columns of a contract, which has the timezone and the format of each."""
    columns = {name: contract.columns[name] for name in table.column_names}
    forms = {name: Written(column.format, column.unit) if column.format else None for name, column in columns.items()}
    return pa.table(
        {name: _narrow(name, table[name], column.timezone, forms[name]) for name, column in columns.items()}
    )


def forms_of(table: pa.Table, time: str | None = None) -> dict[str, Written]:
    """How the columns seem to be written that are not in a usual way. time: the column that a person calls a time."""
    found = {name: written(name, table[name], name == time) for name in table.column_names}
    return {name: form for name, form in found.items() if form}


def named_zone(values: pa.ChunkedArray) -> str | None:
    """The timezone that the type of a column of times names; UTC is none, because many writers put it there."""
    zone = values.type.tz if pa.types.is_timestamp(values.type) else None
    return zone if zone and "/" in zone and not zone.startswith("Etc/") else None


def _narrow(name: str, values: pa.ChunkedArray, timezone: str | None, form: Written | None) -> pa.ChunkedArray:
    zone = timezone or named_zone(values)
    values = plain(values)
    if form and form.format in NUMBERS and pa.types.is_string(values.type):
        numbers = numbers_of(values, form.format, form.unit)
        return values if isinstance(numbers, list) else numbers
    empty = values.null_count == len(values)
    candidates = {
        pa.types.is_decimal: [pa.int64()] if _is_whole(values.type) else [pa.int64(), pa.float64()],
        pa.types.is_integer: [pa.int64()],
        pa.types.is_null: [pa.string()],
    }
    for fits, kinds in candidates.items() if form is None else ():
        for kind in kinds if fits(values.type) else []:
            try:
                return values.cast(kind)
            except pa.ArrowInvalid:
                continue
    is_text = pa.types.is_string(values.type) and not empty
    if form is None and not (is_text or pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)):
        return values
    try:
        return moments(values, _zone(zone), form.format if form else None)
    except pa.ArrowInvalid:
        return values
    except OffsetRefused:
        raise ContractError(
            f"the column {name!r} has times with an offset from UTC: say whose local time is meant, for example with "
            "ARGS='--timezone Europe/Berlin' (or UTC)"
        ) from None


def _zone(timezone: str | None) -> datetime.tzinfo | None:
    if fault := zone_fault("timestamp", timezone, None):
        raise ContractError(fault)
    return None if timezone is None else zoneinfo.ZoneInfo(timezone)


def _is_whole(kind: pa.DataType) -> bool:
    return pa.types.is_decimal(kind) and kind.scale <= 0
