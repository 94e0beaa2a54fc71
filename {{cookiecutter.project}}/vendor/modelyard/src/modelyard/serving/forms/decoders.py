"""Types generated from a contract, with which msgspec decodes and checks a body in one pass."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.limits import EXACT
from .ids import LARGEST, id_columns


class Decoders(NamedTuple):
    """Decoders for the three forms of a body: `row`, `rows` (with a field `rows`) and `columns` (a field `columns`)."""

    row: msgspec.json.Decoder[Any]
    rows: msgspec.json.Decoder[Any]
    columns: msgspec.json.Decoder[Any]


def are_fields(names: Iterable[str]) -> bool:
    """Whether msgspec allows these names for fields."""
    return not any(sign in name for name in names for sign in ('"', "\\"))


def decoders(contract: Contract) -> Decoders | None:
    """Decoders for the three forms; None if a column has a name that msgspec does not allow for a field.

    Fields are named f0, f1, ... in the order of the contract, because a column may have any name. A column that is
    neither an input nor an id is allowed and ignored.
    """
    if not are_fields(contract.columns):
        return None
    typed = {**contract.inputs, **id_columns(contract)}
    types = {name: _typed(column) if name in typed else Any for name, column in contract.columns.items()}
    rename = {f"f{place}": name for place, name in enumerate(contract.columns)}
    settings: dict[str, Any] = {"rename": rename, "forbid_unknown_fields": True, "omit_defaults": True, "gc": False}

    def fields(shape: Any) -> list[Any]:
        definitions: list[Any] = []
        for place, (name, kind) in enumerate(types.items()):
            if name not in typed:
                definitions.append((f"f{place}", shape(Any) | None, None))
            elif typed[name].missing:
                definitions.append((f"f{place}", shape(kind | None) | None, None))
            else:
                definitions.append((f"f{place}", shape(kind)))
        return definitions

    row = msgspec.defstruct("Row", fields(lambda kind: kind), kw_only=True, **settings)
    columns = msgspec.defstruct("Columns", fields(_list_of), kw_only=True, **settings)
    rows_body = msgspec.defstruct("RowsBody", [("rows", _list_of(row))], forbid_unknown_fields=True)
    columns_body = msgspec.defstruct("ColumnsBody", [("columns", columns)], forbid_unknown_fields=True)
    return Decoders(*map(msgspec.json.Decoder, (row, rows_body, columns_body)))


def _typed(column: Column) -> Any:
    """The type of a present value. It accepts no value that the contract refuses."""
    if column.values is not None and not column.other:
        return Literal[tuple(column.values)]
    if column.type == "integer":
        low, high = column.bounds
        return Annotated[int, msgspec.Meta(ge=math.ceil(max(low, -LARGEST)), le=math.floor(min(high, LARGEST)))]
    if column.type == "number":
        low, high = column.bounds  # a larger number may be a whole one that is rounded: `rows.encode` sees which it is
        return Annotated[float, msgspec.Meta(ge=max(low, 1 - EXACT), le=min(high, EXACT - 1))]
    return bool if column.type == "boolean" else str


def _list_of(kind: Any) -> Any:
    return list[kind]
