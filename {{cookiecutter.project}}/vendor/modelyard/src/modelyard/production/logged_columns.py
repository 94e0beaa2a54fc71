"""What of a line of the log becomes a column of the predictions, as SQL of duckdb."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..errors import ContractError
from ..runtime.column import Column
from ..runtime.contract import Contract
from ..runtime.times import ISO, timestamp
from ..serving.log.log_lines import MASK
from .layout import id_column, input_column

TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}
PLAIN_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?"  # which duckdb reads as we do
CACHED = 100_000  # texts of timestamps that only Python reads


@dataclass(frozen=True)
class Value:
    """A value that a client sent.

    written: the names by which lines may have it. column: None if the contract does not have it any more; then the
    predictions hold the text that was sent.
    """

    target: str
    written: tuple[str, ...]
    is_id: bool
    column: Column | None

    @property
    def type(self) -> str:
        """The type of its column."""
        return TYPES[self.column.type] if self.column else "VARCHAR"

    def text(self, is_json: bool) -> str:
        """The expression of what was sent. is_json: whether inputs and ids are JSON, or else structs."""
        places = [
            (place, name) for name in self.written for place in (("ids", "inputs") if self.is_id else ("inputs",))
        ]
        return f"coalesce({', '.join(_field(place, name, is_json) for place, name in places)})"

    def cast(self, text: str, function: str) -> str:
        """The expression of its value, NULL for what does not fit. function: the name of `reader` in duckdb.

        Personal data is masked, also where a line is of a time when the contract did not say that it is.
        """
        if self.column is not None and self.column.pii:
            return f"CASE WHEN {text} IS NOT NULL THEN '{MASK}' END" if self.type == "VARCHAR" else f"NULL::{self.type}"
        if self.type == "BIGINT":  # duckdb would round
            number = f"TRY_CAST({text} AS DOUBLE)"
            return (
                f"CASE WHEN {text} NOT SIMILAR TO '.*[.eE].*' THEN TRY_CAST({text} AS BIGINT) "
                f"WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS BIGINT) END"
            )
        if self.type == "TIMESTAMP":
            if not self.is_plain:
                return f"{function}({text})"
            usual = f"length({text}) = 19 AND substr({text}, 17, 1) = ':'"  # faster to tell than the whole pattern
            plain = f"({usual}) OR regexp_full_match({text}, '{PLAIN_TIME}')"
            return f"CASE WHEN {plain} THEN TRY_CAST({text} AS TIMESTAMP) ELSE {function}({text}) END"
        return text if self.type == "VARCHAR" else f"TRY_CAST({text} AS {self.type})"

    def misfit(self, text: str, value: str) -> str:
        """The expression of whether something was sent that does not fit the column."""
        if self.type == "VARCHAR" or (self.column is not None and self.column.pii):
            return "false"
        return f"({value} IS NULL AND {text} IS NOT NULL AND {text} <> '{MASK}')"

    @property
    def is_text(self) -> bool:
        """Whether it is always read as text: what is personal may be masked, and a time be written in several ways."""
        return self.column is None or self.column.pii or self.type in ("VARCHAR", "TIMESTAMP")

    @property
    def is_plain(self) -> bool:
        """Whether a timestamp is written as duckdb reads it, in most rows."""
        return self.column is not None and self.column.format in (None, ISO)

    @property
    def reader(self) -> Callable[[str], datetime.datetime | None]:
        """What reads a timestamp as the service does, with the column's format and timezone."""
        column = dataclasses.replace(self.column, minimum=None, maximum=None) if self.column else None

        @lru_cache(CACHED)
        def read(text: str) -> datetime.datetime | None:
            try:
                moment: Any = timestamp(text, column)  # type: ignore[arg-type]
            except (ValueError, TypeError, OverflowError):
                return None
            found: datetime.datetime | None = moment.item()
            return found

        return read


def values_of(contract: Contract, inputs: Iterable[str] = (), ids: Iterable[str] = ()) -> list[Value]:
    """The values that lines may have by a contract, and those of further inputs and ids that it does not know.

    Names that differ in nothing but capitals are one column, because duckdb does not tell them apart. Raises
    ContractError if the contract itself has such names.
    """
    known_ids = contract.named("id")
    keys = {key for feature in contract.features.values() for key in feature.entity}
    entities = {name: column for name, column in contract.named("unused").items() if name in keys}
    named = {**contract.inputs, **entities, **known_ids}
    written: dict[tuple[bool, str], list[str]] = {}
    for name in named:
        if other := written.setdefault((name in known_ids, name.casefold()), []):
            raise ContractError(
                f"contract.yaml: {other[0]!r} and {name!r} differ in capitals only, and Parquet files of duckdb cannot "
                "hold both; rename one at the source"
            )
        other.append(name)
    for is_id, names in ((False, inputs), (True, ids)):
        for name in sorted(set(names) - set(contract.columns)):
            written.setdefault((is_id, name.casefold()), []).append(name)
    return [
        Value((id_column if is_id else input_column)(names[0]), tuple(names), is_id, named.get(names[0]))
        for (is_id, _), names in written.items()
    ]


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as a literal."""
    return "'" + value.replace("'", "''") + "'"


def _field(place: str, name: str, is_json: bool) -> str:
    if not is_json:
        return f"{place}.{quoted(name)}"
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    return f"({place} ->> {text(pointer)})"
