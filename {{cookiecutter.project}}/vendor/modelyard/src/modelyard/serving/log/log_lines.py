"""The lines of the prediction log: one JSON object for each answered row."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...runtime.contract import Contract
from ..forms.decoders import are_fields
from ..forms.ids import Ids

MASK = "<masked>"

Row = Mapping[str, Any] | msgspec.Struct


class LoggedModel(msgspec.Struct, frozen=True):
    """What all lines of a model have in common.

    contract: the hash of the contract. masked: its columns with personal data.
    """

    model: str
    contract: str
    variant: str
    masked: tuple[str, ...] = ()


def masked(contract: Contract) -> tuple[str, ...]:
    """The columns whose values must not be in the log, whether inputs or not."""
    return tuple(name for name, column in contract.columns.items() if column.pii)


class Asked(msgspec.Struct, frozen=True):
    """Which request it was, and whose.

    id: the service's own, which no client can choose. client_id: the client's `X-Request-ID`. traceparent: the header
    of that name (W3C Trace Context).
    """

    id: str
    caller: str | None = None
    client_id: str | None = None
    traceparent: str | None = None


class LogEntry(msgspec.Struct, frozen=True):
    """One answered request of n rows.

    time: seconds since 1970. inputs: the rows or columns as they were sent. scores and decisions: n of each. rows: the
    positions of the scores in the request, or None for all; inputs and ids are always those of the whole request.
    """

    source: LoggedModel
    request: Asked
    time: float
    bundle: str
    answered_by: str
    inputs: Sequence[Row] | Mapping[str, Sequence[Any] | NDArray[Any]]
    scores: NDArray[np.float64]
    decisions: Sequence[Any]
    latency_ms: float
    rows: Sequence[int] | NDArray[np.intp] | None = None
    shadow: bool = False
    ids: Ids | None = None


class Common(msgspec.Struct, omit_defaults=True, gc=False):
    """What all lines of an entry have in common."""

    request: str
    time: datetime.datetime
    model: str
    bundle: str
    contract: str
    variant: str
    answered_by: str
    latency_ms: float
    shadow: bool = False
    caller: str | None = None
    client_request: str | None = None
    traceparent: str | None = None


class LogLine(msgspec.Struct, omit_defaults=True, gc=False):
    """A line of the log.

    request: the JSON of `Common` from this value on. It is the same for all rows, and encoding it for each of them
    would take as long as encoding their inputs.
    """

    request: msgspec.Raw
    row: int
    inputs: Any
    score: Any
    decision: Any
    ids: dict[str, Any] | None = None


def lines(entry: LogEntry) -> Iterator[LogLine]:
    """The lines of a request, one for each row. Personal data is masked, except missing values.

    Raises ValueError if the parts of the entry have different lengths.
    """
    masked_names, count = entry.source.masked, len(entry.scores)
    places = None if entry.rows is None else [int(row) for row in entry.rows]
    if len(entry.decisions) != count or (places is not None and len(places) != count):
        raise ValueError(f"{count} scores have {len(entry.decisions)} decisions")
    inputs = _columns(entry.inputs, places) if isinstance(entry.inputs, Mapping) else _rows(entry.inputs, places, count)
    # all of it runs in C: 1,000 rows take half a millisecond, most of it for formatting numbers
    return map(
        LogLine,
        repeat(_common(entry)),
        range(count) if places is None else places,
        (_mask(row, masked_names) for row in inputs) if masked_names else inputs,
        entry.scores.tolist(),
        entry.decisions,
        repeat(None) if entry.ids is None else _ids(entry.ids, places, masked_names),
    )


def encode(batch: Sequence[LogLine]) -> tuple[bytes, int]:
    """The lines as bytes, each with its newline, and the number of lines left out because JSON cannot hold them.

    A text that is no Unicode (a lone surrogate, which JSON can send as an escape) gets U+FFFD in its place.
    """
    try:
        return _ENCODER.encode_lines(batch), 0
    except Exception:  # one of them has a lone surrogate or an unknown type
        encoded = [line + b"\n" for line in map(_encode_or_none, batch) if line is not None]
        return b"".join(encoded), len(batch) - len(encoded)


def encode_row(entry: LogEntry) -> bytes | None:
    """The line of an entry with one row, with its newline; None if JSON cannot hold it."""
    if isinstance(entry.inputs, Mapping) or entry.rows is not None or entry.source.masked:
        (line,) = lines(entry)
    else:
        (score,), (inputs,), (decision,) = entry.scores.tolist(), entry.inputs, entry.decisions
        ids = None if entry.ids is None else next(_ids(entry.ids, None, ()))
        line = LogLine(_common(entry), 0, inputs, score, decision, ids)
    return encode([line])[0] or None


def _common(entry: LogEntry) -> msgspec.Raw:
    source, asked = entry.source, entry.request
    common = Common(
        asked.id,
        datetime.datetime.fromtimestamp(entry.time, datetime.UTC),
        source.model,
        entry.bundle,
        source.contract,
        source.variant,
        entry.answered_by,
        round(entry.latency_ms, 3),
        entry.shadow,
        asked.caller,
        asked.client_id,
        asked.traceparent,
    )
    encoded = _encode_or_none(common)
    if encoded is None:
        raise ValueError("JSON cannot hold what the lines have in common")
    return msgspec.Raw(encoded[len(b'{"request":') : -1])


def _encode_or_none(part: msgspec.Struct) -> bytes | None:
    try:
        return _ENCODER.encode(part)
    except UnicodeEncodeError:
        pass
    except Exception:
        return None
    try:
        return _ENCODER.encode(_as_unicode(msgspec.to_builtins(part, builtin_types=_BUILTIN)))
    except Exception:
        return None


def _as_unicode(value: Any) -> Any:
    """The value with U+FFFD for each lone surrogate in it."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_as_unicode(name): _as_unicode(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_unicode(item) for item in value]
    return value


