"""A change of settings: what it reads like, and the requests that make it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """One call of the API."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True)
class Change:
    """Lines of a diff (`+` made, `~` changed, `-` removed) and the requests that carry them out, in order."""

    lines: tuple[str, ...]
    requests: tuple[Request, ...]


def shown(value: Any) -> str:
    """A value as JSON, one that is absent as `unset`."""
    return "unset" if value is None else json.dumps(value)
