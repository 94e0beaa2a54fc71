"""CSV text as a table: in the contract's types, or for a draft in those that its cells seem to have."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ....errors import ContractError
from ....runtime.column import Column
from ....runtime.csv_form import (
    COMMA_NUMBER,
    MAYBE_THOUSANDS,
    MISSING,
    POINT_NUMBER,
    SEPARATORS,
    START,
    WHOLE_NUMBER,
    Form,
    decimal_mark,
    encoding_fault,
    form_of,
)
from ..conform import ARROW, conform
from ..refusal import BrokenRule, DataRefused
from .decisions import Decisions
from .whole_numbers import exact, rounded

# 1.0 is a whole number too, and a time may have a zone; `conform` checks the values
WIDER = {"integer": pa.decimal128(38, 9), "timestamp": pa.string()}
LARGEST_BLOCK = 1 << 30  # bytes parsed at a time: types are inferred from the first block, and no cell may span two

Types = Mapping[str, pa.DataType]


class CsvTable:
    """The content of one CSV file. Raises ContractError, here and in `read`, if it is no CSV text with a header line.

    path: where a command finds the file; None if it is packed or not on this machine. columns: those of the contract;
    without them, types are inferred, and what is decided is added to `decisions`.
    """

    def __init__(
        self, content: bytes, where: str, path: str | None, columns: Mapping[str, Column], decisions: Decisions
    ) -> None:
        self._where, self._columns, self._decisions = where, columns, decisions
        form = form_of(content[:START], where, columns, path)
        try:
            if form.encoding == "utf-8":
                content.decode()
            else:
                content = content.decode(form.encoding).encode()
        except UnicodeError:
            raise encoding_fault(io.BytesIO(content), where, path) from None
        self._first_line = 1
        if form.announced:
            content, self._first_line = content.partition(b"\n")[2], 2
        if not content.strip():
            raise ContractError(f"{where} is empty: a CSV file needs a header line and rows")
        self._content, self._form = content, Form("utf-8", form.separator)
        self._decimal = "."

    def read(self) -> pa.Table:
        """The rows. Raises DataRefused if cells are not of their column's type."""
        if self._content.count(b'"') % 2:
            self._check_records()
        if self._form.separator != ",":
            self._decimal = self._told_decimal()
        return self._named(self._in_types() if self._columns else self._inferred())

    def _in_types(self) -> pa.Table:
        kinds = {name: "string" if column.is_written else column.type for name, column in self._columns.items()}
        types = {name: ARROW[kind] for name, kind in kinds.items()}
        for attempt in (types, {name: WIDER.get(kind, ARROW[kind]) for name, kind in kinds.items()}):
            try:
                table = self._with_missing(self._parse(attempt))
            except pa.ArrowInvalid as error:
                if "CSV column #" not in str(error):
                    raise self._fault() from None
                continue
            if broken := rounded(table, self._columns, self._text):
                raise DataRefused(self._where, broken)
            return table
        raise DataRefused(self._where, self._unreadable(self._with_missing(self._text())))

    def _inferred(self) -> pa.Table:
        try:
            table = self._parse({})
            hours = {cells.name: pa.string() for cells in table.schema if pa.types.is_time(cells.type)}
            table = self._parse(hours) if hours else table  # no contract has a type for a time of day
            table = exact(table, self._text, self._parse)
        except pa.ArrowInvalid:
            raise self._fault() from None
        if all(pa.types.is_string(cells.type) for cells in table.schema):
            alike = [pc.equal(texts, name) for name, texts in zip(table.column_names, table.columns, strict=True)]
            if pc.any(functools.reduce(pc.and_, alike)).as_py():
                raise ContractError(f"{self._where} has its header line among its rows too; leave it out there")
        if re.search(rb"(?<![0-9.])0[0-9]", self._content):
            self._note_zeros(table)
        if self._form.separator != ",":
            self._decisions.forms.add(f"cells separated by {SEPARATORS.get(self._form.separator, 'sep=')}")
        return self._with_missing(table)

    def _parse(self, types: Types) -> pa.Table:
        return _parse(self._content, types, self._form.separator, self._decimal)

    def _text(self) -> pa.Table:
        """All cells as text."""
        try:
            names = next(filter(None, self._form.records(self._lines())))
            return self._parse(dict.fromkeys(names, pa.string()))
        except (pa.ArrowInvalid, csv.Error):
            raise self._fault() from None

    def _with_missing(self, table: pa.Table) -> pa.Table:
        """The table with null in place of the texts that stand for a missing value, unless the contract lists them."""
        for place, cells in enumerate(table.schema):
            if not pa.types.is_string(cells.type):
                continue
            listed = self._columns[cells.name].values if cells.name in self._columns else None
            texts = table.column(place)
            absent = pc.is_in(texts, pa.array(sorted(MISSING - set(listed or ()))))
            if not pc.any(absent).as_py():
                continue
            counts = Counter({
                pair["values"]: pair["counts"] for pair in pc.value_counts(texts.filter(absent)).to_pylist()
            })  # fmt: skip
            del counts[""]
            if counts:
                self._decisions.missing.setdefault(cells.name, Counter()).update(counts)
            table = table.set_column(place, cells, pc.if_else(absent, pa.scalar(None, pa.string()), texts))
        return table

    def _named(self, table: pa.Table) -> pa.Table:
        """The table without what spreadsheets add: columns without a name or a value, and empty rows at the end."""
        nameless = [
            place for place, name in enumerate(table.column_names) if not name.strip() and name not in self._columns
        ]
        filled = [place for place in nameless if table.column(place).null_count < table.num_rows]
        if len(filled) > 1:
            places = ", ".join(str(place + 1) for place in filled)
            raise ContractError(f"{self._where}: columns {places} have values and no name; name them in the header")
        table = table.select([place for place in range(table.num_columns) if place not in set(nameless) - set(filled)])
        rows = table.num_rows
        while rows and not any(cells[rows - 1].is_valid for cells in table.columns):
            rows -= 1
        return table.slice(0, rows)

    def _told_decimal(self) -> str:
        commas: list[str] = []
        points: list[str] = []
        certain, table = False, self._text()
        numbers = [name for name, column in self._columns.items() if column.is_number and not column.is_written]
        for name, texts in zip(table.column_names, table.columns, strict=True):
            if self._columns and name not in numbers:
                continue
            present = texts.filter(pc.invert(pc.is_in(texts, pa.array(sorted(MISSING)))))
            comma, point = (present.filter(_fits(present, shape)) for shape in (COMMA_NUMBER, POINT_NUMBER))
            whole = pc.sum(_fits(present, WHOLE_NUMBER)).as_py() or 0
            # without a contract, a column in which other texts occur is no number
            if len(comma) and (self._columns or len(comma) + whole == len(present)):
                sure = comma.filter(pc.invert(_fits(comma, MAYBE_THOUSANDS)))
                commas += [*sure.slice(0, 1).to_pylist(), *comma.slice(0, 1).to_pylist()]
                certain = certain or len(sure) > 0
            if len(point) and (self._columns or len(point) + whole == len(present)):
                points.append(point[0].as_py())
        if certain and not self._columns:
            points = []  # as text: 12.30 may be a time, or a version
        mark = decimal_mark(commas, points, self._form.separator, self._where)
        if shown := commas if mark == "," else points:
            name = "comma" if mark == "," else "point"
            self._decisions.forms.add(f"numbers with a decimal {name}, such as {shown[0]!r}")
        return mark

    def _note_zeros(self, table: pa.Table) -> None:
        text = self._text()
        for place, cells in enumerate(table.schema):
            if pa.types.is_integer(cells.type):
                texts = text.column(place)
                padded = texts.filter(_fits(texts, r"\s*[+-]?0[0-9]+\s*"))
                if len(padded):
                    self._decisions.zeros.setdefault(cells.name, padded[0].as_py())

    def _unreadable(self, text: pa.Table) -> list[BrokenRule]:
        findings = []
        for name, column in self._columns.items():
            if text.column_names.count(name) != 1 or column.type == "string" or column.is_written:
                continue
            wrong = [value for value in text[name].drop_null().to_pylist() if not self._readable(value, column)]
            if wrong:
                findings.append(BrokenRule(name, f"must be of type {column.type}", len(wrong), tuple(wrong[:3])))
        return findings

    def _readable(self, value: str, column: Column) -> bool:
        kind = WIDER.get(column.type, ARROW[column.type])
        try:
            parsed = _parse(f"x\n{json.dumps(value)}\n".encode(), {"x": kind}, self._form.separator, self._decimal)
        except pa.ArrowInvalid:
            return False
        return not isinstance(conform(parsed["x"], column), BrokenRule)

    def _lines(self) -> Iterable[str]:
        return io.TextIOWrapper(io.BytesIO(self._content), encoding="utf-8-sig", newline="")

    def _fault(self) -> ContractError:
        """The error for text that pyarrow does not read as CSV."""
        try:
            self._check_records()
        except ContractError as error:
            return error
        return ContractError(f"{self._where} is no valid CSV: a line of it cannot be read; write it anew")

    def _check_records(self) -> None:
        """Raise ContractError that names the first line that has another number of cells than the header."""
        records = self._form.records(self._lines())
        start, width = self._first_line, 0
        try:
            for cells in records:
                if cells and width and len(cells) != width:
                    raise ContractError(
                        f"{self._where} is no valid CSV: line {start:,} has {len(cells)} cells, and the header {width}"
                    )
                width = width or len(cells)
                start = records.line_num + self._first_line  # a quoted cell may hold several lines
        except csv.Error as error:
            raise ContractError(f"{self._where} is no valid CSV: line {start:,}: {error}") from None


def _parse(content: bytes, types: Types, separator: str = ",", decimal: str = ".") -> pa.Table:
    return pyarrow.csv.read_csv(
        pa.py_buffer(content),
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False, block_size=min(max(len(content) + 1, 1 << 20), LARGEST_BLOCK)
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types, decimal_point=decimal),
    )


def _fits(texts: Any, shape: str) -> Any:
    return pc.match_substring_regex(texts, f"^(?:{shape})$")
