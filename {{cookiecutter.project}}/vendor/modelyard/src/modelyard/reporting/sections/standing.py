"""How a difference between main's model and this one reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...markdown import interval, number

SIGNS = {"better": "🟢", "worse": "🔴", "same": "⚪"}


def standing(found: Mapping[str, Any]) -> str | None:
    """Whether a difference is `better`, `worse` or, beyond the noise, the `same`; None where it is undefined."""
    low, high = found["low"], found["high"]
    if low is None or high is None:
        return None
    if low <= 0 <= high:
        return "same"
    return "better" if (low > 0) == found.get("higher_is_better", False) else "worse"


def sign(found: Mapping[str, Any]) -> str:
    """The standing as a reader sees it at a glance."""
    word = standing(found)
    return f"{SIGNS[word]} {word}" if word else "-"


def difference(found: Mapping[str, Any]) -> str:
    """A difference with its interval."""
    if found["difference"] is None:
        return "-"
    ends = interval(found["low"], found["high"], signed=True)
    return f"{number(found['difference'], signed=True)} ({ends})"
