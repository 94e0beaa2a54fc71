"""The ids in a body: they go to the prediction log, where labels are joined to them, and never into a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.rows import BEYOND, Problem, broken_rule

Ids = Mapping[str, Sequence[Any]]  # for each id that was sent its value in each row, None for a row without it

LARGEST = 2**63 - 1  # of the whole numbers in Parquet
TOO_LARGE = "must be a whole number of at most 64 bits"


def id_columns(contract: Contract) -> dict[str, Column]:
    """The ids as columns of a body: none of them has to be there."""
    return {name: dataclasses.replace(column, missing=True) for name, column in contract.named("id").items()}


class IdReader:
    """Takes the ids out of bodies, so that what is left of a row are its inputs.

    The methods for decoded structs raise ValueError where a value breaks a rule that its type does not have.
    """

    def __init__(self, contract: Contract) -> None:
        self._columns = id_columns(contract)
        places = {name: place for place, name in enumerate(contract.columns)}
        self._fields = [(f"f{places[name]}", name, column) for name, column in self._columns.items()]
        # the type of the others is their only rule
        self._checked = {name for name, column in self._columns.items() if column.type in ("timestamp", "integer")}

    def take_row(self, row: Any) -> Ids | None:
        """The ids of one row."""
        ids = None
        for field, name, column in self._fields:
            value = getattr(row, field)
            if value is not None:
                self._check((value,), name, column)
                setattr(row, field, None)
                ids = {**(ids or {}), name: (value,)}
        return ids

    def take_rows(self, rows: Sequence[Any]) -> Ids | None:
        """The ids of rows."""
        ids: dict[str, Sequence[Any]] = {}
        for field, name, column in self._fields:
            values = list(map(attrgetter(field), rows))
            if values.count(None) < len(values):
                self._check(values, name, column)
                for row in rows:
                    setattr(row, field, None)
                ids[name] = values
        return ids or None

    def take_columns(self, columns: dict[str, Any]) -> Ids | None:
        """The ids of columns."""
        ids = {name: columns.pop(name) for name in self._columns if name in columns}
        for name, values in ids.items():
            self._check(values, name, self._columns[name])
        return ids or None

    def take_mappings(self, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], Ids | None]:
        """The rows without ids, and the ids, after `problems` has found them to be right."""
        if not any(name in row for name in self._columns for row in rows):
            return rows, None
        ids = {name: [row.get(name) for row in rows] for name in self._columns}
        inputs = [{name: value for name, value in row.items() if name not in self._columns} for row in rows]
        return inputs, {name: values for name, values in ids.items() if values.count(None) < len(values)} or None

    def problems(self, rows: Sequence[Mapping[str, Any]], most: int) -> list[Problem]:
        """What is wrong with the ids of rows, up to so many problems."""
        found: list[Problem] = []
        for name, column in self._columns.items():
            for place, row in enumerate(rows):
                value = row.get(name)
                if value is not None and (rule := _broken_rule(value, column)):
                    found.append(Problem(place, name, value, rule))
                    if len(found) >= most:
                        return found
        return found

    def _check(self, values: Sequence[Any], name: str, column: Column) -> None:
        if name in self._checked and any(value is not None and _broken_rule(value, column) for value in values):
            raise ValueError(name)


def _broken_rule(value: Any, column: Column) -> str | None:
    rule = broken_rule(value, column)
    if rule in (None, BEYOND) and column.type == "integer" and not -LARGEST <= value <= LARGEST:
        return TOO_LARGE
    if rule != BEYOND:
        return rule
    low, high = column.bounds  # no model gets an id, so it may be beyond 2^53
    if value < low:
        return f"must be at least {column.minimum}"
    return f"must be at most {column.maximum}" if value > high else None
