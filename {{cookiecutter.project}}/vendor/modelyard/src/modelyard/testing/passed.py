"""Which checks of this room a test has passed, for the results in junit.xml.

A team names its tests as it likes; the names of the checks stay, so that others can read there what was checked.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

PROPERTY = "check"
P = ParamSpec("P")
_passed: list[str] = []


def noted(check: Callable[P, None]) -> Callable[P, None]:
    """The same check, which notes its name when it has passed."""

    @functools.wraps(check)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        __tracebackhide__ = True
        check(*args, **kwargs)
        _passed.append(check.__name__)

    return run


def take_passed() -> list[str]:
    """The names of the checks that have passed since the last call, in their order."""
    names = list(_passed)
    _passed.clear()
    return names
