"""CSV and Parquet files, wherever fsspec opens them: a path, a glob or a URL."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet
from fsspec.implementations.local import LocalFileSystem

from ....errors import ContractError
from ....runtime.column import Column
from .csv_table import CsvTable
from .decisions import Decisions
from .packed import PARQUET, is_csv, unpack

VALIDATORS = ("ETag", "etag", "md5", "md5Hash", "content_md5", "crc32c", "LastModified", "last_modified", "size")
GLOB = "*?["


class FileSource:
    """Files in the order of their names; each is an object.

    columns: those of the contract. decisions: what was decided to read files without them.
    """

    def __init__(self, path: str, columns: Mapping[str, Column] | None = None) -> None:
        self._columns = columns or {}
        self.decisions = Decisions()
        with _told(f"source {path} cannot be opened"):
            self._files, names = _listed(path)
        self._local = "file" in self._files.protocol
        self._names = sorted(str(name) for name in names)
        if not self._names:
            raise ContractError(f"source {path} matches no file")

    def objects(self) -> dict[str, str]:
        """The fingerprint of each file: the hash of a local file's bytes, else the version that its server reports."""
        return {name: self._fingerprint(name) for name in self._names}

    def read(self, name: str) -> pa.Table:
        """The rows of one file, CSV with a header line or Parquet; a compressed one by the ending of its name."""
        with _told(f"{name} cannot be read"):
            if self._local and name.lower().endswith(PARQUET):
                with self._files.open(name) as opened:
                    return _read_parquet(opened, name)
            content = self._files.cat_file(name)
        plain, inner = unpack(content, name if self._local else name.partition("?")[0], name)
        if not is_csv(plain, inner, name):
            return _read_parquet(pa.BufferReader(plain), name)
        path = name if self._local and plain is content else None
        return CsvTable(plain, name, path, self._columns, self.decisions).read()

    def _fingerprint(self, name: str) -> str:
        with _told(f"{name} cannot be read"):
            if self._local:
                with self._files.open(name) as opened:
                    return hashlib.file_digest(opened, "sha256").hexdigest()
            info = self._files.info(name)
            validators = {key: str(info[key]) for key in VALIDATORS if info.get(key) is not None}
            if validators.keys() <= {"size"}:
                return hashlib.sha256(self._files.cat_file(name)).hexdigest()
        return hashlib.sha256(json.dumps(validators, sort_keys=True).encode()).hexdigest()


@contextmanager
def _told(fault: str) -> Iterator[None]:
    """Turn every error of a file system into a ContractError: each has its own, and those of its library."""
    try:
        yield
    except ContractError:
        raise
    except Exception as error:
        why = error.strerror if isinstance(error, OSError) and error.filename else error  # which has the path again
        raise ContractError(f"{fault}: {why or type(error).__name__}") from None


def is_wild(path: Path, place: int) -> bool:
    """Whether this part of a path stands for several names: it has signs of a glob, and nothing has just this name."""
    return any(sign in path.parts[place] for sign in GLOB) and not Path(*path.parts[: place + 1]).exists()


def _listed(path: str) -> tuple[Any, list[Any]]:
    """The file system of a path or URL, and the files that it means: one of just that name, or a glob's."""
    if "://" in path:
        files, place = fsspec.url_to_fs(path)
        is_glob = "*" in place or (any(sign in place for sign in GLOB) and not files.exists(place))
        return files, files.glob(place) if is_glob else [place]
    files, here = LocalFileSystem(), Path(os.path.expanduser(path)).absolute()
    if here.is_dir():
        raise ContractError(f"source {path} is a folder; name its files, as in {Path(path) / '*.csv'}")
    wild = [is_wild(here, place) for place in range(len(here.parts))]
    if here.exists() or not any(wild):
        return files, [str(here)]
    parts = [part if signs else glob.escape(part) for part, signs in zip(here.parts, wild, strict=True)]
    return files, files.glob(str(Path(*parts)))


def _read_parquet(opened: Any, name: str) -> pa.Table:
    try:
        table = pyarrow.parquet.ParquetFile(opened).read()  # which reads a column that is there twice, to be refused
        return table.cast(pa.schema([(cells.name, _plain_text(cells.type)) for cells in table.schema]))
    except (pa.ArrowException, OSError):
        raise ContractError(f"{name} is no whole Parquet file (truncated, or another format)") from None


def _plain_text(kind: pa.DataType) -> pa.DataType:
    """The type, or plain text for the other forms in which writers hold text: pandas writes large strings."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    is_text = pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)
    return pa.string() if is_text else kind
