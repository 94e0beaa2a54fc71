"""Whether a value that was read from JSON fits a type hint. This module needs the standard library only."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def misfits(content: Mapping[str, Any], hints: Mapping[str, Any]) -> Iterator[str]:
    """A message for each key of the hints that is missing or has a value of another type; further keys may be there."""
    for key, hint in hints.items():
        if key not in content:
            yield f"{key} is missing"
        elif not fits(content[key], hint):
            yield f"{key} must be {described(hint)}, not {_shown(content[key])}"


def field_hints(dataclass: type) -> dict[str, Any]:
    """The hint of each field of a dataclass."""
    hints = get_type_hints(dataclass)
    return {field.name: hints[field.name] for field in dataclasses.fields(dataclass)}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type: a plain one, `list`, `dict` with texts as keys, `Literal`, a union of them, or Any.

    True is no number, a whole number is also a float, and NaN and infinities fit nothing but Any. An object fits every
    dataclass; `misfits` looks at its fields.
    """
    if hint is Any:
        return True
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in inner)
    if origin is list:
        return isinstance(value, list) and all(fits(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, inner[1]) for one in value.values())
    if dataclasses.is_dataclass(hint):
        return isinstance(value, dict)
    if hint is float:
        return type(value) is int or (type(value) is float and math.isfinite(value))
    return value is None if hint is type(None) else type(value) is hint


def described(hint: Any) -> str:
    """A type as it is written in a message."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(map(described, inner))
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}"
    if origin is list:
        return f"an array, each value {described(inner[0])}"
    if origin is dict:
        return "an object" if inner[1] is Any else f"an object, each value {described(inner[1])}"
    if dataclasses.is_dataclass(hint):
        return "an object"
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "an object"}
    return "null" if hint is type(None) else words.get(hint, "a value")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
