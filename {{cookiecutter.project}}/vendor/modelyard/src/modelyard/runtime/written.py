"""How numbers and times are written that no usual way reads: what `format` of a column may be, and how it reads them.

Training and the service read by the functions here, so that the same text is the same number in both. This module needs
the standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

POINT, COMMA = "1,234.5", "1.234,5"
NUMBERS = (POINT, COMMA)  # the formats of a number
# The formats of a timestamp that is a number: seconds or milliseconds since 1970 in UTC, days since 1899-12-30 as
# spreadsheets count them, and years such as 1987.5
COUNTED = ("epoch_s", "epoch_ms", "excel", "decimal_year")
SIGNS = (
    ("$", "USD", "US$"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("CHF",),
    ("%", "percent"),
)  # each with the other names that a unit may have

_BLANKS = " \u00a0\u202f\u2009"
_PARTS = {
    POINT: (rf"[,'\u2019{_BLANKS}]", r"\."),
    COMMA: (rf"[.'\u2019{_BLANKS}]", ","),
}
_NUMBER = {
    form: re.compile(
        rf"(?P<sign>[+-]?)(?P<whole>[0-9]{{1,3}}(?:(?P<mark>{mark})[0-9]{{3}})(?:(?P=mark)[0-9]{{3}})*|[0-9]*)"
        rf"(?:{decimal}(?P<part>[0-9]*))?(?P<power>[eE][+-]?[0-9]{{1,3}})?"
    )
    for form, (mark, decimal) in _PARTS.items()
}  # fmt: skip


def number_of(text: str, form: str, unit: str | None = None) -> int | float:
    """The number that a text in one of the NUMBERS formats has; whole ones as int.

    A sign of the column's unit may stand before or after it, such as that of a currency; parentheses make it negative.
    Percent are taken as they stand: 12 % is 12.

    Raises ValueError if it is no such number.
    """
    bare = text.strip().replace("\u2212", "-")
    negative = bare.startswith("(") and bare.endswith(")")
    bare = _without_sign(bare[1:-1].strip() if negative else bare, signs_of(unit))
    found = _NUMBER[form].fullmatch(bare)
    if found is None or not (found["whole"] or found["part"]) or (negative and found["sign"]):
        raise ValueError(f"{text!r} is no number written as {form}")
    whole = found["whole"].replace(found["mark"], "") if found["mark"] else found["whole"]
    number = Decimal(f"{'-' if negative else found['sign']}{whole or 0}.{found['part'] or 0}{found['power'] or ''}")
    return int(number) if number == number.to_integral_value() and abs(number) < 1e30 else float(number)


def signs_of(unit: str | None) -> Collection[str]:
    """The signs that may stand beside a number in this unit."""
    if not unit:
        return ()
    return next((signs for signs in SIGNS if unit in signs), (unit,))


def _without_sign(text: str, signs: Collection[str]) -> str:
    """The number without the sign of its unit; a minus may stand before a currency, as in -$5."""
    minus, rest = (text[0], text[1:].strip()) if text[:1] in ("-", "+") else ("", text)
    for sign in sorted(signs, key=len, reverse=True):
        if rest.startswith(sign):
            return minus + rest.removeprefix(sign).strip()
        if rest.endswith(sign):
            return minus + rest.removesuffix(sign).strip()
    return text


def as_number(value: Any, form: str | None, unit: str | None) -> Any:
    """The number that a text has in this format; any other value, and a text that has none, as it is."""
    if form is None or not isinstance(value, str):
        return value
    try:
        return number_of(value, form, unit)
    except ValueError:
        return value


def with_numbers(row: Mapping[str, Any], written: Mapping[str, tuple[str | None, str | None]]) -> dict[str, Any]:
    """A row with numbers in place of texts, for a log in which 1.234 and "1.234" would be the same.

    written: the format and the unit of each column whose numbers may be text.
    """
    return {**row, **{name: as_number(row[name], *how) for name, how in written.items() if name in row}}


def format_fault(type_name: str, form: str | None, is_category: bool, is_id: bool) -> str | None:
    """What is wrong with the `format` of a column of this type."""
    if form is None:
        return None
    if type_name in ("integer", "number"):
        if form not in NUMBERS:
            return f"format of a number is one of {', '.join(map(repr, NUMBERS))}; found {form!r}"
        if is_category or is_id:
            return "format of a number belongs to quantities only, neither to ids nor beside `values`"
        return None
    if type_name != "timestamp":
        return "format belongs to timestamp only, and to numbers"
    if form in COUNTED or "%" in form:
        return None
    return f"format is a strptime format such as '%d.%m.%Y', or one of {', '.join(COUNTED)}; found {form!r}"
