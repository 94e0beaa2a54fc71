"""How the texts and numbers of a column seem to be written: the formats that a draft gives to a contract."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import ContractError
from ...runtime.column import Column
from ...runtime.csv_form import POINT_NUMBER, WHOLE_NUMBER
from ...runtime.limits import zone_fault
from ...runtime.written import COMMA, NUMBERS, POINT, SIGNS, as_number, format_fault, signs_of
from ..data.conform import conform, nan_as_missing
from ..data.moments import moments
from ..data.refusal import BrokenRule
from ..data.validate import personal_data
from .unknown import no_such_column

DAYS = [
    "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%m/%d/%y",
    "%d/%m/%y", "%d-%m-%y", "%m-%d-%y", "%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d. %b %Y",
    "%B %d %Y", "%B %d, %Y", "%d %B %Y", "%d. %B %Y", "%a, %d %b %Y", "%A, %B %d, %Y",
]  # fmt: skip
CLOCKS = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p"]
MONTHS = ["%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y"]
DATES = [
    *(day + clock for day in DAYS for clock in CLOCKS),
    *("%Y-%m-%d" + clock for clock in CLOCKS[3:]),
    *MONTHS,
]
DIGITS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
# What numbers may count, by their least and largest: years, days and epochs from 1973 or so to a century ahead
COUNTS = {
    "decimal_year": (1000, 3000),
    "excel": (10_000, 100_000),
    "epoch_s": (1e8, 1e11),
    "epoch_ms": (1e11, 1e13),
}
SAYS_TIME = re.compile(r"(^|[_ ])(date|time|timestamp|datetime|day|month|year|when|ts)($|[_ ])|(date|time)$", re.I)
FIRST = 20  # different texts that are tried before all of them
LONGEST = 40  # signs of a text that may be a time or a number
WITH_POINT = ("$", "£", "¥", "%")  # beside these, a comma before three digits divides thousands


class Written(NamedTuple):
    """How a column is written: what `format` is in a contract, and the unit of the signs beside its numbers."""

    format: str
    unit: str | None = None


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without the forms in which some writers hold the same values."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    return nan_as_missing(values)


def written(name: str, values: pa.ChunkedArray, is_time: bool = False) -> Written | None:
    """How a column is written; None if it is in a usual way, or may be in several. is_time: a person says so."""
    dates = time_formats(values, is_time) or (time_formats(values, True) if says_time(name, values) else [])
    if dates:
        return Written(dates[0]) if len(dates) == 1 else None
    numbers = [] if is_time else number_formats(values)
    return numbers[0] if len(numbers) == 1 else None


def says_time(name: str, values: pa.ChunkedArray) -> bool:
    """Whether a column is a time by its name, and has digits or a count that is rarely anything else."""
    if not SAYS_TIME.search(name):
        return False
    return time_formats(values, True)[:1] in (["%Y%m%d"], ["epoch_s"], ["epoch_ms"], ["%Y%m%d%H%M%S"])


def time_formats(values: pa.ChunkedArray, is_time: bool = False) -> list[str]:
    """The formats of a timestamp that fit all values of a column and make different times of them.

    is_time: whether it is known that it is one, so that bare digits and numbers that count are tried too.
    """
    present = pc.unique(plain(values)).drop_null()
    if not len(present):
        return []
    if pa.types.is_string(present.type):
        if _fits(present, rf"{WHOLE_NUMBER}|{POINT_NUMBER}"):
            try:
                return _counting(present.cast(pa.float64())) if is_time else []
            except pa.ArrowInvalid:
                return []
        return _dates(present)
    if is_time and (pa.types.is_integer(present.type) or pa.types.is_floating(present.type)):
        return _counting(present.cast(pa.float64(), safe=False))
    return []


def number_formats(values: pa.ChunkedArray) -> list[Written]:
    """The formats of a number that fit all texts of a column and make different numbers of them.

    None fits digits without any sign: they may as well be codes.
    """
    values = plain(values)
    if not pa.types.is_string(values.type) or not _may_be(values) or personal_data("", values):
        return []
    texts = pc.unique(values).drop_null().to_pylist()
    unit = _sign(texts)
    if unit and not all(text.strip() in ("0", "0.00") or any(s in text for s in signs_of(unit)) for text in texts):
        return []
    fitting: dict[str, list[object]] = {}
    for form in NUMBERS:
        numbers = [as_number(text, form, unit) for text in texts[:FIRST]]
        if not any(isinstance(number, str) for number in numbers):
            fitting[form] = [*numbers, *(as_number(text, form, unit) for text in texts[FIRST:])]
    fitting = {form: read for form, read in fitting.items() if not any(isinstance(one, str) for one in read)}
    if len(fitting) == 2 and fitting[POINT] == fitting[COMMA]:
        return [Written(POINT, unit)] if unit or not _fits(pa.array(texts), WHOLE_NUMBER) else []
    if len(fitting) == 2 and unit in WITH_POINT:
        del fitting[COMMA]
    return [Written(form, unit) for form in fitting]


def chosen(given: Sequence[str], table: pa.Table) -> dict[str, Written]:
    """The formats that a person gave as COLUMN=FORMAT. Raises ContractError if a column is not written so."""
    found = {}
    for text in given:
        name, _, form = text.partition("=")
        if form and name not in table.column_names:
            raise no_such_column(name, table.column_names)
        if not form:
            raise ContractError(
                f"--format {text}: COLUMN=FORMAT is expected, such as day=%d/%m/%Y or price=1,234.5; the columns are: "
                f"{', '.join(map(repr, table.column_names))}"
            )
        values = plain(table[name])
        is_number = form in NUMBERS
        unit = _sign(values.drop_null().slice(0, 1).to_pylist()) if is_number else None
        zone = None if is_number else "UTC"
        column = Column("number" if is_number else "timestamp", "unused", "", unit, format=form, timezone=zone)
        if fault := format_fault(column.type, form, False, False) or zone_fault(column.type, zone, form):
            raise ContractError(f"--format {text}: {fault}")
        if isinstance(read := conform(values, column), BrokenRule):
            found_there = ", ".join(map(repr, read.examples))
            raise ContractError(f"--format {text}: {read.rows:,} rows are not written so, such as {found_there}")
        found[name] = Written(form, unit)
    return found


def examples(values: pa.ChunkedArray) -> str:
    """Three different values of a column, for a message."""
    return ", ".join(map(repr, pc.unique(values).drop_null().slice(0, 3).to_pylist())) or "nothing"


def _sign(texts: Sequence[Any]) -> str | None:
    """The unit whose sign stands in the first of some texts."""
    first = str(next(iter(texts), ""))
    return next((signs[0] for signs in SIGNS if any(sign in first for sign in signs)), None)


def _may_be(values: pa.ChunkedArray) -> bool:
    """Whether text may be a time or a number: its first value has a digit and is short."""
    first = values.drop_null().slice(0, 1).to_pylist()
    return bool(first) and len(first[0]) <= LONGEST and any(sign.isdigit() for sign in first[0])


def _dates(texts: pa.Array) -> list[str]:
    first = texts.slice(0, FIRST).to_pylist()
    if not _may_be(pa.chunked_array([texts])):
        return []
    likely = [form for form in DATES if all(_reads(text, form) for text in first)]
    read: dict[str, pa.ChunkedArray] = {}
    for form in likely:
        try:
            found = moments(pa.chunked_array([texts]), None, form)
        except pa.ArrowInvalid:
            continue
        if not any(found.equals(other) for other in read.values()):
            read[form] = found
    return list(read)


def _reads(text: str, form: str) -> bool:
    try:
        datetime.datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _counting(numbers: pa.Array) -> list[str]:
    """What numbers may count, or the format that their digits may have."""
    given = pa.chunked_array([numbers])
    ends = pc.min_max(numbers).as_py()
    whole = pc.all(pc.equal(numbers, pc.floor(numbers))).as_py() and ends["min"] >= 1000
    lengths = {len(str(int(ends[end]))) for end in ("min", "max")} if whole else set()
    form = DIGITS.get(next(iter(lengths))) if len(lengths) == 1 else None
    if form:
        years = {str(int(end))[:4] for end in ends.values()}
        if all("1500" <= year < "2500" for year in years):
            try:
                moments(given, None, form)
            except pa.ArrowInvalid:
                pass
            else:
                return [form]
    return [form for form, (low, high) in COUNTS.items() if low <= ends["min"] <= ends["max"] < high]


def _fits(texts: pa.Array, shape: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, f"^(?:{shape})$")).as_py())
