"""The local GitHub for the tests of workflows.

    def test_the_report_is_posted(github, tmp_path):
        repository = github.create("owner/flight-delays")
        github.push(repository, "main", project.root)             # HEAD of a clone
        github.deliver(only=())                                   # forget what that push would start
        github.push(repository, "more-trees", {"params.yaml": changed}, "Grow more trees")
        pull = github.open_pull_request(repository, "more-trees")
        runs = github.deliver(only={"train.yml", "report.yml"})
        train = next(run for run in runs if run.file == "train.yml")
        assert train.conclusion == "success", train.log
        assert train.jobs["train"].steps["Gate"] == "success"
        assert "report.md" in train.artifacts["report"]
        assert "ships" in train.summary
        assert len(pull.comments) == 1
        assert pull.mergeable_by_checks(["train"])

Branch pushes on a branch with an open pull request start both events, as on GitHub.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .hosted import Hosted, push_of_main, restore_caches, seeded
from .local import GitHub


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    """A GitHub with nothing in it."""
    served = GitHub(tmp_path / "github")
    yield served
    served.stop()


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what the first run of train.yml on main left, `run.json` and the caches."""
    return seeded(tmp_path_factory)[1]


@pytest.fixture
def hosted(github: GitHub, tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    """A project whose main was pushed and proven, with the caches of that run."""
    project, kept = seeded(tmp_path_factory)
    repository = push_of_main(github, project)
    restore_caches(github, repository, kept)
    return Hosted(github, repository, project)
