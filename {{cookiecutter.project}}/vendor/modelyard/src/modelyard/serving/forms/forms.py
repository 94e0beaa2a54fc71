"""The bodies that clients send, turned into the columns of `features`.

There are three: one row as an object, `{"rows": [...]}` and `{"columns": {name: [...]}}`. With types generated from the
contract, msgspec decodes and checks a body in one pass. A body that msgspec refuses is checked again by `rows.encode`,
which decides: it accepts a little more (a whole number written as 5.0) and reports everything that is wrong. Both ways
give the same columns; a test compares them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Literal

import msgspec
import numpy as np

from ...runtime.contract import Contract
from ...runtime.matrix import Columns
from ...runtime.rows import Problem, RowsRefused, encode, encode_values
from ...runtime.written import with_numbers
from ..refusal import LISTED, NO_ROW, Refusal, broken_rules
from .decoders import decoders
from .ids import IdReader, Ids
from .json_text import loads
from .one_row import OneRow
from .size import SMALL, check_size

BLOCK = 1000  # rows that are checked value by value before it is looked whether there are problems enough
LARGE_BLOCK = 8192  # rows that are transposed at once, which takes as much memory again as these


@dataclass(frozen=True, slots=True)
class ParsedRows:
    """The rows of a body: its form, the number of rows, their encoded columns, and the rows, with numbers for texts.

    rows: one object for each row (a msgspec.Struct or a mapping), or None if they were sent as `raw_columns`. Both are
    without ids. ids: those that were sent.
    """

    form: Literal["row", "rows", "columns"]
    count: int
    columns: Columns
    rows: Sequence[Any] | None
    raw_columns: Mapping[str, Sequence[Any]] | None = None
    ids: Ids | None = None

    @property
    def inputs(self) -> Sequence[Any] | Mapping[str, Sequence[Any]]:
        """The rows or columns as they were sent, for the prediction log."""
        return self.rows if self.rows is not None else self.raw_columns or {}

    def values(self, name: str) -> list[Any]:
        """The value of each row in a column of the contract; None for a row without one."""
        if self.ids and name in self.ids:
            return list(self.ids[name])
        if self.rows is None:
            return list((self.raw_columns or {}).get(name) or [None] * self.count)
        if self.rows and isinstance(self.rows[0], msgspec.Struct):
            field = next(
                candidate.name for candidate in msgspec.structs.fields(self.rows[0]) if candidate.encode_name == name
            )
            return [getattr(row, field) for row in self.rows]
        return [row.get(name) for row in self.rows]


class Forms:
    """Reads bodies of at most `limit` rows by one contract."""

    def __init__(self, contract: Contract, limit: int) -> None:
        self.contract = contract
        self.limit = limit
        self._names = list(contract.columns)
        self._inputs = [(self._names.index(name), name, column) for name, column in contract.inputs.items()]
        self._single_row = OneRow(contract)
        self._decoders = decoders(contract)
        self._ids = IdReader(contract)
        self._written = {name: (one.format, one.unit) for name, one in contract.inputs.items() if one.is_written}

    def read(self, body: bytes) -> ParsedRows:
        """The rows of a body.

        Raises Refusal with status 400 if it is not JSON, 422 if it has another form or breaks the contract, and 413 if
        it has too many rows.
        """
        check_size(body, self.contract, self.limit)
        try:
            return self._quickly(body)
        except (msgspec.MsgspecError, ValueError, OverflowError, KeyError, RecursionError):
            return self.take(loads(body))

    def read_instances(self, body: bytes) -> ParsedRows:
        """Like `read`, for rows as KServe's first protocol has them: `{"instances": [...]}`."""
        content = loads(body)
        rows = content.get("instances") if isinstance(content, dict) else None
        if not isinstance(rows, list):
            raise Refusal(422, "no instances", 'the body must be {"instances": [...]} with one object for each row')
        return self.take({"rows": rows})

    def _quickly(self, body: bytes) -> ParsedRows:
        if (decoders := self._decoders) is None:
            raise msgspec.ValidationError("a column has a name that no field may have")
        start = body[:16].lstrip()
        if start.startswith(b'{"rows"'):
            rows = decoders.rows.decode(body).rows
            self._check_count(len(rows))
            return ParsedRows("rows", len(rows), self.columns_of(rows), rows, None, self._ids.take_rows(rows))
        if start.startswith(b'{"columns"'):
            return self.take_columns(decoders.columns.decode(body).columns)
        row = decoders.row.decode(body)
        return ParsedRows("row", 1, self._single_row.fill(row), (row,), None, self._ids.take_row(row))

    def decode_row(self, body: bytes) -> tuple[msgspec.Struct, Ids | None] | None:
        """The row of a small body of one row, and its ids; None if only `read` can tell what the body is."""
        if self._decoders is None or len(body) > SMALL or body[:16].lstrip().startswith((b'{"rows"', b'{"columns"')):
            return None
        try:
            row = self._decoders.row.decode(body)
            return row, self._ids.take_row(row)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None

    def columns_of(self, rows: Sequence[msgspec.Struct]) -> Columns:
        """The columns of decoded rows. Raises ValueError, OverflowError or KeyError if `read` refuses one of them."""
        blocks, width = [], len(self._names)
        for start in range(0, len(rows) or 1, LARGE_BLOCK):
            # slices of all values, one row after the other, take two thirds of the time of `zip`
            values = list(chain.from_iterable(map(msgspec.structs.astuple, rows[start : start + LARGE_BLOCK])))
            blocks.append({name: encode_values(values[place::width], column) for place, name, column in self._inputs})
        return _joined(blocks)

    def convert(self, columns: Mapping[str, Sequence[Any]]) -> ParsedRows:
        """Like `read`, for columns that are already decoded."""
        if self._decoders is None:
            return self.take({"columns": columns})
        try:
            return self.take_columns(msgspec.convert({"columns": columns}, self._decoders.columns.type).columns)
        except (msgspec.MsgspecError, ValueError, OverflowError, KeyError):
            return self.take({"columns": columns})

    def take_columns(self, decoded: Any) -> ParsedRows:
        """The rows of a decoded struct, whose values are known to follow the contract."""
        named_values = zip(self._names, msgspec.structs.astuple(decoded), strict=True)
        present = {name: values for name, values in named_values if values is not None}
        (count,) = {len(values) for values in present.values()} or {0}
        self._check_count(count)
        columns = {name: encode_values(present.get(name) or [None] * count, column) for _, name, column in self._inputs}
        ids = self._ids.take_columns(present)
        return ParsedRows("columns", count, columns, None, present, ids)

    def take(self, body: Any) -> ParsedRows:
        """The rows of a decoded body, checked value by value, so that everything that is wrong is reported."""
        if not isinstance(body, dict):
            raise Refusal(422, "no row", 'the body must be one row as an object, {"rows": [...]} or {"columns": {...}}')
        form: Literal["row", "rows", "columns"] = "row"
        rows: Any = [body]
        if isinstance(body.get("rows"), list):
            form, rows = "rows", body["rows"]
        elif isinstance(body.get("columns"), dict):
            form, rows = "columns", self._rows_of(body["columns"])
        if form != "row" and len(body) > 1:
            extra = (name for name in body if name != form)
            raise broken_rules(Problem(NO_ROW, name, body[name], f"stands beside {form!r}") for name in extra)
        self._check_count(len(rows))
        if wrong := [(index, row) for index, row in enumerate(rows) if not isinstance(row, dict)]:
            raise broken_rules(Problem(index, "", row, "must be an object") for index, row in wrong)
        columns = self._encode(rows)
        rows = [with_numbers(row, self._written) for row in rows] if self._written else rows
        rows, ids = self._ids.take_mappings(rows)
        return ParsedRows(form, len(rows), columns, rows, None, ids)

    def _encode(self, rows: list[dict[str, Any]]) -> Columns:
        """The columns of rows. Raises Refusal with the problems, of which no more than LISTED are looked for."""
        problems: list[Problem] = []
        blocks: list[Columns] = []
        for start in range(0, len(rows) or 1, BLOCK):
            block = rows[start : start + BLOCK]
            found = self._ids.problems(block, LISTED + 1)
            try:
                blocks.append(encode(block, self.contract, LISTED + 1))
            except RowsRefused as refused:
                found = sorted([*refused.problems, *found], key=lambda problem: problem.row)
            problems += [dataclasses.replace(one, row=one.row + start) for one in found]
            if len(problems) > LISTED:
                break
        if problems:
            raise broken_rules(problems)
        return _joined(blocks)

    def _rows_of(self, columns: dict[str, Any]) -> list[dict[str, Any]]:
        unknown = (name for name in columns if name not in self.contract.columns)
        problems = [
            Problem(NO_ROW, name, values, "must be an array: the column's value in each row")
            for name, values in islice(columns.items(), LISTED)
            if not isinstance(values, list)
        ]
        problems += [
            Problem(NO_ROW, name, None, "must be there")
            for name, column in self.contract.inputs.items()
            if not column.missing and name not in columns
        ]
        problems += [Problem(NO_ROW, name, None, "no such column in the contract") for name in islice(unknown, LISTED)]
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
        if count > self.limit:
            raise Refusal(413, "too many rows", f"{count} rows; one request may have {self.limit}: send them in parts")


def _joined(blocks: Sequence[Columns]) -> Columns:
    """The columns of blocks of rows as one."""
    if len(blocks) == 1:
        return blocks[0]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
