"""CSV and Parquet files of rows, read and written some rows at a time. Only Parquet needs pyarrow: extra `score`."""

from __future__ import annotations

import csv
import datetime
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import ContractError
from .column import Column
from .contract import Contract
from .csv_form import ENDINGS
from .csv_rows import LONGEST, MOST_CELLS, Row, read_csv

PACKAGE = __name__.partition(".")[0]
CHUNK = 10_000  # rows that are in memory at once
BUFFER = 1 << 20  # bytes of each column of a Parquet file that are read at once
KINDS = (".csv", ".parquet")
READ = (*ENDINGS, ".parquet", ".pq")

Write = Callable[[list[list[Any]]], None]


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file; `places` has the position of each, counted from 1 in `unit`."""

    rows: list[Row]
    places: list[int]
    unit: Literal["line", "row"]


def suffix(path: Path) -> str:
    """The kind of a file to write, by its name: ".csv" or ".parquet". Raises ContractError if it is neither."""
    if (kind := path.suffix.lower()) not in KINDS:
        raise ContractError(f"{path}: a name that ends with {' or '.join(KINDS)} is expected")
    return kind


def check_readable(path: Path) -> None:
    """Raise ContractError if the name does not end as that of a CSV or Parquet file."""
    if path.suffix.lower() not in READ:
        raise ContractError(f"{path}: a name that ends with {', '.join(READ[:-1])} or {READ[-1]} is expected")


def read_chunks(path: Path, contract: Contract) -> Iterator[Chunk]:
    """The rows of a file, with the contract's inputs and ids; the cells of a CSV file are parsed by the contract.

    A text that cannot be parsed as its column's type stays text, which the contract then refuses.

    Raises ContractError if the file cannot be read or its columns are not those of the contract.
    """
    check_readable(path)
    read = _read_csv if path.suffix.lower() in ENDINGS else _read_parquet
    try:
        yield from read(path, contract)
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error.strerror or error}") from None


def _check_columns(path: Path, names: list[str], contract: Contract) -> None:
    declared = contract.columns
    faults = [f"column {name!r} is there twice" for name in sorted({name for name in names if names.count(name) > 1})]
    faults += [f"column {name!r} is not in the contract; leave it out" for name in names if name not in declared]
    faults += [
        f"column {name!r} is not there, and must not be missing"
        for name, column in contract.inputs.items()
        if name not in names and not column.missing
    ]
    if faults:
        raise ContractError(f"{path}: " + f"\n{path}: ".join(dict.fromkeys(faults)))


def _read_csv(path: Path, contract: Contract) -> Iterator[Chunk]:
    for rows, lines in read_csv(path, contract, lambda names: _check_columns(path, names, contract), CHUNK):
        yield Chunk(rows, lines, "line")


def _pyarrow(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise ContractError(f"Parquet needs pyarrow; install {PACKAGE}[score], or use .csv") from None


def _read_parquet(path: Path, contract: Contract) -> Iterator[Chunk]:
    pa, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    try:
        with parquet.ParquetFile(path, buffer_size=BUFFER) as opened:  # else a column's part of a group is read whole
            names = opened.schema_arrow.names
            _check_columns(path, names, contract)
            selected = contract.named("id", "feature", "time")
            rows_read = 0
            for batch in opened.iter_batches(
                _batch(opened.metadata), columns=[name for name in names if name in selected]
            ):
                columns = {name: _plain(pa, batch[name], selected[name]) for name in batch.schema.names}
                rows = pa.table(columns).to_pylist() if columns else [{} for _ in range(batch.num_rows)]
                yield Chunk(rows, list(range(rows_read + 1, rows_read + len(rows) + 1)), "row")
                rows_read += len(rows)
    except ContractError:
        raise
    except (pa.ArrowException, ValueError, OverflowError):
        reason = "truncated, or another format, or with values that Python cannot hold"
        raise ContractError(f"{path} is no whole Parquet file ({reason})") from None


def _batch(about: Any) -> int:
    """How many rows of a Parquet file may be in memory at once, by its columns and by the largest rows of a group."""
    groups = [about.row_group(number) for number in range(about.num_row_groups)]
    largest = max((group.total_byte_size / max(1, group.num_rows) for group in groups), default=1.0)
    return max(1, min(CHUNK, MOST_CELLS // max(1, about.num_columns), int(LONGEST / max(1.0, largest))))


def _plain(pa: Any, values: Any, column: Column) -> Any:
    """Times in microseconds, dates as midnight, and 0 and 1 as booleans if the contract says boolean."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(pa, values.dictionary_decode(), column)
    if pa.types.is_timestamp(kind):
        # by numpy, which cuts digits off before 1970 too, where Arrow's cast would round up
        moments = values.cast(pa.timestamp(kind.unit)).to_numpy(zero_copy_only=False).astype("datetime64[us]")
        return pa.array(moments, pa.timestamp("us", kind.tz))
    if pa.types.is_date(kind):
        return values.cast(pa.timestamp("us"))
    if column.type == "boolean" and pa.types.is_integer(kind) and set(values.unique().to_pylist()) <= {0, 1, None}:
        return values.cast(pa.bool_())
    if pa.types.is_decimal(kind):
        return values.cast(pa.float64())
    return values


@contextmanager
def writer(path: Path, kind: str, columns: Mapping[str, str]) -> Iterator[Write]:
    """A function that appends rows, with values in the order of `columns`, to a new ".csv" or ".parquet" file.

    columns: the contract's type of each column.
    """
    if kind == ".csv":
        with path.open("w", encoding="utf-8", newline="") as opened:
            lines = csv.writer(opened, lineterminator="\n")
            lines.writerow(columns)
            yield lambda rows: lines.writerows([[_text(value) for value in row] for row in rows])
        return
    pa, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    types = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(),
             "timestamp": pa.timestamp("us")}  # fmt: skip
    schema = pa.schema([(name, types[type_name]) for name, type_name in columns.items()])
    with parquet.ParquetWriter(path, schema) as opened:

        def append(rows: list[list[Any]]) -> None:
            sides = list(zip(*rows, strict=True)) or [()] * len(schema)
            arrays = [_array(pa, side, field) for side, field in zip(sides, schema, strict=True)]
            opened.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield append


def _array(pa: Any, values: tuple[Any, ...], field: Any) -> Any:
    try:
        if pa.types.is_timestamp(field.type):
            times = [datetime.datetime.fromisoformat(value) if isinstance(value, str) else value for value in values]
            return pa.array(times, field.type)
        return pa.array(values, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError) as error:
        raise ContractError(f"column {field.name!r} has values of another type than the contract's: {error}") from None


def _text(value: Any) -> Any:
    """A value as CSV writes it: the shortest text of a number that parses to the same, true and false as in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime.datetime) else value
