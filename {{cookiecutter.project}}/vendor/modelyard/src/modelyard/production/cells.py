"""The cells into which inputs and scores are counted: the bins or categories of a bundle's reference, and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..reporting.engine import quoted, text
from ..runtime.column import OTHER, Column
from .known import KnownBundle
from .layout import input_column, score_columns

MISSING, BELOW, ABOVE = "missing", "below", "above"
PRESENT = "present"  # of an input that is not compared, such as a time, which always moves on
VALUE = "="  # begins the cell of a category, so that none can be one of those above

Counts = Mapping[str, int]


def bin_name(number: int) -> str:
    """The cell of a bin; the first is 1."""
    return f"bin {number}"


def numeric_cells(edges: Sequence[float]) -> list[str]:
    """The cells of a quantity, in order."""
    return [MISSING, BELOW, *(bin_name(number + 1) for number in range(max(len(edges) - 1, 1))), ABOVE]


def input_cell(name: str, column: Column, known: KnownBundle) -> str:
    """The SQL expression of an input's cell."""
    place = quoted(input_column(name))
    if column.values is not None:
        others = ""
        if column.other:
            listed = ", ".join(map(sql_text, column.values))
            others = f"WHEN {place}::VARCHAR NOT IN ({listed}) THEN '{VALUE}{OTHER}' "
        return f"CASE WHEN {place} IS NULL THEN '{MISSING}' {others}ELSE '{VALUE}' || {place}::VARCHAR END"
    edges = known.reference.get(name, {}).get("edges", [])
    if column.type == "timestamp" or not edges:
        return f"CASE WHEN {place} IS NULL THEN '{MISSING}' ELSE '{PRESENT}' END"
    return numeric_cell(f"{place}::DOUBLE", edges)


def score_value(known: KnownBundle) -> str:
    """The SQL expression of what is compared of the scores: of several classes, the highest probability."""
    columns = [quoted(name) for name in score_columns(known.contract)]
    return columns[0] if len(columns) == 1 else f"greatest({', '.join(columns)})"


def numeric_cell(value: str, edges: Sequence[float]) -> str:
    """The SQL expression of a quantity's cell: a bin includes its lower edge, and the last one both."""
    last = len(edges) - 1
    steps = [f"WHEN {value} < {_number(edges[0])} THEN '{BELOW}'"]
    steps += [f"WHEN {value} < {_number(edge)} THEN '{bin_name(place + 1)}'" for place, edge in enumerate(edges[1:-1])]
    steps.append(f"WHEN {value} <= {_number(edges[-1])} THEN '{bin_name(max(last, 1))}'")
    return f"CASE WHEN {value} IS NULL OR isnan({value}) THEN '{MISSING}' {' '.join(steps)} ELSE '{ABOVE}' END"


def cell_words(cell: str, edges: Sequence[float], unit: str | None) -> str:
    """A cell as a person reads it: a range, a category, or `missing values`. edges: those of the bins, if it is one."""
    after = f" {unit}" if unit else ""
    if cell == MISSING:
        return "missing values"
    if cell == BELOW:
        return f"below {edges[0]:.5g}{after}"
    if cell == ABOVE:
        return f"above {edges[-1]:.5g}{after}"
    if not edges:
        return cell.removeprefix(VALUE)
    place = int(cell.removeprefix(bin_name(0)[:-1])) - 1
    return f"{edges[place]:.5g} to {edges[min(place + 1, len(edges) - 1)]:.5g}{after}"


def reference_shares(column: Column, reference: Mapping[str, Any]) -> dict[str, float] | None:
    """The share of each cell in training, missing values included; None for an input that is not compared."""
    missing = float(reference.get("missing", 0.0))
    if column.values is not None:
        shares = {VALUE + written(value): reference["values"].get(str(value), 0.0) for value in column.labels}
    elif column.type == "timestamp" or not reference.get("edges"):
        return None
    else:
        shares = {BELOW: 0.0, ABOVE: 0.0}
        shares |= {bin_name(place + 1): share for place, share in enumerate(reference["shares"])}
    return {MISSING: missing} | {cell: (1 - missing) * share for cell, share in shares.items()}


def written(value: Any) -> str:
    """A category or class as text, as duckdb writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def sql_text(value: Any) -> str:
    """A category or class as text in SQL."""
    return text(written(value))


def _number(value: float) -> str:
    return f"{value!r}::DOUBLE"
