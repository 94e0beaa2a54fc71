"""The bodies that clients send, turned into the columns of `features`.

There are three: one row as an object, `{"rows": [...]}` and `{"columns": {name: [...]}}`. Types made from the contract
let msgspec decode and check a body in one go. What it does not take is looked at again by `rows.encode`, which is the
contract's word: it takes some more (a whole number written as 5.0) and names everything that is wrong. So a body that
is taken quickly has the same columns as one that is taken slowly; a test compares them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np

from ...runtime.contract import Column, Contract
from ...runtime.matrix import Columns
from ...runtime.rows import Problem, RowsRefused, codes, encode, encode_values, timestamp
from .decoders import decoders
from ..refusal import NO_ROW, Refusal, broken_rules

DTYPES = {"timestamp": "datetime64[us]"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks: its form, how many rows, their columns, and the rows as they came.

    rows: one object for each row (a msgspec.Struct or a mapping), or None where they came as `given` columns.
    """

    form: Literal["row", "rows", "columns"]
    count: int
    columns: Columns
    rows: Sequence[Any] | None
    given: Mapping[str, Sequence[Any]] | None = None

    @property
    def inputs(self) -> Sequence[Any] | Mapping[str, Sequence[Any]]:
        """What came, as the prediction log takes it."""
        return self.rows if self.rows is not None else self.given or {}

    def values(self, name: str) -> list[Any]:
        """The value that each row has in a column of the contract, None where it has none."""
        if self.rows is None:
            return list((self.given or {}).get(name) or [None] * self.count)
        if self.rows and isinstance(self.rows[0], msgspec.Struct):
            field = next(one.name for one in msgspec.structs.fields(self.rows[0]) if one.encode_name == name)
            return [getattr(row, field) for row in self.rows]
        return [row.get(name) for row in self.rows]


