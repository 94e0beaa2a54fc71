"""What a draft decided and a person may want otherwise, in words."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.contract import Contract
from ...runtime.csv_form import COMMA_NUMBER, MISSING, POINT_NUMBER, WHOLE_NUMBER
from ..data.sources.decisions import Decisions
from ..settings import Evaluate, Params
from .guess import ROW_NUMBERS
from .split import later_rows
from .types import date_formats, typed_as

GROUPED = r"\s*[+-]?[0-9]{1,3}(?:[., '\x{a0}\x{202f}][0-9]{3})+(?:[.,][0-9]+)?\s*"  # 1.234,5
NUMBER = f"^(?:{WHOLE_NUMBER}|{COMMA_NUMBER}|{POINT_NUMBER}|{GROUPED})$"
LIKE_MISSING = MISSING | {"?", "-", "--", ".", "none", "None", "NONE", "missing", "unknown", "Unknown", "n.a.", "N.A."}
LISTED = 5


def shown(name: str) -> str:
    """The name of a column, in quotes if it has blanks at an end."""
    return name if name and name == name.strip() else repr(name)


def decided(contract: Contract, table: pa.Table, decisions: Decisions, params: Params) -> list[str]:
    """A line for each decision. table: what was drafted from. params: what was drafted beside the contract."""
    narrowed = typed_as(contract, table)
    lines = [*sorted(decisions.forms), *_positive(contract, narrowed, params.evaluate), *_target(contract, narrowed)]
    if params.watermark and (late := later_rows(contract, table, params.period, params.watermark)):
        lines.append(
            f"watermark: {params.watermark}, the last {params.period} with a target; {late:,} later rows have no "
            f"{contract.target} yet, and enter when you move it on"
        )
    for name in contract.columns:
        lines += _column(contract, name, table[name], narrowed[name], decisions)
    return lines


def _positive(contract: Contract, table: pa.Table, evaluate: Evaluate) -> Iterator[str]:
    if contract.kind != "binary":
        return
    negative, positive = contract.classes
    line = (
        f"positive class: {positive!r}, the last of {contract.classes!r}; a missed {positive!r} costs "
        f"{evaluate.false_negative_cost:g}, a {negative!r} taken for it {evaluate.false_positive_cost:g} (params.yaml)"
    )
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(table[contract.target]).to_pylist()}
    if contract.columns[contract.target].values and counts.get(positive, 0) > 2 * counts.get(negative, 0):
        line += f". {negative!r} is rarer: if it is what you look for, put it last in `values`"
    yield line


def _target(contract: Contract, table: pa.Table) -> Iterator[str]:
    name = contract.target
    column = contract.columns[name]
    if absent := table[name].null_count:
        yield f"{name}: {absent:,} of {table.num_rows:,} rows have none, so they neither train nor judge"
    if contract.kind == "multiclass" and column.type == "integer":
        yield f"{name}: its {len(contract.classes)} numbers are classes; for a quantity, remove `values`"


def _column(
    contract: Contract, name: str, given: pa.ChunkedArray, values: pa.ChunkedArray, decisions: Decisions
) -> Iterator[str]:
    """What was decided about one column, as it was given and in the type that it seems to have."""
    column = contract.columns[name]
    if name != name.strip():
        yield f"{name!r}: the blanks belong to the name, here and for whoever asks the model"
    given_name, name = name, shown(name)
    if column.pii:
        yield f"{name}: it seems to be personal data; state its purpose, or drop it at the source"
        return  # and show none of it
    if column.empty:
        yield f"{name}: it has no value in some file or period, so `empty: true` allows that"
    if ROW_NUMBERS.fullmatch(given_name) and column.role in ("id", "unused"):
        is_numbers = "row numbers" if column.type == "integer" else "it has no name of its own"
        yield f"{name}: {is_numbers}, so its role is {column.role}"
    elif column.role == "unused":
        yield f"{name}: unused, as it has {_reason(given, values)}"
    if counts := decisions.missing.get(given_name):
        found = " and ".join(f"{text!r} in {count:,} cells" for text, count in sorted(counts.items()))
        is_category = column.type == "string" and column.values
        yield f"{name}: {found} means missing" + ("; if it is a value, add it to `values`" if is_category else "")
    if (padded := decisions.zeros.get(given_name)) and column.type == "integer":
        yield f"{name}: {padded!r} is the number {int(padded)}; if the zeros matter, its type is string"
    if column.format:
        yield f"{name}: times are written as {column.format}"
    if column.timezone:
        yield f"{name}: local time of {column.timezone}, to which times with an offset are converted"
    if column.values and column.type == "string":
        yield from _texts(name, [str(value) for value in column.values], given)


def _texts(name: str, texts: list[str], given: pa.ChunkedArray) -> Iterator[str]:
    if odd := [text for text in texts if text.strip() in LIKE_MISSING]:
        yield f"{name}: {_listed(odd)} is a value; if it means missing, leave these cells empty at the source"
    if blanks := [text for text in texts if text != text.strip()]:
        yield f"{name}: blanks at an end of {_listed(blanks)} belong to the value"
    if mostly := _mostly_numbers(given):
        yield f"{name}: text, as {mostly}"


def _reason(given: pa.ChunkedArray, values: pa.ChunkedArray) -> str:
    if values.null_count == len(values):
        return "no value"
    if len(formats := date_formats(given)) > 1:
        return f"dates that may be {' or '.join(formats)}: give it type timestamp and a `format`"
    return _mostly_numbers(given) or f"{len(pc.unique(values.drop_null())):,} different texts"


def _mostly_numbers(given: pa.ChunkedArray) -> str | None:
    """Why a column of text is none of numbers, if at least half of its cells are."""
    if not pa.types.is_string(given.type):
        return None
    present = given.drop_null()
    numbers = pc.match_substring_regex(present, NUMBER)
    count = pc.sum(numbers).as_py() or 0
    if 2 * count < len(present) or not count:
        return None
    others = present.filter(pc.invert(numbers))
    if not len(others):
        return f"numbers in another form than a plain one, such as {present[0].as_py()!r}"
    found = _listed(pc.unique(others).slice(0, LISTED + 1).to_pylist())
    return f"{found} in {len(others):,} of {len(present):,} cells; all others are numbers"


def _listed(texts: list[str]) -> str:
    first = ", ".join(repr(text[:30]) for text in texts[:LISTED])
    return first + (", …" if len(texts) > LISTED else "")
