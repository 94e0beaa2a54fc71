from __future__ import annotations

import json
import random

import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.serving.forms.size import ROOM, SMALL, STEP, _exceeds, check_size
from modelyard.serving.refusal import Refusal

SHOP = Contract(
    "shop",
    "Sales",
    "Ada",
    {
        "price": Column("number", "feature", ""),
        "note": Column("string", "unused", ""),
        "pieces": Column("integer", "target", ""),
    },
)
ROWS = 50_000
LONG = b" " * SMALL  # so that a body is looked at
FULL = {"price": 1.5, "note": "a, b [c] {d}", "pieces": 1}


def refused(body: bytes, tensors: bool = False) -> str | None:
    try:
        check_size(body, SHOP, ROWS, tensors)
    except Refusal as refusal:
        return f"{refusal.status} {refusal.title}: {refusal.detail}"
    return None


@pytest.mark.parametrize(
    "content",
    [
        {"rows": [FULL] * ROWS},
        {"columns": {name: [value] * ROWS for name, value in FULL.items()}},
        {"rows": [FULL | {"note": [1, {}]}] * (ROWS // 2)},  # what is no input may be anything
        {"columns": {"note": ['x":'] * ROWS, "price": [1] * ROWS}},
        FULL | {"note": '":' * 200_000},
        FULL | {"note": '[{,\\"' * 100_000},
    ],
)
def test_a_body_with_as_many_rows_as_are_allowed_passes(content):
    assert refused(LONG + json.dumps(content).encode()) is None


def test_tensors_may_have_each_value_in_an_array_of_its_own():
    tensors = [{"name": name, "shape": [ROWS, 1], "data": [[value]] * ROWS} for name, value in FULL.items()]
    body = LONG + json.dumps({"inputs": tensors}).encode()
    assert refused(body, tensors=True) is None
    assert refused(body) is None  # it has room for these
    body = body.replace(b"[1.5]", b"[[[[1.5]]]]")
    assert f"more than {3 * ROWS + ROOM} arrays and objects" in str(refused(body, tensors=True))
    assert f"more than {3 * ROWS + ROOM} arrays and objects" in str(refused(body))


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"rows":[' + b"{}," * 400_000 + b"{}]}", "values"),
        (b'{"columns":{"price":[' + b"1," * 400_000 + b"1]}}", "values"),
        (b'{"price":1,"note":[' + b'"a",' * 400_000 + b"1]}", "values"),
        (b"{" + b'"a":1,' * 110_000 + b"}", "keys"),
        (b"[" * 400_000, "arrays and objects"),
        (b'{"a":' * 400_000, "arrays and objects"),
    ],
)
def test_a_body_with_more_than_any_rows_need_is_refused_unparsed(body, what):
    body += LONG
    assert str(refused(body)).startswith("413 too many values: the body holds more than ")
    assert f" {what}, and {ROWS} rows have no more; send the rows in parts" in str(refused(body))


def test_a_small_body_is_not_looked_at():
    check_size(b"," * SMALL, SHOP, -ROOM)
    with pytest.raises(Refusal):
        check_size(b"," * (SMALL + 1), SHOP, -ROOM)


def test_so_many_more_values_are_allowed():
    most = ROWS * 3 + ROOM
    assert refused(b"," * most + LONG) is None
    assert refused(b"," * (most + STEP) + LONG) is not None


def test_marks_in_strings_are_left_out():
    choose = random.Random(3)  # noqa: S311, nothing secret
    for _ in range(200):
        body = bytes(choose.choices(b'[{,"\\a\n', k=choose.randrange(20_000)))
        for marks in (b",", b"[{"):
            count = outside(body, marks)
            for most in (0, STEP - 1, STEP, count - STEP, count, 5 * STEP):
                assert _exceeds(body, marks, most) is (count // STEP * STEP > most)


def outside(body: bytes, marks: bytes) -> int:
    """How many marks stand outside of strings, counted one by one."""
    count, is_string, is_escaped = 0, False, False
    for byte in body:
        if is_escaped:
            is_escaped = False
        elif is_string and byte == ord("\\"):
            is_escaped = True
        elif byte == ord('"'):
            is_string = not is_string
        elif not is_string:
            count += byte in marks
    return count


def test_a_string_without_an_end_is_read_once():
    assert not _exceeds(b"," + b'"' + b'\\"' * 1_000_000, b",", 1)  # reading it again and again would take days
