"""Real data for the tests: flights of 2013, thinned out, and the whole pipeline run once on them.

The contract is drafted from the data, so the tests hold whatever contract.yaml says of yours.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
from library import awkward, other_project
from library.laid_out import LaidOut
from modelyard.runtime.project import Project, load_project
from modelyard.training.bundle import bundle
from modelyard.training.data.sources.sample import SampleSource
from modelyard.training.draft.draft import draft
from modelyard.training.draft.roles import Roles
from modelyard.training.edit import edit_yaml
from modelyard.training.evaluate import evaluate
from modelyard.training.ingest import ingest
from modelyard.training.train import train
from sample import PYTHON_PATH, SAMPLE  # first, so that the sample can be imported

from flight_delays import project as flights_project
from projects import shared_by_workers

SETTINGS = ["contract.yaml", "params.yaml", "policy.yaml", "dvc.yaml", "docs/model-card.md"]
UNUSED = {"role": "unused", "values": None, "other": False}
THIN = 20  # every so many flights are kept
SMALL = {
    "model": {"estimator": "gradient_boosting", "gradient_boosting": {"max_iter": 20, "min_samples_leaf": 50}},
    "evaluate": {"bootstrap": 100, "slice_rows": 100, "importance_rows": 500, "importance_repeats": 2},
}


@dataclass(frozen=True)
class Workspace(LaidOut):
    """A folder that is laid out as the project is, with a source of monthly Parquet files in `source/`."""

    project: Project = flights_project

    @property
    def source(self) -> Path:
        """The folder of the source's files."""
        return self.root / "source"

    def month(self, month: str) -> pa.Table:
        """The rows of one month at the source."""
        return pyarrow.parquet.read_table(self.source / f"{month}.parquet")

    def write_month(self, month: str, table: pa.Table) -> None:
        """Replace the rows of one month at the source."""
        pyarrow.parquet.write_table(table, self.source / f"{month}.parquet")

    def run(self) -> str:
        """Run all stages; the bundle's hash."""
        ingest(self.root, self.contract, self.params)
        train(self.project, self.root, self.contract, self.params)
        evaluate(self.project, self.root, self.contract, self.params)
        return bundle(self.project, self.root, self.contract, self.params)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[bool]:
    """While a test of the library runs, with its fixtures, the programs that it starts find the sample.

    Other tests in this process start programs in environments of their own.
    """
    with pytest.MonkeyPatch.context() as patch:
        if item.path.is_relative_to(Path(__file__).parent):  # pytest calls this for tests of other folders too
            patch.setenv("PYTHONPATH", PYTHON_PATH)
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def _no_workflow() -> Iterator[None]:
    """What a workflow's runner says of itself is kept from the tests: they set what they need."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("GITHUB_", "GH_", "RUNNER_")) or name in (
                "CML",
                "HEAD_SHA",
                "MAY_COMMIT",
                "PULL_REQUEST",
            ):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def flights() -> pa.Table:
    """Some 17,000 flights of 2013 with both targets, in the order of time."""
    table = SampleSource().read("")
    return table.take(list(range(0, table.num_rows, THIN)))


def lay_out(root: Path, flights: pa.Table, target: str) -> Workspace:
    """A workspace for one of the two targets, ready to run."""
    table = flights.drop_columns([{"late": "delay", "delay": "late"}[target]])
    workspace = Workspace(root)
    workspace.source.mkdir(parents=True)
    months = pc.strftime(table["scheduled_departure"], format="%Y-%m")
    for month in pc.unique(months).to_pylist():
        workspace.write_month(month, table.filter(pc.equal(months, month)))
    for name in SETTINGS:
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(SAMPLE / name, root / name)
    source = {"kind": "files", "path": str(workspace.source / "*.parquet")}
    draft(root, table, source, Roles(target=target, ids=["flight_id"]))
    # the draft makes it a category with others; tests count on a column that is not used
    edit_yaml(root / "contract.yaml", {"columns": {"dest": UNUSED}})
    workspace.edit(**SMALL)
    return workspace


@pytest.fixture
def workspace(tmp_path: Path, flights: pa.Table) -> Workspace:
    """A workspace of one's own, in which nothing has run."""
    return lay_out(tmp_path / "flights", flights, "late")


@pytest.fixture(scope="session")
def made(request: pytest.FixtureRequest) -> Workspace:
    """A workspace in which the pipeline has run, for classification; it is shared, so it is not to be changed."""
    return _run_once(request, "binary", "late", lambda flights: flights)


@pytest.fixture(scope="session")
def made_regression(request: pytest.FixtureRequest) -> Workspace:
    """As `made`, for regression."""
    return _run_once(request, "regression", "delay", lambda flights: flights)


@pytest.fixture(scope="session")
def made_multiclass(request: pytest.FixtureRequest) -> Workspace:
    """As `made`, for three classes: whether a flight leaves early, on time or late."""

    def with_classes(flights: pa.Table) -> pa.Table:
        on_time = pc.if_else(pc.less(flights["delay"], 0.0), "early", "on time")
        classes = pc.if_else(flights["late"], "late", on_time)
        return flights.drop_columns(["late"]).append_column("late", classes)

    return _run_once(request, "multiclass", "late", with_classes)


def _run_once(
    request: pytest.FixtureRequest, kind: str, target: str, change: Callable[[pa.Table], pa.Table]
) -> Workspace:
    """A workspace in which the pipeline has run; one for all workers."""
    folder = shared_by_workers(request.getfixturevalue("tmp_path_factory")) / f"library-{kind}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").is_file():
            shutil.rmtree(folder / "flights", ignore_errors=True)
            workspace = lay_out(folder / "flights", change(request.getfixturevalue("flights")), target)
            workspace.run()
            (folder / "done").touch()
    return Workspace(folder / "flights")


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """As `made`, of a table with awkward names; see awkward.py."""
    root, table = tmp_path_factory.mktemp("named") / "shop", awkward.awkward_table()
    for name in SETTINGS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SAMPLE / name, root / name)
    workspace = Workspace(root)
    workspace.source.mkdir()
    workspace.write_month("all", table)
    source = {"kind": "files", "path": str(workspace.source / "all.parquet")}
    draft(root, table, source, Roles(target=awkward.TARGET, time=awkward.TIME, ids=awkward.IDS))
    workspace.edit(**SMALL)
    workspace.run()
    return workspace


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """As `made`, of a project that has nothing of the sample; see other_project.py. Its package can be imported."""
    with other_project.importable(tmp_path_factory.mktemp("other")) as root:
        workspace = Workspace(root, load_project(other_project.PACKAGE))
        workspace.run()
        yield workspace


from library.judged import alone, challenged, monster, new_rule, project  # noqa: E402, F401 - fixtures of several rooms
