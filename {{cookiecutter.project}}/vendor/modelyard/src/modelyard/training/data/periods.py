"""The periods on disk: a Parquet file for each, with the hash of its rows in the footer."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ...errors import ContractError

WHOLE = "all"  # the one period of data that has no time

HASH_KEY = b"rows_sha256"
BATCH_ROWS = 65_536


class _Sha256Sink(io.RawIOBase):
    """A file that only hashes what is written to it."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        self.digest.update(content)
        return len(content)


def rows_sha256(table: pa.Table) -> str:
    """The hash of the rows as CSV, which does not depend on the file format or the version of a library."""
    sink = _Sha256Sink()
    with pyarrow.csv.CSVWriter(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=BATCH_ROWS)
    return sink.digest.hexdigest()


def written_sha256(folder: Path, period: str) -> str | None:
    """The hash of the rows in a period's file, read from its footer; None if there is no complete file."""
    try:
        metadata = pyarrow.parquet.read_schema(period_file(folder, period)).metadata or {}
    except (FileNotFoundError, pa.ArrowInvalid):
        return None
    return metadata.get(HASH_KEY, b"").decode()


def read_periods(folder: Path, periods: Iterable[str], columns: list[str]) -> pa.Table:
    """These columns of these periods, the periods in order.

    Raises ContractError if a period is not on this machine, or was taken without one of the columns.
    """
    tables = [_opened(folder, period, columns).read(columns).select(columns) for period in sorted(periods)]
    # a file from which a person's rows were removed may say of a column that no value is missing
    return pa.concat_tables(tables, promote_options="default")


def read_blocks(folder: Path, period: str, columns: list[str], rows: int) -> Iterator[pa.Table]:
    """These columns of one period, at most so many rows at a time. Raises ContractError as `read_periods` does."""
    for batch in _opened(folder, period, columns).iter_batches(rows, columns=columns):
        yield pa.Table.from_batches([batch]).select(columns)


def write_period(file: Path, table: pa.Table, sha256: str) -> None:
    """Write the rows of a period with their hash."""
    marked = table.replace_schema_metadata({HASH_KEY: sha256.encode()})
    pyarrow.parquet.write_table(marked, file, compression="zstd")


def _opened(folder: Path, period: str, columns: list[str]) -> pyarrow.parquet.ParquetFile:
    file = period_file(folder, period)
    if not file.is_file():
        raise ContractError(f"{file} is not on this machine; get it with `make pull`, or make it with `make pipeline`")
    opened = pyarrow.parquet.ParquetFile(file)
    if absent := [name for name in columns if name not in opened.schema_arrow.names]:
        opened.close()
        raise ContractError(
            f"{file} was taken before contract.yaml had {', '.join(absent)}; take it again with `make pipeline`"
        )
    return opened


def period_file(folder: Path, period: str) -> Path:
    """The file of a period."""
    return folder / f"{period}.parquet"
