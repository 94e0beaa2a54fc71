"""Corrections applied to the rows of a period: the given label of a row is replaced, if the source still has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...runtime.contract import Contract
from ..data.ledger import Corrected, LedgerEntry
from ..data.periods import WHOLE
from .corrections import Key, ReviewedRow, Reviews, refused, told_row
from .written_labels import is_same, shown

SEPARATOR = "\x1f"


def keys_of(table: pa.Table, contract: Contract) -> pa.Array:
    """The ids of each row as one text, shape (n,)."""
    parts = [table[name].cast(pa.string()).combine_chunks() for name in contract.named("id")]
    return pc.binary_join_element_wise(*parts, SEPARATOR)


def places_of(table: pa.Table, keys: Sequence[Key], contract: Contract) -> list[int | None]:
    """The place in the table of the row with each of these ids; None if there is none."""
    wanted = pa.array([SEPARATOR.join(key) for key in keys], pa.string())
    return pc.index_in(wanted, keys_of(table, contract)).to_pylist()


def correct(table: pa.Table, rows: Sequence[ReviewedRow], contract: Contract) -> pa.Table:
    """A period's rows as the source has them, with the labels that were decided for these of them.

    Raises ContractError if the source does not have a row, or not the label that was given when it was reviewed.
    """
    places = _checked(table, rows, contract, by="given")
    changed = {place: row.label for place, row in zip(places, rows, strict=True) if row.is_changed}
    mask = np.zeros(table.num_rows, bool)
    mask[list(changed)] = True
    name = contract.target
    column = table[name].combine_chunks()
    labels = pa.array([changed[place] for place in sorted(changed)], column.type)
    replaced = pc.replace_with_mask(column, pa.array(mask), labels)
    return table.set_column(table.column_names.index(name), name, replaced)


def check_corrected(table: pa.Table, rows: Sequence[ReviewedRow], contract: Contract) -> None:
    """Check that a period's rows, of which ids and target are needed, have the labels that were decided.

    Raises ContractError if one is not there, or has another label.
    """
    _checked(table, rows, contract, by="label")


def check_periods(reviews: Reviews, taken: Mapping[str, Any]) -> None:
    """Raise ContractError if a row is said to be of a period that was not taken."""
    there = f"{min(taken)} to {max(taken)}" if taken else "none"
    faults = [
        f"{row.lines[0].place}, period: {row.period!r} is none of the periods taken ({there}); write the row's period "
        "as the review had it, or remove the line"
        for row in reviews.rows
        if row.period not in taken
    ]
    if faults:
        raise refused(faults)


def corrected_entry(entry: LedgerEntry, source: LedgerEntry, period: str, reviews: Reviews) -> LedgerEntry:
    """The ledger's entry of a period whose labels were corrected; source: its entry before."""
    digest = reviews.sha256(period)
    if digest is None:
        return entry
    return LedgerEntry(entry.rows, entry.sha256, Corrected(len(reviews.changed(period)), digest, source.sha256))


def reviewed_among(table: pa.Table, rows: Sequence[ReviewedRow], contract: Contract) -> NDArray[np.bool_]:
    """Which of the reviewed rows are in a table, shape (len(rows),)."""
    return np.array([place is not None for place in places_of(table, [row.key for row in rows], contract)], bool)


def _checked(table: pa.Table, rows: Sequence[ReviewedRow], contract: Contract, by: str) -> list[int]:
    """The place of each reviewed row, whose label must be the one that was given, or the one that was decided."""
    ids, name = list(contract.named("id")), contract.target
    faults, places = [], []
    for row, place in zip(rows, places_of(table, [row.key for row in rows], contract), strict=True):
        where = row.lines[0].place
        if place is None:
            of = "" if row.period == WHOLE else f" in {row.period}"
            faults.append(
                f"{where}, {ids[0]}: there is no row {told_row(row.key, ids)}{of}; write its ids as the review had "
                "them, or remove the line"
            )
            continue
        places.append(place)
        found = table[name][place].as_py()
        if not is_same(found, getattr(row, by)):
            faults.append(
                f"{where}, given: the review was of {name} {shown(row.given)}, and the source has {shown(found)} now; "
                "review the row again (`make labels-review`), or remove the line"
            )
    if faults:
        raise refused(faults)
    return places
