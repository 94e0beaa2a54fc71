"""What the prediction log says of an answered row: one JSON object a line."""

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

MASK = "<masked>"

Row = Mapping[str, Any] | msgspec.Struct


class Source(msgspec.Struct, frozen=True):
    """What is the same for all that one model answers. contract: its hash; masked: its columns with personal data."""

    model: str
    contract: str
    variant: str
    masked: tuple[str, ...] = ()


def masked(contract: Contract) -> tuple[str, ...]:
    """The columns whose values the log must not hold, inputs or not."""
    return tuple(name for name, column in contract.columns.items() if column.pii)


class Entry(msgspec.Struct, frozen=True):
    """One answered request of n rows.

    time: seconds since 1970. inputs: the rows as they were given, or the columns. scores and decisions: n of each.
    rows: the positions in the request that the scores belong to, where they are not for all; inputs are the whole
    request's all the same.
    """

    source: Source
    request: str
    time: float
    bundle: str
    answered_by: str
    inputs: Sequence[Row] | Mapping[str, Sequence[Any] | NDArray[Any]]
    scores: NDArray[np.float64]
    decisions: Sequence[Any]
    latency_ms: float
    rows: Sequence[int] | NDArray[np.intp] | None = None
    shadow: bool = False


class Line(msgspec.Struct, omit_defaults=True, gc=False):
    """A line of the log."""

    request: str
    time: datetime.datetime
    model: str
    bundle: str
    contract: str
    variant: str
    answered_by: str
    latency_ms: float
    row: int
    inputs: Any
    score: Any
    decision: Any
    shadow: bool = False


def lines(entry: Entry) -> Iterator[Line]:
    """The lines of a request, one a row. Values of columns with personal data are masked; what is missing shows so.

    Raises ValueError where the parts of the entry do not fit together.
    """
    source, count = entry.source, len(entry.scores)
    places = None if entry.rows is None else [int(row) for row in entry.rows]
    if len(entry.decisions) != count or (places is not None and len(places) != count):
        raise ValueError(f"{count} scores have {len(entry.decisions)} decisions")
    inputs = _columns(entry.inputs, places) if isinstance(entry.inputs, Mapping) else _rows(entry.inputs, places, count)
    # all of it in C: a batch of 1,000 rows takes a millisecond, most of which is the writing of numbers
    return map(
        Line,
        repeat(entry.request),
        repeat(datetime.datetime.fromtimestamp(entry.time, datetime.UTC)),
        repeat(source.model),
        repeat(entry.bundle),
        repeat(source.contract),
        repeat(source.variant),
        repeat(entry.answered_by),
        repeat(round(entry.latency_ms, 3)),
        range(count) if places is None else places,
        (_mask(row, source.masked) for row in inputs) if source.masked else inputs,
        entry.scores.tolist(),
        entry.decisions,
        repeat(entry.shadow),
    )


def encode(some: Sequence[Line]) -> tuple[bytes, int]:
    """The lines as bytes, each with its end, and how many could not be written as JSON and are left out."""
    try:
        return _ENCODER.encode_lines(some), 0
    except Exception:  # one of them holds what JSON cannot: a lone surrogate, an object of no known type
        kept = [line for line in map(_encode_or_none, some) if line is not None]
        return b"".join(kept), len(some) - len(kept)


def encode_one(entry: Entry) -> bytes | None:
    """The line of an entry that has one row, with its end; None where it cannot be written as JSON."""
    source = entry.source
    if isinstance(entry.inputs, Mapping) or entry.rows is not None or source.masked:
        (line,) = lines(entry)
        return _encode_or_none(line)
    (score,), (inputs,), (decision,) = entry.scores.tolist(), entry.inputs, entry.decisions
    return _encode_or_none(
        Line(
            entry.request,
            datetime.datetime.fromtimestamp(entry.time, datetime.UTC),
            source.model,
            entry.bundle,
            source.contract,
            source.variant,
            entry.answered_by,
            round(entry.latency_ms, 3),
            0,
            inputs,
            score,
            decision,
            entry.shadow,
        )
    )


def _encode_or_none(line: Line) -> bytes | None:
    try:
        return _ENCODER.encode(line) + b"\n"
    except Exception:
        return None


def _rows(given: Sequence[Row], places: Sequence[int] | None, count: int) -> Iterable[Any]:
    if places is not None:
        return [given[place] for place in places]
    if len(given) != count:
        raise ValueError(f"{count} scores have {len(given)} rows")
    return given


def _columns(given: Mapping[str, Any], places: Sequence[int] | None) -> Iterable[Any]:
    columns = [values.tolist() if isinstance(values, np.ndarray) else values for values in given.values()]
    if places is not None:
        columns = [[values[place] for place in places] for values in columns]
    return map(_row_of(tuple(given)), *columns) if columns else repeat({})


@lru_cache(64)
def _row_of(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """What holds a row of these columns: cheaper to make and to write than a dictionary."""
    fields = [(f"f{place}", Any) for place in range(len(names))]
    rename = {f"f{place}": name for place, name in enumerate(names)}
    return msgspec.defstruct("Given", fields, rename=rename, gc=False)


def _mask(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    kept = msgspec.to_builtins(row) if isinstance(row, msgspec.Struct) else dict(row)
    for name in names:
        if kept.get(name) is not None:
            kept[name] = MASK
    return kept


_ENCODER = msgspec.json.Encoder()
