"""A pytest plugin for a project's tests: which of their modules read which of the project's files.

TRAINYARD_READS is JSON: the `files` to watch, where to write (`out`) what came of it, {"tests/test_a.py":
["policy.yaml"]}, and the fixtures (`laid_out`) whose reading is not counted. The kernel watches (inotify), so what a
program reads that a test starts is seen too.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

OPENED = 0x20  # IN_OPEN of inotify(7)
EVENT = struct.Struct("iIII")  # the watch, what happened, a cookie, the length of the name that follows
C = ctypes.CDLL(None, use_errno=True)


class Watch:
    """Tells which of some files were opened since it was last asked."""

    def __init__(self, root: Path, names: list[str]) -> None:
        self._queue = C.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._names = {C.inotify_add_watch(self._queue, os.fsencode(root / name), OPENED): name for name in names}
        if self._queue < 0 or min(self._names) < 0:
            raise OSError(ctypes.get_errno(), f"inotify watches not all of {names} in {root}")

    def opened(self) -> set[str]:
        """Their names; an event of another number says that some were lost, and is a fault."""
        found: set[str] = set()
        while True:
            try:
                told = os.read(self._queue, 1 << 16)
            except BlockingIOError:
                return found
            place = 0
            while place < len(told):
                watch, _, _, length = EVENT.unpack_from(told, place)
                found.add(self._names[watch])
                place += EVENT.size + length


class Reads:
    """What each module has read."""

    def __init__(self, root: Path, asked: dict[str, Any]) -> None:
        self._out = Path(asked["out"])
        self._laid_out: list[str] = asked["laid_out"]
        self._watch = Watch(root, asked["files"])
        self._found: dict[str, set[str]] = {}
        self._module = ""

    def _take(self, who: str = "") -> None:
        if opened := self._watch.opened():
            self._found.setdefault(who or self._module, set()).update(opened)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """All that is read while a test runs, with its fixtures, is read by its module."""
        self._take()  # of what a test before has started
        self._module = item.location[0]
        result = yield
        self._take()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        """What a fixture of many modules reads is its own, or is forgotten."""
        self._take()
        try:
            return (yield)
        finally:
            if fixturedef.argname in self._laid_out:
                self._watch.opened()
            elif fixturedef.scope in ("session", "package"):
                self._take(f"fixture {fixturedef.argname}")

    def pytest_sessionfinish(self) -> None:
        """Write what was found."""
        self._take()
        told = {module: sorted(names) for module, names in self._found.items()}
        self._out.write_text(json.dumps(told, indent=1), encoding="utf-8")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin when pytest itself has read its settings."""
    session.config.pluginmanager.register(Reads(session.config.rootpath, json.loads(os.environ["TRAINYARD_READS"])))
