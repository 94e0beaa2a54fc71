"""A change of settings: its lines in the diff, and the requests that carry it out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ApiCall:
    """One call of the API."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True)
class Change:
    """Lines of a diff (`+` made, `~` changed, `-` removed) and the requests that carry them out, in order.

    why: why the repository is refused until then; empty for what is only to be changed.
    """

    lines: tuple[str, ...]
    requests: tuple[ApiCall, ...]
    why: str = ""


def shown(value: Any) -> str:
    """A value as JSON; `unset` for None."""
    return "unset" if value is None else json.dumps(value)
