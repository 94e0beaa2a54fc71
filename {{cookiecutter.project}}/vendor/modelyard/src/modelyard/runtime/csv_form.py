"""How a CSV file is written: its encoding by its mark, what separates its cells, its decimal mark.

All of it is told from the file, by the same rules for training and for scoring. Where two readings fit, it is refused.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import ContractError

if TYPE_CHECKING:
    from _csv import Reader

ENDINGS = (".csv", ".tsv", ".tab", ".txt")
START = 1 << 18  # bytes that tell the form
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# the texts that pyarrow, which reads CSV for training, takes for missing
MISSING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "N/A", "NA", "NULL",
     "NaN", "n/a", "nan", "null"]
)  # fmt: skip
WHOLE_NUMBER = r"\s*[+-]?[0-9]+\s*"
COMMA_NUMBER = r"\s*[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?\s*"
POINT_NUMBER = r"\s*[+-]?[0-9]*\.[0-9]+([eE][+-]?[0-9]+)?\s*"
MAYBE_THOUSANDS = r"\s*[+-]?[1-9][0-9]{0,2},[0-9]{3}\s*"
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")  # which text has not

_FITTED = 20  # records that are looked at to tell the separator
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_OTHER_KINDS = {
    rb"PAR1": "Parquet: give it a name that ends with .parquet",
    rb"PK\x03\x04": "a spreadsheet or a zip: save the sheet as CSV, or let the zip's name end with .zip",
    rb"\xd0\xcf\x11\xe0": "a spreadsheet: save the sheet as CSV",
    rb"\x1f\x8b": "compressed with gzip: give it a name that ends with .csv.gz",
    rb"BZh[1-9]1AY&SY": "compressed with bzip2: give it a name that ends with .csv.bz2",
    rb"\xfd7zXZ\x00": "compressed with xz: give it a name that ends with .csv.xz",
    rb"\s*<(!doctype|html|\?xml)\b": "a web page or XML: get the file itself",
    rb"\s*[\[{]\s*[\"{\[]": "JSON: write its rows as CSV",
    rb"SQLite format 3": "a database: give its URL, as in sqlite:///my.db, with --query",
    rb"ARROW1": "an Arrow file: write its rows as Parquet",
    rb"version https://git-lfs": "a pointer of Git LFS: get the file with `git lfs pull`",
}


@dataclass(frozen=True)
class Form:
    """The encoding, the separator, and whether a line before the header names it, such as Excel's `sep=;`."""

    encoding: str = "utf-8"
    separator: str = ","
    announced: bool = False

    def records(self, lines: Iterable[str]) -> Reader:
        """The csv.reader of a file's lines, from its header on."""
        csv.field_size_limit(max(csv.field_size_limit(), 1 << 30))  # else a text of 128 KB is refused
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        if self.announced:
            next(reader)
        return reader


def form_of(start: bytes, where: str, known: Collection[str] = (), path: str | None = None) -> Form:
    """The form of a file by its first `START` bytes.

    known: the columns that the header may name, if they are known. path: where a command finds the file; None if it is
    packed or not on this machine.

    Raises ContractError if it is no text, or if two separators fit.
    """
    for shape, what in _OTHER_KINDS.items():
        if re.match(shape, start, re.IGNORECASE):
            raise ContractError(f"{where} is no CSV file but {what}")
    encoding = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "utf-8")
    if encoding == "utf-8" and (nulls := start.count(0)) > len(start) / 4:
        little = start[1::2].count(0) > nulls / 2
        name = f"UTF-16{'LE' if little else 'BE'}"
        raise ContractError(f"{where} is not UTF-8 but seems to be {name}: {_convert(name, path)}")
    text = start.decode(encoding, "replace").removeprefix("\ufeff")
    if announced := re.match(r"\"?sep=([^\"\r\n])\"?\r?\n", text):
        return Form(encoding, announced[1], announced=True)
    return Form(encoding, _separator(text, where, known, whole=len(start) < START))


