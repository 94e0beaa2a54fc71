"""Five years: as it was, and with a fault in one month. The truth about the rows is the same in all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from .datasets import DataSet

Change = Callable[[DataSet, pa.Table], pa.Table]


@dataclass(frozen=True)
class Year:
    """One way in which a year goes.

    spoil: what the feed makes of the rows of the broken month. is_served: whether the rows that the service is asked
    come from that feed too.
    """

    name: str
    title: str
    spoil: Change | None = None
    is_served: bool = False

    def delivered(self, data: DataSet, month: str) -> pa.Table:
        """The rows of a month as the source has them when the month is over."""
        return self.spoil(data, data.truth[month]) if self.is_broken(data, month) else data.truth[month]

    def asked(self, data: DataSet, month: str) -> pa.Table:
        """The rows that the service is asked in that month; their target is the truth."""
        true = data.truth[month]
        if not (self.is_served and self.is_broken(data, month)):
            return true
        return _put(self.spoil(data, true), data.contract.target, true[data.contract.target])

    def is_broken(self, data: DataSet, month: str) -> bool:
        """Whether something is wrong with that month."""
        return self.spoil is not None and month == data.broken


def labels_false(data: DataSet, table: pa.Table) -> pa.Table:
    """Every label is the same: false, or 0 where a number is predicted."""
    name = data.contract.target
    none = pa.scalar(False if data.contract.kind == "binary" else 0, table.schema.field(name).type)
    return _put(table, name, pc.if_else(table[name].is_valid(), none, table[name]))


def another_unit(data: DataSet, table: pa.Table) -> pa.Table:
    """Degrees Celsius, where the contract says Fahrenheit."""
    for name in data.degrees:
        table = _put(table, name, pc.multiply(pc.subtract(table[name], 32.0), 5 / 9))
    return table


def cut_off(data: DataSet, table: pa.Table) -> pa.Table:
    """The first half of the rows."""
    assert data.contract.time
    return table.sort_by(data.contract.time).slice(0, table.num_rows // 2)


def category_renamed(data: DataSet, table: pa.Table) -> pa.Table:
    """One category under the name of another, which the contract allows."""
    name, old, new = data.renamed
    return _put(table, name, pc.if_else(pc.equal(table[name], old), new, table[name]))


def _put(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


YEARS = {
    year.name: year
    for year in (
        Year("as-it-was", "as it was"),
        Year("labels-false", "all labels of a month false", labels_false),
        Year("another-unit", "a unit changed in a feed for a month", another_unit, is_served=True),
        Year("cut-off", "a month cut off in the middle", cut_off),
        Year("renamed", "a category renamed for a month", category_renamed, is_served=True),
    )
}
