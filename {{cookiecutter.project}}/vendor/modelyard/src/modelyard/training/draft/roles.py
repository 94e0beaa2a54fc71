"""The roles of a table's columns that a person chose."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ...errors import ContractError
from .unknown import no_such_column


@dataclass(frozen=True)
class Roles:
    """The roles that a person chose, the timezone, formats as COLUMN=FORMAT, the purposes of personal data, and the
    columns that are none; None is guessed. is_again: no time is guessed, as the contract before says which it is.
    is_quantity: the target is a number, though it has few different ones.
    """

    target: str | None = None
    time: str | None = None
    ids: Sequence[str] | None = None
    timezone: str | None = None
    formats: Sequence[str] = ()
    purposes: Mapping[str, str] = field(default_factory=dict)
    not_personal: Sequence[str] = ()
    is_again: bool = False
    group: str | None = None
    is_quantity: bool = False

    def found(self, table: pa.Table) -> Roles:
        """The roles with the columns' names as the table has them: blanks at their ends need not be given.

        Raises ContractError if a chosen column does not exist.
        """

        def find(name: str | None) -> str | None:
            names = [column for column in table.column_names if column.strip() == (name or "").strip()]
            if not name or name in table.column_names:
                return name
            if len(names) != 1:
                raise no_such_column(name, table.column_names)
            return names[0]

        if unknown := [name for name in (*self.purposes, *self.not_personal) if name not in table.column_names]:
            find(unknown[0])
            raise ContractError(f"the source has no column {unknown[0]!r}, with just these blanks")
        ids = None if self.ids is None else [find(name) or name for name in self.ids]
        target, time, group = map(find, (self.target, self.time, self.group))
        found = dataclasses.replace(self, target=target, time=time, group=group, ids=ids)
        given = [name for name in (target, time, group, *(ids or ())) if name]
        if twice := [name for name in given if given.count(name) > 1]:
            raise ContractError(
                f"the column {twice[0]!r} is given two roles of target, time, id and group; a column has one"
            )
        return found