class Forms:
    """Reads bodies by one contract; at most `limit` rows in one."""

    def __init__(self, contract: Contract, limit: int) -> None:
        self.contract = contract
        self._limit = limit
        self._names = list(contract.columns)
        self._inputs = [(self._names.index(name), name, column) for name, column in contract.inputs.items()]
        self._one = OneRow(contract)
        self._decoders = decoders(contract)

    def read(self, body: bytes) -> Asked:
        """What the body asks.

        Raises Refusal with status 400 where it is no JSON, 422 where it has another form or breaks the contract, and
        413 where it has too many rows.
        """
        try:
            return self._quickly(body)
        except (msgspec.MsgspecError, ValueError, OverflowError, KeyError, RecursionError):
            return self.take(loads(body))

    def _quickly(self, body: bytes) -> Asked:
        start = body[:16].lstrip()
        if start.startswith(b'{"rows"'):
            rows = self._decoders.rows.decode(body).rows
            self._check_count(len(rows))
            by_column = list(zip(*map(msgspec.structs.astuple, rows), strict=True)) or [()] * len(self._names)
            columns = {name: encode_values(by_column[place], column) for place, name, column in self._inputs}
            return Asked("rows", len(rows), columns, rows)
        if start.startswith(b'{"columns"'):
            return self.take_columns(self._decoders.columns.decode(body).columns)
        row = self._decoders.row.decode(body)
        return Asked("row", 1, self._one.fill(row), (row,))

    def convert(self, given: Mapping[str, Sequence[Any]]) -> Asked:
        """The same for columns that are decoded already."""
        try:
            return self.take_columns(msgspec.convert({"columns": given}, self._decoders.columns.type).columns)
        except (msgspec.MsgspecError, ValueError, OverflowError, KeyError):
            return self.take({"columns": given})

    def take_columns(self, made: Any) -> Asked:
        """The columns of a struct whose values are known to keep the contract."""
        every = zip(self._names, msgspec.structs.astuple(made), strict=True)
        given = {name: values for name, values in every if values is not None}
        (count,) = {len(values) for values in given.values()} or {0}
        self._check_count(count)
        columns = {name: encode_values(given.get(name) or [None] * count, column) for _, name, column in self._inputs}
        return Asked("columns", count, columns, None, given)

    def take(self, body: Any) -> Asked:
        """What a decoded body asks, value by value; this finds everything that is wrong."""
        if not isinstance(body, dict):
            raise Refusal(422, "no row", 'the body must be one row as an object, {"rows": [...]} or {"columns": {...}}')
        form: Literal["row", "rows", "columns"] = "row"
        rows: Any = [body]
        if isinstance(body.get("rows"), list):
            form, rows = "rows", body["rows"]
        elif isinstance(body.get("columns"), dict):
            form, rows = "columns", self._rows_of(body["columns"])
        if form != "row" and len(body) > 1:
            others = [name for name in body if name != form]
            raise broken_rules([Problem(NO_ROW, name, body[name], f"stands beside {form!r}") for name in others])
        self._check_count(len(rows))
        if wrong := [(index, row) for index, row in enumerate(rows) if not isinstance(row, dict)]:
            raise broken_rules([Problem(index, "", row, "must be an object") for index, row in wrong])
        try:
            columns = encode(rows, self.contract)
        except RowsRefused as refused:
            raise broken_rules(refused.problems) from None
        return Asked(form, len(rows), columns, rows)

    def _rows_of(self, columns: dict[str, Any]) -> list[dict[str, Any]]:
        problems = [
            Problem(NO_ROW, name, values, "must be an array: the column's value in each row")
            for name, values in columns.items()
            if not isinstance(values, list)
        ]
        problems += [
            Problem(NO_ROW, name, None, "must be there")
            for name, column in self.contract.inputs.items()
            if not column.missing and name not in columns
        ]
        problems += [
            Problem(NO_ROW, name, None, "no such column in the contract")
            for name in columns
            if name not in self.contract.columns
        ]
        if problems:
            raise broken_rules(problems)
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise broken_rules(
                [
                    Problem(NO_ROW, name, length, "all columns must have as many values")
                    for name, length in lengths.items()
                ]
            )
        self._check_count(next(iter(lengths.values()), 0))
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _check_count(self, count: int) -> None:
        if count > self._limit:
            raise Refusal(413, "too many rows", f"{count} rows; one request may have {self._limit}: send them in parts")


class OneRow:
    """Writes single rows into the same arrays again and again: to make them anew would cost more than all the rest.

    What `fill` gives is good until it is called again.
    """

    def __init__(self, contract: Contract) -> None:
        self._columns = {name: np.empty(1, dtype=_dtype(column)) for name, column in contract.inputs.items()}
        places = {name: place for place, name in enumerate(contract.columns)}
        self._plan = [
            (self._columns[name], places[name], column, codes(column.values) if column.values is not None else None)
            for name, column in contract.inputs.items()
        ]

    def fill(self, row: msgspec.Struct) -> Columns:
        """The columns of one row that is known to keep the contract: what `encode_values` gives for each."""
        values = msgspec.structs.astuple(row)
        for array, place, column, code in self._plan:
            value = values[place]
            if code is not None:
                array[0] = code[value]
            elif column.type == "timestamp":
                array[0] = timestamp(value, column)
            else:
                array[0] = math.nan if value is None else value
        return self._columns


def loads(body: bytes) -> Any:
    """The JSON of a body. Raises Refusal with status 400 that says where it is none."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise Refusal(400, "no JSON", f"the body is not UTF-8: byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refusal(400, "no JSON", f"the body is no JSON: {where}: {error.msg}") from None
    except RecursionError:
        raise Refusal(400, "no JSON", "the body is nested too deep") from None


def _no_constant(name: str) -> None:
    raise Refusal(400, "no JSON", f"the body is no JSON: it has no {name}; leave a missing value out, or send null")


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else math.inf


def _dtype(column: Column) -> str:
    return "int64" if column.values is not None else DTYPES.get(column.type, "float64")