def _rows(rows: Sequence[Row], places: Sequence[int] | None, count: int) -> Iterable[Any]:
    if places is not None:
        return [rows[place] for place in places]
    if len(rows) != count:
        raise ValueError(f"{count} scores have {len(rows)} rows")
    return rows


def _columns(inputs: Mapping[str, Any], places: Sequence[int] | None) -> Iterable[Any]:
    columns = [values.tolist() if isinstance(values, np.ndarray) else values for values in inputs.values()]
    if places is not None:
        columns = [[values[place] for place in places] for values in columns]
    if not are_fields(inputs):
        return [dict(zip(inputs, values, strict=True)) for values in zip(*columns, strict=True)]
    return map(_row_of(tuple(inputs)), *columns) if columns else repeat({})


@lru_cache(64)
def _row_of(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """A type for rows with these columns: cheaper to create and to encode than a dictionary."""
    fields = [(f"f{place}", Any) for place in range(len(names))]
    rename = {f"f{place}": name for place, name in enumerate(names)}
    return msgspec.defstruct("InputRow", fields, rename=rename, gc=False)


def _ids(ids: Ids, places: Sequence[int] | None, masked_names: tuple[str, ...]) -> Iterator[dict[str, Any] | None]:
    """The ids of each row that were sent, or None if there are none. Personal data is masked."""
    columns: list[Sequence[Any]] = list(ids.values())
    if places is not None:
        columns = [[values[place] for place in places] for values in columns]
    for values in zip(*columns, strict=True):
        sent = {name: value for name, value in zip(ids, values, strict=True) if value is not None}
        yield (_mask(sent, masked_names) if masked_names else sent) or None


def _mask(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    masked_row = msgspec.to_builtins(row) if isinstance(row, msgspec.Struct) else dict(row)
    for name in names:
        if masked_row.get(name) is not None:
            masked_row[name] = MASK
    return masked_row


_ENCODER = msgspec.json.Encoder()
_BUILTIN = (datetime.datetime, msgspec.Raw)
