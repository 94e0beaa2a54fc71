"""Projects of each task, generated and run once, for the tests that run in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import Project, clone_of, made_once


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those begin first that take longest, else one core has nothing to do while the other ends the last one."""
    items.sort(key=lambda item: not item.get_closest_marker("longest"))


def _each_task_on_one_worker() -> list[object]:
    return [pytest.param(task, marks=pytest.mark.xdist_group(task)) for task in ("classification", "regression")]


@pytest.fixture(scope="session", params=_each_task_on_one_worker())
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of each task; commands may run in it, one test at a time, and leave it as it is."""
    return made_once(request.param, tmp_path_factory)


@pytest.fixture
def clone(project: Project, tmp_path: Path) -> Project:
    """A clone to change, with the project's data and its environment."""
    return clone_of(project, tmp_path)
