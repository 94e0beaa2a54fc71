"""Which column of a draft is the time, and the periods into which its times fall."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import ContractError
from ..data.validate import personal_data
from ..settings import UNITS
from .command import arguments
from .forms import SAYS_TIME, examples, time_formats

FEWEST_PERIODS, MOST_PERIODS = 4, 240
CENTURIES = "years of two digits are 1969 to 2068"  # as POSIX has it
FIRST_DAY = "for a time, put the first day of each in its place at the source, such as 2013-04-01"
PERIODS = {"quarters": r"(?:[0-9]{4}[ _/-]?Q[1-4]|Q[1-4][ _/-]?[0-9]{4})", "weeks": r"[0-9]{4}[ _/-]?W[0-9]{1,2}"}


def periods_of(times: pa.ChunkedArray) -> tuple[str, list[str]]:
    """The period (month, else year, else day) that divides the times into a suitable number, and the periods in order.

    Raises ContractError if there are too few days.
    """
    moments = times.cast(pa.timestamp("us")).drop_null().to_numpy()
    for period in ("month", "year", "day"):
        periods = np.unique(moments.astype(f"datetime64[{UNITS[period]}]"))
        if FEWEST_PERIODS <= len(periods) <= MOST_PERIODS or (period == "day" and len(periods) >= FEWEST_PERIODS):
            return period, [str(name) for name in periods]
    raise ContractError(f"the times lie in fewer than {FEWEST_PERIODS} days: too few to hold any out")


def guess_time(table: pa.Table, target: str, not_personal: Sequence[str] = ()) -> str | None:
    """The first column of times without gaps that fall into periods enough; no birthday, nor another personal one."""
    for name in table.column_names:
        if personal_data(name, table[name]) and name not in not_personal:
            continue
        if name != target and pa.types.is_temporal(table[name].type) and not table[name].null_count:
            try:
                periods_of(table[name])
            except ContractError:
                continue
            return name
    return None


def check_time(name: str, given: pa.ChunkedArray, times: pa.ChunkedArray, form: str | None) -> None:
    """Raise ContractError if a column cannot be the time, with three of its values and what to do.

    given: the column as it was given; times: as a time, if it seems to be one; form: the format of its text.
    """
    if not pa.types.is_temporal(times.type):
        raise ContractError(f"the column {name!r} cannot be the time: it has {examples(given)}; {_advice(name, given)}")
    if times.null_count:
        raise ContractError(
            f"the column {name!r} cannot be the time: it is missing in {times.null_count:,} of {len(times):,} rows"
        )
    if not form or "%y" not in form:
        return
    years = pc.year(times)
    years = years.filter(pc.greater(years, datetime.date.today().year + 1))
    if late := len(years):
        ends = pc.min_max(years).as_py()
        raise ContractError(
            f"the column {name!r} cannot be the time: {late:,} of {len(times):,} rows would lie in the future, in "
            f"{ends['min']} to {ends['max']}, as {CENTURIES}; write years of four digits at the source, "
            "or name another column with --time"
        )


def likely_times(table: pa.Table, typed: pa.Table, target: str) -> dict[str, str]:
    """The columns that could be the time though none is taken for it, with what to add to the command for each."""
    found = {}
    for name in table.column_names:
        values = typed[name]
        if name == target or values.null_count or pa.types.is_temporal(values.type):
            continue
        formats = time_formats(table[name], is_time=bool(SAYS_TIME.search(name)))
        if formats:
            found[name] = told_choice(name, formats, is_time=True)
    return found


def told_choice(name: str, formats: list[str], is_time: bool) -> str:
    """What to add to the command so that a column is read as a time, which may be written in these formats."""
    role = ["--time", name] if is_time else []
    return arguments([*role, "--format", f"{name}={formats[0]}"] if len(formats) > 1 else role)


def _advice(name: str, given: pa.ChunkedArray) -> str:
    formats = time_formats(given, is_time=True)
    if len(formats) > 1:
        return f"that may be {' or '.join(formats)}: say which, as in {told_choice(name, formats, is_time=True)}"
    if named := named_periods(given):
        return f"these are {named}: {FIRST_DAY}"
    return (
        "a date in ISO 8601 such as 2013-12-24 can be read, and most others whose parts can be told apart; give the "
        f"strptime format of yours, as in {arguments(['--time', name, '--format', f'{name}=%d/%m/%Y %H.%M'])}"
    )


def named_periods(values: pa.ChunkedArray) -> str | None:
    """What a column of text names that no format reads as a time: quarters or weeks."""
    if not pa.types.is_string(values.type) or values.null_count == len(values):
        return None
    unique = pc.unique(values).drop_null()
    for kind, form in PERIODS.items():
        if pc.all(pc.match_substring_regex(unique, f"(?i)^{form}$")).as_py():
            return kind
    return None


def is_ascending(values: pa.ChunkedArray) -> bool:
    """Whether no time is before the one above it."""
    return bool((np.diff(values.cast(pa.timestamp("us")).to_numpy()) >= np.timedelta64(0)).all())
