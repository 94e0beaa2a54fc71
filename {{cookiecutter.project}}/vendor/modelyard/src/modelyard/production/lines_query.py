"""How duckdb reads the lines of log files, as SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .logged_columns import Value, quoted, text

# How values are read: by the types of the contract, where the service has checked them by this very contract; as texts;
# or one by one out of JSON, where a line may have names that the contract does not have
TYPED, TEXT, JSON = "typed", "text", "json"


def read_lines(files: Mapping[int, Path], columns: Mapping[str, str]) -> str:
    """The lines of files as a table; a line that is no JSON has NULL in all columns."""
    typed = ", ".join(f"{name}: {text(kind)}" for name, kind in columns.items())
    options = f"format = 'newline_delimited', ignore_errors = true, filename = true, columns = {{{typed}}}"
    return f"read_json([{paths(files)}], {options})"


def paths(files: Mapping[int, Path]) -> str:
    """The files as a list of texts in SQL."""
    return ", ".join(text(str(path)) for path in files.values())


def sent_types(values: Sequence[Value], form: str) -> dict[str, str]:
    """The types of the two objects with what a client sent."""
    if form == JSON:
        return {"inputs": "JSON", "ids": "JSON"}
    fields = [(value.is_id, f"{quoted(name)} {read_type(value, form)}") for value in values for name in value.written]
    ids = [field for is_id, field in fields if is_id]
    inputs = [field for _, field in fields]  # ids too: an older service logged them there
    return {place: f"STRUCT({', '.join(of)})" for place, of in (("inputs", inputs), ("ids", ids)) if of}


def read_type(value: Value, form: str) -> str:
    """The type as which a value is read."""
    return "VARCHAR" if form != TYPED or value.is_text else value.type


def function_of(value: Value) -> str:
    """A name for the function that reads a timestamp, see `Value.reader`."""
    return value.target.encode().hex()
