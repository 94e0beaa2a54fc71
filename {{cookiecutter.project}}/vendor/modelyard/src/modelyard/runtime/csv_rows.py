"""The rows of a CSV file, its cells parsed by the contract; some rows are in memory at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import ContractError
from .column import Column
from .contract import Contract
from .csv_form import COMMA_NUMBER, MAYBE_THOUSANDS, MISSING, START, Form, decimal_mark, encoding_fault, form_of
from .written import as_number

if TYPE_CHECKING:
    from _csv import Reader

LONGEST = 1 << 24  # characters of a record, and those that are in memory at once
MOST_CELLS = 400_000  # that are in memory at once
# the texts that pyarrow, which reads CSV for training, takes for true and false
BOOLEANS = {
    **dict.fromkeys(["1", "true", "True", "TRUE"], True),
    **dict.fromkeys(["0", "false", "False", "FALSE"], False),
}

Row = dict[str, Any]
Rows = tuple[list[Row], list[int]]  # and the line in which each starts


def read_csv(path: Path, contract: Contract, check_names: Callable[[list[str]], None], size: int) -> Iterator[Rows]:
    """The rows of a file with the contract's inputs and ids, at most `size` at a time, and fewer where they are long.

    Raises ContractError that names the line if the file is no CSV, and whatever `check_names` raises for its header.
    """
    with path.open("rb") as binary:
        form = form_of(binary.read(START), str(path), contract.columns, str(path))
    with path.open(encoding=form.encoding, newline="") as opened:
        lines = _Lines(opened)
        records = _records(path, lines, form.records(lines))
        try:
            header, _ = next(records, ([], 0))
            if not header:
                raise ContractError(f"{path} is empty: a CSV file needs a header line")
            check_names([name for name in header if name.strip() or name in contract.columns])
            cells_of = _Cells(path, header, form, contract)
            size = max(1, min(size, MOST_CELLS // len(header)))
            rows: list[Row] = []
            places: list[int] = []
            began = lines.read
            for cells, place in records:
                rows.append(cells_of.row(cells, place))
                places.append(place)
                if len(rows) >= size or lines.read - began >= LONGEST:
                    yield rows, places
                    rows, places, began = [], [], lines.read
            cells_of.check_decimals()
        except UnicodeError:
            with path.open("rb") as binary:
                raise encoding_fault(binary, str(path), str(path)) from None
        if rows:
            yield rows, places


class _Lines:
    """The lines of a file, for as long as those of one record are not too long; a quote that is not closed ends none.

    read: how many characters were read.
    """

    def __init__(self, opened: TextIO) -> None:
        self._opened, self._limit = opened, LONGEST
        self.read = 0

    def begin(self) -> None:
        """A record begins here."""
        self._limit = self.read + LONGEST

    def __iter__(self) -> Iterator[str]:
        while line := self._opened.readline(LONGEST + 1):
            self.read += len(line)
            if self.read > self._limit:
                raise csv.Error(f"more than {LONGEST:,} characters without an end; is a quote open, or is it no CSV?")
            yield line


def _records(path: Path, lines: _Lines, reader: Reader) -> Iterator[tuple[list[str], int]]:
    """The cells of each record and the line in which it starts.

    Records of empty cells at the end of a file are none: spreadsheets write them, and there may be a million.
    """
    empty: list[tuple[int, int, int]] = []  # how many cells, the first line, and how many such lines in a row
    start = 1
    try:
        for cells in reader:
            if any(cells):
                for width, first, count in empty:
                    yield from (([""] * width, first + number) for number in range(count))
                empty = []
                yield cells, start
            elif cells and empty and empty[-1][0] == len(cells) and empty[-1][1] + empty[-1][2] == start:
                empty[-1] = (len(cells), empty[-1][1], empty[-1][2] + 1)
            elif cells:
                empty.append((len(cells), start, 1))
            start = reader.line_num + 1  # a quoted cell may hold several lines
            lines.begin()
    except csv.Error as error:
        raise ContractError(f"{path} is no valid CSV: line {start:,}: {error}") from None


class _Cells:
    """Turns the cells of a line into a row."""

    def __init__(self, path: Path, header: Sequence[str], form: Form, contract: Contract) -> None:
        selected = contract.named("id", "feature", "time")
        self._path, self._separator, self._width = path, form.separator, len(header)
        self._nameless = [place for place, name in enumerate(header) if name not in contract.columns]
        self._readers = [
            (name, place, self._reader(selected[name])) for place, name in enumerate(header) if name in selected
        ]
        self._commas: list[str] = []  # numbers with a comma, and with a point, where either may be the decimal mark
        self._points: list[str] = []

    def row(self, cells: list[str], line: int) -> Row:
        if len(cells) != self._width:
            raise ContractError(f"{self._path}: line {line:,} has {len(cells)} cells, and the header {self._width}")
        for place in self._nameless:
            if cells[place].strip():
                raise ContractError(
                    f"{self._path}: line {line:,} has {cells[place]!r} in column {place + 1}, which has no name"
                )
        return {name: read(cells[place]) for name, place, read in self._readers}

    def check_decimals(self) -> None:
        """Raise ContractError if the numbers of the file cannot all be meant with one decimal mark."""
        decimal_mark(self._commas, self._points, self._separator, str(self._path))

    def _reader(self, column: Column) -> Callable[[str], Any]:
        """A function that parses a cell as the contract's type."""
        if column.type in ("string", "timestamp"):
            missing = MISSING - set(column.values or ())  # the contract may list NA as a value
            return lambda text: None if text in missing else text
        if column.type == "boolean":
            return lambda text: None if text in MISSING else BOOLEANS.get(text, text)
        if column.is_written:
            return lambda text: None if text in MISSING else as_number(text, column.format, column.unit)

        def number(text: str) -> Any:
            if text in MISSING:
                return None
            try:
                return text if "_" in text else int(text)
            except ValueError:
                pass
            try:
                value = float(text) if self._separator == "," else self._float(text)
            except ValueError:
                return text
            return int(value) if column.values is not None and value.is_integer() else value

        return number

    def _float(self, text: str) -> float:
        """A number of a file whose decimal mark may be a comma."""
        if not re.fullmatch(COMMA_NUMBER, text):
            value = float(text)
            if not self._points and "." in text:
                self._points.append(text)
            return value
        if not self._commas or (len(self._commas) == 1 and not re.fullmatch(MAYBE_THOUSANDS, text)):
            self._commas.append(text)
        return float(text.replace(",", "."))
