"""Labels as the text of a cell: how they are written for people, and read from what people wrote."""

from __future__ import annotations

import math
import re

from ...runtime.column import Column
from ...runtime.csv_form import COMMA_NUMBER
from ...runtime.csv_rows import BOOLEANS

Label = bool | int | float | str | None
KEEP = "keep"  # in place of a label: the one that was given is right
CLOSE = 1e-6  # of a number, so much of it a spreadsheet may round off
LISTED = 12  # allowed values in a message


class LabelFault(ValueError):
    """What is wrong with the text of a label, and which ones are allowed."""


def written(label: Label) -> str:
    """A label as a cell has it; empty if it is missing."""
    if label is None:
        return ""
    return str(label).lower() if isinstance(label, bool) else repr(label) if isinstance(label, float) else str(label)


def shown(label: Label) -> str:
    """A label as text that tells a missing one from every other."""
    return "(missing)" if label is None else written(label)


def parse_label(text: str, column: Column, decimal_comma: bool = False) -> Label:
    """The label of the target's type; None for an empty cell.

    decimal_comma: whether a number may be written with a comma, as where other signs separate the cells.

    Raises LabelFault if it is none that the column allows.
    """
    if not text or (text == KEEP and KEEP not in (column.values or ())):
        return None
    if column.is_numeric:
        return _number(text, column, decimal_comma)
    allowed = {written(value): value for value in column.values or (False, True)}
    if text in allowed:
        return allowed[text]
    if column.type == "boolean" and text in BOOLEANS:
        return BOOLEANS[text]
    if column.type == "integer" and text.removesuffix(".0") in allowed:
        return allowed[text.removesuffix(".0")]
    listed = ", ".join(list(allowed)[:LISTED]) + (" ..." if len(allowed) > LISTED else "")
    raise LabelFault(f"{text!r} is not allowed: write one of {listed}, or {KEEP}")


def _number(text: str, column: Column, decimal_comma: bool) -> Label:
    plain = text.replace(",", ".") if decimal_comma and re.fullmatch(COMMA_NUMBER, text) else text
    try:
        value = float(plain)
    except ValueError:
        value = math.nan
    if "_" in plain or not math.isfinite(value):
        raise LabelFault(f"{text!r} is no number: write one such as 12.5, or {KEEP}")
    if column.type == "integer":
        if not value.is_integer():
            raise LabelFault(f"{text!r} is no whole number, as contract.yaml wants it; or write {KEEP}")
        value = int(value)
    if isinstance(column.minimum, int | float) and value < column.minimum:
        raise LabelFault(f"{text} is below {column.minimum}, the minimum in contract.yaml; or write {KEEP}")
    if isinstance(column.maximum, int | float) and value > column.maximum:
        raise LabelFault(f"{text} is above {column.maximum}, the maximum in contract.yaml; or write {KEEP}")
    return value


def is_same(one: Label, other: Label) -> bool:
    """Whether two labels are the same, numbers but for what a spreadsheet may have rounded off."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=1e-12)
    return one == other
