"""The types that a table's columns seem to have, before a contract says them."""

from __future__ import annotations

import datetime
import zoneinfo

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import ContractError
from ...runtime.contract import Contract
from ...runtime.limits import zone_fault
from ...runtime.times import OffsetRefused
from ..data.conform import nan_as_missing
from ..data.moments import moments

DATES = ["%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y"]
DATE_FORMATS = [date + clock for date in DATES for clock in ("", " %H:%M", " %H:%M:%S")]


def typed(table: pa.Table, timezone: str | None = None) -> pa.Table:
    """The table with integers and decimals as int64 or float64, NaN as missing, and times and their text as timestamps.

    timezone: that to whose local time those with an offset are converted, if their type names none.

    Raises ContractError if a column has times with an offset, and there is no timezone for it.
    """
    return pa.table({name: _narrow(name, table[name], timezone) for name in table.column_names})


def typed_as(contract: Contract, table: pa.Table) -> pa.Table:
    """The same for columns of a contract, which has the timezone of each."""
    zones = {name: contract.columns[name].timezone for name in table.column_names}
    return pa.table({name: _narrow(name, table[name], zone) for name, zone in zones.items()})


def named_zone(values: pa.ChunkedArray) -> str | None:
    """The timezone that the type of a column of times names; UTC is none, because many writers put it there."""
    zone = values.type.tz if pa.types.is_timestamp(values.type) else None
    return zone if zone and "/" in zone and not zone.startswith("Etc/") else None


def date_format(values: pa.ChunkedArray) -> str | None:
    """The strptime format of a column of text; None if it is ISO 8601, not a time, or ambiguous."""
    fitting = date_formats(values)
    return fitting[0] if len(fitting) == 1 else None


def date_formats(values: pa.ChunkedArray) -> list[str]:
    """The strptime formats that a column of text may have."""
    values = plain(values)
    if not pa.types.is_string(values.type) or values.null_count == len(values):
        return []
    return [written for written in DATE_FORMATS if _reads(values, written)]


def _reads(values: pa.ChunkedArray, written: str) -> bool:
    parsed = pc.strptime(values, format=written, unit="us", error_is_null=True)
    return parsed.null_count == values.null_count


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without the forms in which some writers hold the same values."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    return nan_as_missing(values)


def _narrow(name: str, values: pa.ChunkedArray, timezone: str | None) -> pa.ChunkedArray:
    zone = timezone or named_zone(values)
    values = plain(values)
    empty = values.null_count == len(values)
    candidates = {
        pa.types.is_decimal: [pa.int64()] if _is_whole(values.type) else [pa.int64(), pa.float64()],
        pa.types.is_integer: [pa.int64()],
        pa.types.is_null: [pa.string()],
    }
    for fits, kinds in candidates.items():
        for kind in kinds if fits(values.type) else []:
            try:
                return values.cast(kind)
            except pa.ArrowInvalid:
                continue
    written = date_format(values)
    is_text = pa.types.is_string(values.type) and not empty
    if not (is_text or pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)):
        return values
    try:
        return moments(values, _zone(zone), written)
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