def _separator(text: str, where: str, known: Collection[str], whole: bool) -> str:
    records = {sign: _first_records(text, sign, whole) for sign in SEPARATORS}
    named = {sign: len(set(rows[0]) & set(known)) for sign, rows in records.items()}
    best = max(named, key=lambda sign: named[sign])
    if list(named.values()).count(named[best]) == 1:
        return best
    found = {sign: rows for sign, rows in records.items() if len(rows[0]) > 1}
    fitting = [sign for sign, rows in found.items() if {len(row) for row in rows[1:]} == {len(rows[0])}]
    if len(fitting) > 1 and "|" in fitting:
        fitting.remove("|")
    if len(fitting) > 1:
        shown = " or ".join(SEPARATORS[sign] for sign in fitting)
        raise ContractError(f"{where} may be separated by {shown}: put names and cells that hold one in quotes")
    return fitting[0] if fitting else max(found, key=lambda sign: len(found[sign][0]), default=",")


def _first_records(text: str, separator: str, whole: bool) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records: list[list[str]] = []
    with contextlib.suppress(csv.Error):  # what is in quotes ends before another sign: this is no separator
        records.extend(islice(reader, 2 * _FITTED))
    if not whole and 1 < len(records) < 2 * _FITTED:
        del records[-1:]  # it may be cut off
    return [record for record in records if record][:_FITTED] or [[]]


def decimal_mark(commas: Collection[str], points: Collection[str], separator: str, where: str) -> str:
    """The decimal mark of a file that has these numbers with a comma, and those with a point.

    Raises ContractError if it has both, or if its commas may as well divide thousands.
    """
    if not commas or separator == ",":
        return "."
    comma = next(iter(commas))
    if points:
        raise ContractError(
            f"{where} has numbers with a comma, such as {comma!r}, and with a point, such as {next(iter(points))!r}: "
            "write all of them with a point"
        )
    if separator != ";" and all(re.fullmatch(MAYBE_THOUSANDS, number) for number in commas):
        raise ContractError(
            f"{where}: the comma in {comma!r} may be a decimal mark or divide thousands: write the one as a point, "
            "and leave the other out"
        )
    return ","


def encoding_fault(lines: Iterable[bytes], where: str, path: str | None) -> ContractError:
    """The error for a file that is not UTF-8: the first byte that is wrong, and how to convert the file."""
    place = excerpt = ""
    excel, mixed = True, False
    controls = 0
    for number, line in enumerate(lines, 1):
        try:
            line.decode("utf-8")
            mixed = mixed or not line.isascii()
            controls += len(CONTROLS.findall(line))
            continue
        except UnicodeDecodeError as error:
            if not place:
                place = f"byte 0x{line[error.start]:02x} in line {number:,}"
                around = line[max(0, error.start - 15) : error.start + 15]
                excerpt = around.decode("cp1252", "replace").strip()
        controls += len(CONTROLS.findall(line))
        try:
            line.decode("cp1252")
        except UnicodeDecodeError:
            excel = False
    if not place:
        return ContractError(f"{where} is cut off, or not in the encoding that its first bytes name")
    if controls > 1:
        return ContractError(f"{where} is no text but a binary file, as by {place}: write its rows as CSV or Parquet")
    told = f"{where} is not UTF-8: {place}; write it as UTF-8. "
    if mixed:
        return ContractError(f"{told}Other lines are UTF-8, so it was put together from two encodings: mend that line")
    if not excel:
        return ContractError(
            f"{told}Its encoding cannot be told; `iconv -l` lists them. Put its name for ENCODING, and "
            f"{_convert('ENCODING', path)}"
        )
    return ContractError(
        f"{told}In WINDOWS-1252, as Excel writes it, this place reads {excerpt!r}. If that is right, "
        f"{_convert('WINDOWS-1252', path)}\nElse put the name of its encoding there; `iconv -l` lists them"
    )


def _convert(encoding: str, path: str | None) -> str:
    if path is None:
        return f"unpack it, or get it onto this machine, and convert it with `iconv -f {encoding} -t UTF-8`"
    file, new = shlex.quote(path), shlex.quote(f"{path}.utf8")
    return f"convert it with\n  iconv -f {encoding} -t UTF-8 {file} > {new} && mv {new} {file}"
