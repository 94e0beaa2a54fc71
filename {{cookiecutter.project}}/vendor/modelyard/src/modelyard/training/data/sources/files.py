"""CSV and Parquet files, wherever fsspec opens them: a path, a glob or a URL."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from typing import Any, BinaryIO

import fsspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ....errors import ContractError
from ....runtime.contract import Contract
from ..conform import ARROW, conform
from ..refusal import BrokenRule, DataRefused

VALIDATORS = ("ETag", "etag", "md5", "md5Hash", "content_md5", "crc32c", "LastModified", "last_modified", "size")


# 1.0 is a whole number too, and a time may have a zone; `conform` checks the values
WIDER = {"integer": pa.float64(), "timestamp": pa.string()}


class FileSource:
    """Files in the order of their names; each is an object."""

    def __init__(self, path: str, contract: Contract | None = None) -> None:
        self._path = path
        self._contract = contract
        try:
            self._files, place = fsspec.url_to_fs(path)
            names = self._files.glob(place) if any(sign in place for sign in "*?[") else [place]
        except (OSError, ValueError, ImportError) as error:
            raise ContractError(f"source {path} cannot be opened: {error}") from None
        self._names = sorted(str(name) for name in names)
        if not self._names:
            raise ContractError(f"source {path} matches no file")

    def objects(self) -> dict[str, str]:
        """The fingerprint of each file: the hash of a local file's bytes, else the version that its server reports."""
        return {name: self._fingerprint(name) for name in self._names}

    def read(self, name: str) -> pa.Table:
        """The rows of one file. CSV is UTF-8 with a header line; a file with another ending is read as Parquet."""
        try:
            if name.lower().partition("?")[0].endswith((".csv", ".csv.gz", ".csv.bz2", ".csv.zip")):
                with fsspec.core.OpenFile(self._files, name, compression="infer") as opened:
                    return self._read_csv(opened.read(), name)
            with self._open(name) as opened:
                return _read_parquet(opened, name)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ContractError(f"{name} cannot be read: {error}") from None

    def _fingerprint(self, name: str) -> str:
        try:
            if "file" in self._files.protocol:
                with self._files.open(name) as opened:
                    return hashlib.file_digest(opened, "sha256").hexdigest()
            info = self._files.info(name)
            validators = {key: str(info[key]) for key in VALIDATORS if info.get(key) is not None}
            if validators.keys() <= {"size"}:
                return hashlib.sha256(self._files.cat_file(name)).hexdigest()
        except OSError as error:
            raise ContractError(f"{name} cannot be read: {error}") from None
        return hashlib.sha256(json.dumps(validators, sort_keys=True).encode()).hexdigest()

    def _open(self, name: str) -> BinaryIO:
        """Open the file for seeking; a remote file is read whole, because not every server can seek."""
        return self._files.open(name) if "file" in self._files.protocol else io.BytesIO(self._files.cat_file(name))

    def _read_csv(self, content: bytes, name: str) -> pa.Table:
        _refuse_other_encoding(content, name)
        if not content.strip():
            raise ContractError(f"{name} is empty: a CSV file needs a header line and rows")
        columns = self._contract.columns if self._contract else {}
        types = {name: ARROW[column.type] for name, column in columns.items()}
        widened = {name: WIDER.get(column.type, types[name]) for name, column in columns.items()}
        for attempt in (types, widened):
            try:
                table = _parse(content, attempt)
                hours = {cells.name: pa.string() for cells in table.schema if pa.types.is_time(cells.type)}
                return _parse(content, attempt | hours) if hours else table  # no contract has a type for a time of day
            except pa.ArrowInvalid as error:
                if not columns or "conversion error" not in str(error):
                    raise ContractError(f"{name} is no valid CSV: {error}") from None
        # Some cells are not of their column's type: read them as text to find all of them
        text = _parse(content, dict.fromkeys(columns, pa.string()))
        raise DataRefused(name, _unreadable_cells(text, columns))


def _parse(content: bytes, types: dict[str, pa.DataType]) -> pa.Table:
    options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    reading = pyarrow.csv.ReadOptions(use_threads=False)
    return pyarrow.csv.read_csv(pa.py_buffer(content), read_options=reading, convert_options=options)


def _unreadable_cells(text: pa.Table, columns: dict[str, Any]) -> list[BrokenRule]:
    findings = []
    for name, column in columns.items():
        if text.column_names.count(name) != 1 or column.type == "string":
            continue
        wrong = [value for value in text[name].drop_null().to_pylist() if not _readable(value, column)]
        if wrong:
            findings.append(BrokenRule(name, f"must be of type {column.type}", len(wrong), tuple(wrong[:3])))
    return findings


def _readable(value: str, column: Any) -> bool:
    try:
        parsed = _parse(f"x\n{json.dumps(value)}\n".encode(), {"x": WIDER.get(column.type, ARROW[column.type])})
    except pa.ArrowInvalid:
        return False
    return not isinstance(conform(parsed["x"], column), BrokenRule)


def _refuse_other_encoding(content: bytes, name: str) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ContractError(
            f"{name} is not UTF-8: byte 0x{content[error.start]:02x} in line {line}; "
            "write it as UTF-8, for example with `iconv -f latin1 -t utf-8`"
        ) from None


def _read_parquet(opened: BinaryIO, name: str) -> pa.Table:
    try:
        return pyarrow.parquet.ParquetFile(opened).read()
    except pa.ArrowInvalid as error:
        raise ContractError(f"{name} is no whole Parquet file (truncated, or another format): {error}") from None
