"""The range that a drafted contract allows a column: wider than that of its values, in few digits, rounded outwards."""

from __future__ import annotations

import datetime
import math
import sys
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import ContractError
from ...runtime.limits import EXACT

AHEAD = 10  # years by which a timestamp may be later than all of the data, as time goes on
EXACTLY = Context(prec=2000)  # enough for every digit of a float64


def range_of_numbers(values: pa.ChunkedArray) -> tuple[int | float, int | float]:
    """The range extended by half its width on either side, rounded outwards; its minimum stays non-negative."""
    ends = pc.min_max(values).as_py()
    least, most = (Decimal(ends[end]) for end in ("min", "max"))
    margin = EXACTLY.divide(EXACTLY.subtract(most, least), Decimal(2)) or abs(most) or Decimal(1)
    step = Decimal(1).scaleb(margin.adjusted())
    low = _rounded(EXACTLY.subtract(least, margin), step, ROUND_FLOOR)
    high = _rounded(EXACTLY.add(most, margin), step, ROUND_CEILING)
    low = max(low, Decimal(0)) if least >= 0 else low
    if pa.types.is_integer(values.type):
        return max(math.floor(low), min(-EXACT, ends["min"])), min(math.ceil(high), max(EXACT, ends["max"]))
    largest = Decimal(sys.float_info.max)
    return float(max(low, -largest)), float(min(high, largest))


def range_of_times(values: pa.ChunkedArray) -> tuple[str, str]:
    """Whole years: the range extended by half its width on either side, and by at least AHEAD years to the future."""
    ends = pc.min_max(values.cast(pa.timestamp("us"))).as_py()
    first, last = ends["min"], ends["max"]
    width = math.ceil((last - first) / datetime.timedelta(days=365.25) / 2)
    low, high = max(first.year - width, datetime.MINYEAR), min(last.year + max(width, AHEAD), datetime.MAXYEAR)
    return f"{low:04}-01-01", f"{high:04}-12-31"


def refuse_inexact(name: str, values: pa.ChunkedArray, is_id: bool = False) -> None:
    """Raise ContractError if a model, or for an id the contract, cannot tell the column's whole numbers apart."""
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        return
    ends = pc.min_max(values).as_py()
    beyond = [end for end in (ends["max"], ends["min"]) if end is not None and abs(end) > EXACT]
    if is_id and pa.types.is_uint64(kind) and beyond:
        raise ContractError(
            f"the id {name!r} has whole numbers beyond 2^63, such as {beyond[0]}: write them as text at the source"
        )
    if beyond and not is_id:
        raise ContractError(
            f"the column {name!r} has whole numbers beyond 2^53, such as {beyond[0]}, which a model cannot tell from "
            "the next: name it with --id if it names the row; else write it as text, or leave it out, at the source"
        )


def _rounded(number: Decimal, step: Decimal, rounding: str) -> Decimal:
    return EXACTLY.multiply(EXACTLY.divide(number, step).to_integral_value(rounding), step)
