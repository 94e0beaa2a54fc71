"""A feature as steps: for each entity the times at which its value changes, and the value from then on.

A record counts from when it is known (or happens, if that is later) until it leaves the window or a later version of it
becomes known. So what a row sees is the last step that is not after its time, in training and in the service.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ....runtime.history import HistoryFeature, span
from ..conform import ARROW
from .changes import Ints, Part, different, halves, inside, joined, newest, running, union, values_at
from .records import EXACTLY, Records

RECORDS = 1 << 17  # of whole entities, that are worked on at once
KEYS = 1 << 62  # what an entity and a time have room for
BLOCK = 1 << 16  # rows that are looked up at once, whose places in the steps stay in the processor's cache
PLACES = (None, "last")  # whose values are those of records


@dataclass(frozen=True)
class Steps:
    """The steps of one feature, in the order of entity and time.

    keys: the columns of the entities, the code of one being its place. starts: for each code the place of its first
    step, and at the end the number of all. moment: microseconds since 1970. values: from then on, null where it is
    missing.
    """

    feature: HistoryFeature
    keys: pa.Table
    starts: Ints
    moment: Ints
    values: pa.Array

    def at(self, keys: list[pa.ChunkedArray], moments: Ints) -> pa.Array:
        """The value of n entities, by their columns, each at its time in microseconds since 1970."""
        codes = codes_of(keys, self.keys)
        blocks = [slice(start, start + BLOCK) for start in range(0, len(codes), BLOCK)]
        found = [np.empty(0, np.int64), *(self._places(codes[block], moments[block]) for block in blocks)]
        places = np.concatenate(found)
        nothing = places < 0
        values = self.values.take(pa.array(places, mask=nothing))
        if self.feature.absent is None:
            return values
        return pc.if_else(pa.array(nothing), pa.scalar(self.feature.absent, values.type), values)

    def _places(self, codes: Ints, moments: Ints) -> Ints:
        """The last step of each entity that is not after its time; -1 where there is none."""
        if not len(self.moment):
            return np.full(len(codes), -1)
        known = np.maximum(codes, 0)
        first = self.starts[known]
        low, high = first, np.where(codes < 0, first, self.starts[known + 1])
        while (unsure := low < high).any():
            middle = (low + high) >> 1
            passed = unsure & (self.moment[np.minimum(middle, len(self.moment) - 1)] <= moments)
            low, high = np.where(passed, middle + 1, low), np.where(unsure & ~passed, middle, high)
        return np.where(low > first, low - 1, -1)


def steps_of(feature: HistoryFeature, records: Records) -> Steps:
    """The steps of a feature by its records."""
    names = [f"k{place}" for place in range(len(records.keys))]
    keys = pa.table(records.keys, names).drop_null().group_by(names, use_threads=False).aggregate([])
    codes = codes_of(records.keys, keys)
    order = np.argsort(codes, kind="stable")[np.count_nonzero(codes < 0) :]
    starts, moments, values = [np.zeros(1, np.int64)], [], [pa.array([], ARROW[feature.column.type])]
    before = 0
    for first, last, places in _parts(codes, order, keys.num_rows, _width(feature, records)):
        part = _part(feature, records, codes[places] - first, places)
        found, made = _changes(feature, records, part, places)
        moments.append(found % part.width + part.first)
        values.append(made)
        starts.append(before + np.searchsorted(found // part.width, np.arange(last - first), side="right"))
        before += len(found)
    moment = np.concatenate(moments) if moments else np.empty(0, np.int64)
    moments.clear()  # which are as large
    return Steps(feature, keys, np.concatenate(starts), moment, pa.concat_arrays(values))


def codes_of(keys: list[pa.ChunkedArray], entities: pa.Table) -> Ints:
    """The place of each of n rows' entity among the entities; -1 where it is none of them."""
    names, rows = entities.column_names, len(keys[0])
    asked = pa.table([*keys, pa.array(np.arange(rows))], [*names, "place"])
    known = entities.append_column("code", pa.array(np.arange(entities.num_rows)))
    found = asked.join(known, names, join_type="inner", use_threads=False)
    codes = np.full(rows, -1, dtype=np.int64)
    codes[found["place"].to_numpy()] = found["code"].to_numpy()
    return codes


def _parts(codes: Ints, order: Ints, entities: int, width: int) -> Iterator[tuple[int, int, Ints]]:
    """Entities from one code to before another, with the places of their records."""
    ends = np.searchsorted(codes[order], np.arange(entities), side="right")
    first = start = 0
    while first < entities:
        last = max(int(np.searchsorted(ends, start + RECORDS, side="right")), first + 1)
        last = min(last, first + max(KEYS // width, 1))
        yield first, last, order[start : ends[last - 1]]
        first, start = last, int(ends[last - 1])


def _width(feature: HistoryFeature, records: Records) -> int:
    if not len(records.event):
        return 1
    latest = max(records.event.max(), records.known.max())
    ahead = max(_microseconds(text) for text in (feature.window, feature.maximum_age) if text)
    return int(latest) - int(records.event.min()) + ahead + 2


def _part(feature: HistoryFeature, records: Records, code: Ints, places: Ints) -> Part:
    known = records.value is None or records.value.null_count == 0
    has_value = np.ones(len(places), bool) if known else records.has_value[places]
    first = int(records.event.min())
    event, width = records.event[places], _width(feature, records)
    return Part(code, event, records.known[places], records.apart[places], has_value, first, width)


def _changes(feature: HistoryFeature, records: Records, part: Part, places: Ints) -> tuple[Ints, pa.Array]:
    """The keys at which the value of some entities changes, and the value from then on."""
    window = feature.window and _microseconds(feature.window)
    fresh = feature.maximum_age and _microseconds(feature.maximum_age) + 1  # that age itself is not too old
    kind = ARROW[feature.column.type]
    if feature.aggregate in PLACES:
        keys, found = newest(part, min(limit for limit in (window, fresh) if limit))
        taken = pa.array(places[found], mask=found < 0)
        return keys, records.values.take(taken).cast(kind)
    keys, (count, *sums) = _sums(feature, records, part, places, int(window or 0))
    answers: NDArray = count
    absent = np.zeros(len(keys), bool)
    if sums:
        answers = joined(*sums)
    if feature.aggregate == "mean":
        absent = count == 0
        answers = answers / np.where(absent, 1, count)
    if fresh:
        start, ends = part.key(part.code, part.begins), part.key(part.code, part.event + fresh)
        is_fresh = start < ends
        moments, (lively,) = running(start[is_fresh], ends[is_fresh])
        both = union(keys, moments)
        answers, absent = values_at(keys, answers, both), values_at(keys, absent, both)
        keys, absent = both, absent.astype(bool) | (values_at(moments, lively, both) == 0)
    return keys, pa.array(answers, kind, mask=absent)


def _sums(feature: HistoryFeature, records: Records, part: Part, places: Ints, window: int) -> tuple[Ints, list[Ints]]:
    """The keys at which the number of values in the window, or of different ones, and their sum change, and those."""
    if feature.aggregate == "distinct":
        keys, count = different(part, window, records.numbered[places])
        return keys, [count]
    counted, start, ends = inside(part, window)
    amounts = halves(records.numbers[places[counted]]) if feature.aggregate in EXACTLY else ()
    return running(start, ends, *amounts)


def _microseconds(text: str) -> int:
    return (span(text) or datetime.timedelta()) // datetime.timedelta(microseconds=1)
