"""A store in a folder, what a verb says, and a GitHub for what talks to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from library.github_server import client, github  # noqa: F401 - fixtures
from modelyard.production.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in a folder, with nothing in it."""
    return Store(str(tmp_path / "store"))


@pytest.fixture
def said() -> list[str]:
    """Lines that a verb says: give it `said.append`."""
    return []
