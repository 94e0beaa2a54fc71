"""Orders of a shop, taken once for each kind of task; a test changes a copy, and runs in its folder."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from library.reviewed import TARGETS, Orders, lay_out_orders


@pytest.fixture(scope="session")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Orders]:
    """A folder of each kind in which the orders are taken; not to be changed."""
    folder = tmp_path_factory.mktemp("orders")
    made = {kind: lay_out_orders(folder / kind, kind) for kind in TARGETS}
    with pytest.MonkeyPatch.context() as patch:
        for one in made.values():
            patch.chdir(one.root)
            one.take()
    return made


@pytest.fixture
def own(taken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Orders]:
    """A copy of one kind, to be changed."""

    def copy(kind: str) -> Orders:
        root = tmp_path / "orders"
        shutil.copytree(taken[kind].root, root)
        monkeypatch.chdir(root)
        return dataclasses.replace(taken[kind], root=root)

    return copy


@pytest.fixture
def binary(own) -> Orders:
    """Two classes by months, to be changed."""
    return own("binary")


@pytest.fixture(params=TARGETS)
def shop(own, request: pytest.FixtureRequest) -> Orders:
    """Each kind of task, to be changed."""
    return own(request.param)
