"""The CSV files of reviews: their records with the lines in which they begin, whichever program wrote them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ContractError
from ...runtime.csv_form import START, Form, encoding_fault, form_of
from ..layout import CORRECTIONS


@dataclass(frozen=True)
class ReviewRecord:
    """The cells of one record by column, stripped of blanks at their ends.

    place: file and line, as a message names them. decimal_comma: whether the file's separator leaves room for a number
    with a comma.
    """

    place: str
    cells: Mapping[str, str]
    decimal_comma: bool


def files_of(root: Path) -> list[Path]:
    """The files of reviews under `root`, in the order of their names."""
    return sorted((root / CORRECTIONS).rglob("*.csv"))


def read_file(path: Path, root: Path, needed: Sequence[str]) -> Iterator[ReviewRecord]:
    """The records of a file that has these columns, and may have others; empty ones are left out.

    Raises ContractError that names the file, and the line if one is at fault.
    """
    name = path.relative_to(root).as_posix()
    form, header, records = _read(path, name, needed)
    if not header:
        raise ContractError(f"{name} is empty: it needs a header with {', '.join(needed)}, as a review has it")
    if absent := [column for column in needed if header.count(column) != 1]:
        often = "twice" if absent[0] in header else "not"
        raise ContractError(
            f"{name}, line 1: the column {absent[0]!r} is {often} there; needed are {', '.join(needed)}, as a review "
            "has them"
        )
    places = {column: header.index(column) for column in needed}
    for line, cells in records:
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise ContractError(
                f"{name}, line {line}: it has {len(cells)} cells, and the header {len(header)}; put a text that holds "
                "the separator in double quotes"
            )
        values = {column: cells[place].strip() for column, place in places.items()}
        yield ReviewRecord(f"{name}, line {line}", values, form.separator != ",")


def remove_records(path: Path, root: Path, is_removed: Callable[[Mapping[str, str]], bool]) -> int:
    """Remove records from a file, by their cells; how many. All other lines stay as they are, byte by byte."""
    name = path.relative_to(root).as_posix()
    form, header, records = _read(path, name, ())
    starts = [line for line, _ in records]
    gone = {line for line, cells in records if is_removed(dict(zip(header, cells, strict=False)))}
    if not gone:
        return 0
    with path.open(encoding=form.encoding, newline="") as opened:
        lines = list(opened)
    ends = dict(zip(starts, [*starts[1:], len(lines) + 1], strict=True))
    dropped = {number for line in gone for number in range(line, ends[line])}
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding=form.encoding, newline="") as opened:
        opened.writelines(text for number, text in enumerate(lines, 1) if number not in dropped)
    part.replace(path)
    return len(gone)


def _read(path: Path, name: str, known: Sequence[str]) -> tuple[Form, list[str], list[tuple[int, list[str]]]]:
    """The form of a file, its header, and each record with the line in which it begins."""
    with path.open("rb") as binary:
        form = form_of(binary.read(START), name, known, str(path))
    try:
        with path.open(encoding=form.encoding, newline="") as opened:
            reader = form.records(opened)
            header = next(reader, [])
            records, before = [], reader.line_num
            for cells in reader:
                records.append((before + 1, cells))
                before = reader.line_num
    except csv.Error as error:
        raise ContractError(f"{name} is no valid CSV: line {reader.line_num}: {error}") from None
    except UnicodeError:
        with path.open("rb") as binary:
            raise encoding_fault(binary, name, str(path)) from None
    return form, [column.strip() for column in header], records
