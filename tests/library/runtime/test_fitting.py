from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from modelyard.runtime.fitting import field_hints, fits, misfits


@dataclass
class Sized:
    name: str
    size: float | None = None


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (1, int, True),
        (True, int, False),
        (1.0, int, False),
        (1, float, True),
        (True, float, False),
        (float("nan"), float, False),
        (float("inf"), float | None, False),
        (None, float | None, True),
        ("x", str, True),
        (None, str, False),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        ([], Literal["a", "b"], False),
        ([1, "x"], list[int | str], True),
        ([1, None], list[int | str], False),
        ({"a": 1}, dict[str, int], True),
        ({"a": "1"}, dict[str, int], False),
        ([], dict[str, int], False),
        ({}, Sized, True),
        ([], Sized, False),
        (object(), Any, True),
    ],
)
def test_a_value_fits_its_type_and_no_other(value, hint, expected):
    assert fits(value, hint) is expected


def test_what_does_not_fit_is_told_with_what_would():
    hints = field_hints(Sized) | {
        "kinds": list[int],
        "one": Literal["a"],
        "by": dict[str, Sized],
        "any": dict[str, Any],
    }
    content = {"name": None, "size": "x" * 90, "kinds": 1, "one": 1, "by": 1, "further": 1}
    assert list(misfits(content, hints)) == [
        "name must be a text, not None",
        f"size must be a number or null, not '{'x' * 59}...",
        "kinds must be an array, each value a whole number, not 1",
        "one must be one of 'a', not 1",
        "by must be an object, each value an object, not 1",
        "any is missing",
    ]
