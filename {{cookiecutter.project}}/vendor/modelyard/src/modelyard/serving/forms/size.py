"""How many values a body may hold, counted before it is parsed: parsed values take many times the memory of their text.

A body of 16 MB can hold five million empty arrays, which take 400 MB, and no row is larger than its contract says.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ...runtime.contract import Contract
from ..refusal import Refusal

SMALL = 1_000_000  # bytes of a body that is not looked at; its values take some 30 MB at most
ROOM = 100_000  # values, and arrays, beside those of the rows; they take some 10 MB
STEP = 1000  # marks that are counted by one call; other threads wait for it
# Text up to the next mark, strings left out. A string without an end goes up to the body's. Nothing is tried twice: the
# quantifiers are possessive, and each call of `match` starts where the one before ended.
TO_MARK = rb'(?:[^"%(marks)b]*+"(?:[^"\\]++|\\.)*+"?)*+[^"%(marks)b]*+[%(marks)b]'


def check_size(body: bytes, contract: Contract, rows: int, tensors: bool = False) -> None:
    """Raise Refusal with status 413 if a body holds more values, or more arrays and objects, than `rows` rows can have.

    tensors: whether each value may stand in an array of its own.
    """
    if len(body) <= SMALL:
        return
    values = rows * len(contract.columns) + ROOM
    # a column that is no input may hold anything, and an array of its own for each row is enough
    nested = values if tensors else rows * (1 + len(contract.columns) - len(contract.inputs)) + ROOM
    for marks, most, what in ((b",", values, "values"), (b"[{", nested, "arrays and objects")):
        if sum(map(body.count, marks)) > most and _exceeds(body, marks, most):
            raise _too_many(what, most, rows)
    # an object has a key for each column, and a tensor at most eight; the parser would remember each of the others
    keys = body.count(b"{") * max(len(contract.columns), 8) + ROOM
    if body.count(b'":') > keys and _exceeds(body, b":", keys):
        raise _too_many("keys", keys, rows)


def _too_many(what: str, most: int, rows: int) -> Refusal:
    detail = f"the body holds more than {most} {what}, and {rows} rows have no more; send the rows in parts"
    return Refusal(413, "too many values", detail)


def _exceeds(body: bytes, marks: bytes, most: int) -> bool:
    """Whether more than `most` of the marks stand outside of strings, or at least so many thousands of them."""
    pattern = _pattern(marks)
    count = end = 0
    while count <= most:
        found = pattern.match(body, end)
        if found is None:
            return False
        count, end = count + STEP, found.end()
    return True


@lru_cache
def _pattern(marks: bytes) -> re.Pattern[bytes]:
    return re.compile(b"(?:%b){%d}+" % (TO_MARK % {b"marks": re.escape(marks)}, STEP), re.DOTALL)
