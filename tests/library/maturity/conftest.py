"""Projects in three states: fresh, after the first release, and with production on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from library import other_project
from library.github_server import GitHub, client, github, running  # noqa: F401 - fixtures
from library.maturity.practice import (
    Practice,
    begin,
    first_release,
    flights,
    go_back,
    hand_over,
    run_pipeline,
    set_up,
    watch,
)
from modelyard.maturity.found import JudgedItem
from modelyard.runtime.project import load_project


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Practice:
    """Flights, by their minutes: generated, the pipeline run and committed. It is not to be changed."""
    root = tmp_path_factory.mktemp("fresh") / "flights"
    practice = flights(root, request.getfixturevalue("flights"))
    run_pipeline(practice)
    practice.commit("Run the pipeline")
    return practice


@pytest.fixture(scope="session")
def released(fresh: Practice, tmp_path_factory: pytest.TempPathFactory) -> Practice:
    """After its first release. It is not to be changed."""
    practice = fresh.copy(tmp_path_factory.mktemp("released") / "at")
    first_release(practice, proven=True)
    return practice


@pytest.fixture(scope="session")
def watched(released: Practice, tmp_path_factory: pytest.TempPathFactory) -> Practice:
    """After a second release, with production watched. It is not to be changed."""
    practice = released.copy(tmp_path_factory.mktemp("watched") / "at")
    watch(practice)
    return practice


@pytest.fixture
def whole(watched: Practice, github: GitHub, tmp_path) -> Practice:  # noqa: F811
    """The same to change, with a rollback and what GitHub keeps of it: settings, and what the runs have left."""
    practice = watched.copy(tmp_path / "at")
    go_back(practice)
    set_up(practice, github)
    return practice


@pytest.fixture(scope="session")
def everything(watched: Practice, tmp_path_factory: pytest.TempPathFactory) -> dict[str, JudgedItem]:
    """How the same is judged as long as no safeguard is removed."""
    practice = watched.copy(tmp_path_factory.mktemp("everything") / "at")
    go_back(practice)
    with pytest.MonkeyPatch.context() as patch, running(patch) as hosted:
        set_up(practice, hosted)
        hand_over(practice, hosted)
        return practice.judge()


@pytest.fixture(scope="session")
def penguins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """Another project, of three classes and without a time, after its first release; nothing was proven."""
    with other_project.importable(tmp_path_factory.mktemp("penguins")) as root:
        practice = begin(root, load_project(other_project.PACKAGE))
        run_pipeline(practice)
        practice.commit("Run the pipeline")
        first_release(practice, proven=False)
        yield practice
