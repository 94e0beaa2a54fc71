"""Words for a difference between main's model and this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...markdown import interval, number

SIGNS = {"better": "🟢", "worse": "🔴", "same": "⚪"}


def standing(comparison: Mapping[str, Any]) -> str | None:
    """`better` or `worse` for a significant difference, else `same`; None if it is undefined."""
    low, high = comparison["low"], comparison["high"]
    if low is None or high is None:
        return None
    if low <= 0 <= high:
        return "same"
    return "better" if (low > 0) == comparison.get("higher_is_better", False) else "worse"


def sign(comparison: Mapping[str, Any]) -> str:
    """The standing with a coloured sign."""
    word = standing(comparison)
    return f"{SIGNS[word]} {word}" if word else "-"


def difference(comparison: Mapping[str, Any]) -> str:
    """A difference with its interval."""
    if comparison["difference"] is None:
        return "-"
    ends = interval(comparison["low"], comparison["high"], signed=True)
    return f"{number(comparison['difference'], signed=True)} ({ends})"
