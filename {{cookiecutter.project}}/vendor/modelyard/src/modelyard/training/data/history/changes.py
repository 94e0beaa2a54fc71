"""When the value of an entity changes, from the records about it: the arithmetic behind `steps`.

Times are whole microseconds. Records come in parts of whole entities, and a part's times and entities fit together into
one int64, a key: sorting and running sums then work on plain arrays. Sums are of whole multiples of 2^-40, in two
halves, so that they are exact and the order of the records does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
HALF = 32  # bits
SCALE = 2.0**40


@dataclass(frozen=True)
class Part:
    """n records of some entities, each array of length n.

    code: of the entity, in order, from 0. known: when each became known. apart: what tells events of one entity and
    time apart. has_value: whether there is a value. width: more than the difference of any two times.
    """

    code: Ints
    event: Ints
    known: Ints
    apart: Ints
    has_value: NDArray[np.bool_]
    first: int
    width: int

    def key(self, code: Ints, moment: Ints) -> Ints:
        """One number for an entity and a time, in the order of both."""
        return code * self.width + (moment - self.first)

    @property
    def begins(self) -> Ints:
        """From when each record counts: it has happened and is known."""
        return np.maximum(self.event, self.known)


def newest(part: Part, limit: int) -> tuple[Ints, Ints]:
    """The keys at which the newest event of an entity changes, and the place of its record; -1 after `limit`.

    Of several records of one time, the one that became known last counts.
    """
    happened, begins = part.key(part.code, part.event), part.key(part.code, part.begins)
    order = _order(begins, part.known)
    # a later entity has higher keys, so the running maximum begins anew with each
    standing = order[happened[order] == np.maximum.accumulate(happened[order])]
    start = begins[standing]
    last = np.append(start[1:] > start[:-1], True)
    standing, start = standing[last], start[last]
    ends = happened[standing] + limit
    following = np.append(start[1:], NEVER)
    same = np.append(part.code[standing[1:]] == part.code[standing[:-1]], False)
    expires = (ends > start) & ~(same & (following <= ends))
    keys = np.concatenate([start, ends[expires]])
    places = np.concatenate([np.where(start < ends, standing, -1), np.full(expires.sum(), -1)])
    order = np.argsort(keys, kind="stable")
    return keys[order], places[order]


def inside(part: Part, window: int) -> tuple[Ints, Ints, Ints]:
    """The records that count at some time: their places, and the keys from and to which each does.

    One leaves the window, or a later version of it becomes known, with or without a value.
    """
    order = _order(part.key(part.code, part.event), part.apart, part.known)
    same = np.append(
        (part.code[order[1:]] == part.code[order[:-1]])
        & (part.event[order[1:]] == part.event[order[:-1]])
        & (part.apart[order[1:]] == part.apart[order[:-1]]),
        False,
    )
    replaced = np.full(len(order), NEVER)
    replaced[order[same]] = part.known[order[np.append(False, same[:-1])]]
    ends = np.minimum(part.event + window, replaced)
    places = np.flatnonzero((part.begins < ends) & part.has_value)
    code = part.code[places]
    return places, part.key(code, part.begins[places]), part.key(code, ends[places])


def running(start: Ints, ends: Ints, *amounts: Ints) -> tuple[Ints, list[Ints]]:
    """The keys at which sums over intervals change, in order, and each sum from then on, first the number of them.

    start, ends: the keys of each interval. amounts: what each adds.
    """
    keys = np.concatenate([start, ends])
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    last = np.flatnonzero(np.append(keys[1:] > keys[:-1], True)) if len(keys) else order
    counts = np.ones(len(start), dtype=np.int64)
    # what one entity adds is taken away before the next begins
    return keys[last], [np.cumsum(np.concatenate([one, -one])[order])[last] for one in (counts, *amounts)]


def different(part: Part, window: int, values: NDArray[np.int32]) -> tuple[Ints, Ints]:
    """The keys at which the number of different values changes, and the number from then on.

    values: a number for each record's value.
    """
    places, start, ends = inside(part, window)
    moments = union(start, ends)
    _, pair = np.unique(part.code[places] << 31 | values[places], return_inverse=True)
    places_of = [pair * len(moments) + np.searchsorted(moments, one) for one in (start, ends)]
    keys, (count,) = running(*places_of)
    of_pair, place = np.divmod(keys, max(len(moments), 1))
    there = count > 0
    before = (np.append(False, there[:-1]) & np.append(False, of_pair[1:] == of_pair[:-1]))[: len(keys)]
    keys, (count,) = running(moments[place[there & ~before]], moments[place[before & ~there]])
    return keys, count


def halves(values: NDArray[np.float64]) -> tuple[Ints, Ints]:
    """Numbers as the nearest whole multiples of 2^-40: the upper bits, and the lower ones, which are not negative."""
    scaled = np.rint(values * SCALE)
    upper = np.floor(scaled / 2.0**HALF)
    return upper.astype(np.int64), (scaled - upper * 2.0**HALF).astype(np.int64)


def joined(upper: Ints, lower: Ints) -> NDArray[np.float64]:
    """The numbers of sums of halves, each rounded once."""
    upper, lower = upper + (lower >> HALF), lower & ((1 << HALF) - 1)
    return np.asarray((upper * 2.0**HALF + lower) / SCALE, dtype=np.float64)


def union(*keys: Ints) -> Ints:
    """All of these keys in order, each once."""
    ranked = np.sort(np.concatenate(keys))  # several times as fast as numpy's unique
    return ranked[np.append(True, ranked[1:] > ranked[:-1])[: len(ranked)]]


def values_at(keys: Ints, values: Ints, asked: Ints) -> Ints:
    """The value at each key that is asked for, of the last change before it; 0 before the first of its entity."""
    places = np.searchsorted(keys, asked, side="right") - 1
    return np.where(places < 0, 0, values[np.maximum(places, 0)])


def _order(first: Ints, *then: Ints) -> Ints:
    """The order by several arrays, the first one first; equal ones stay in order. Ties of the first are few."""
    order = np.argsort(first, kind="stable")
    ranked = first[order]
    tie = ranked[1:] == ranked[:-1]
    places = np.flatnonzero(np.append(tie, False) | np.append(False, tie))
    tied = order[places]
    order[places] = tied[np.lexsort([*(one[tied] for one in reversed(then)), first[tied]])]
    return order
