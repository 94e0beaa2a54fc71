"""Projects of each task, generated and run once, for the tests that run in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka_broker import broker  # noqa: F401 - a fixture
from s3_server import s3  # noqa: F401 - a fixture

from projects import Project, clone_of, made_once, made_small

TESTS = Path(__file__).parent
LIBRARY = TESTS / "library"
OF_FILES = ("test_links.py", "test_repository.py")  # a short test for each file that there is
# Groups that take minutes, the longest first
LONGEST = ("release", "images", "classification", "regression")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those begin first that take longest, else the other workers have nothing to do while one ends the last one.

    The tests of a file of the library are one group, so that what they share is made by one worker only. They come
    last, as they are many and short.
    """
    for item in items:
        one_group = item.path.is_relative_to(LIBRARY) or item.path.name in OF_FILES
        if one_group and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(TESTS).as_posix()))
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    group = item.get_closest_marker("xdist_group")
    if group and group.args[0] in LONGEST:
        return LONGEST.index(group.args[0])
    if item.get_closest_marker("longest"):
        return len(LONGEST)
    return len(LONGEST) + 1 + item.path.is_relative_to(LIBRARY)


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


@pytest.fixture
def small_clone(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same for classification, of few months and with a small model: for tests to which the amount is the same."""
    return clone_of(made_small(tmp_path_factory), tmp_path)
