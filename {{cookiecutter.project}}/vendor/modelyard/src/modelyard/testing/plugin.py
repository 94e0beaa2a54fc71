"""The pytest plugin of a project's tests: `-p modelyard.testing.plugin` in its pyproject.toml.

It requires one setting there, under [tool.pytest.ini_options]: `modelyard_package`, the import name of the project's
package. A test that uses `estimator` runs once for each name in `ESTIMATORS` of model.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ..errors import YardError
from ..runtime.contract import Contract
from ..runtime.matrix import Columns
from ..runtime.project import Project, load_project
from ..training.data.dataset import Rows, encode_table
from ..training.settings import Params, read_contract, read_params
from .estimators import labelled_rows
from .features import Features
from .made_rows import make_table
from .passed import PROPERTY, take_passed
from .service import Service, started
from .small_bundle import is_current, make_bundle
from .taken_rows import as_sent, take_table

OPTION = "modelyard_package"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the one setting."""
    parser.addini(OPTION, "the import name of the project's package")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses `estimator` once for each estimator of the project."""
    if "estimator" in metafunc.fixturenames:
        metafunc.parametrize("estimator", list(_project(metafunc.config).estimators))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Let junit.xml have the checks that a test has passed, as properties of its case."""
    take_passed()
    try:
        return (yield)
    finally:
        item.user_properties += [(PROPERTY, name) for name in take_passed()]


@pytest.fixture(scope="session")
def root(pytestconfig: pytest.Config) -> Path:
    """The project's folder."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def project(pytestconfig: pytest.Config) -> Project:
    """The project: its package, its features and its estimators."""
    return _project(pytestconfig)


@pytest.fixture(scope="session")
def contract(root: Path) -> Contract:
    """The content of `contract.yaml`."""
    return _read(read_contract, root / "contract.yaml")


@pytest.fixture(scope="session")
def params(root: Path) -> Params:
    """The content of `params.yaml`."""
    return _read(read_params, root / "params.yaml")


@pytest.fixture(scope="session")
def made_table(contract: Contract, params: Params) -> pa.Table:
    """Rows generated from the contract; see `made_rows`."""
    return make_table(contract, params)


@pytest.fixture(scope="session")
def table(root: Path, contract: Contract, made_table: pa.Table) -> pa.Table:
    """Rows to test with, all columns of the contract: generated ones and, if the pipeline has run, real ones."""
    taken = take_table(root, contract)
    return made_table if taken is None else pa.concat_tables([made_table, taken])


@pytest.fixture(scope="session")
def rows(table: pa.Table, contract: Contract) -> list[dict[str, Any]]:
    """The rows of `table` as a client sends them: the contract's inputs, each row a mapping."""
    return as_sent(table, contract)


@pytest.fixture(scope="session")
def columns(table: pa.Table, contract: Contract) -> Columns:
    """The rows of `table`, encoded for `features`."""
    return encode_table(table, contract)


@pytest.fixture(scope="session")
def labelled(table: pa.Table, contract: Contract) -> Rows:
    """The rows of `table` that have a target, as an estimator learns from them."""
    return labelled_rows(table, contract)


@pytest.fixture(scope="session")
def features(project: Project, contract: Contract) -> Features:
    """The project's function `features`: call it with columns, or `features.of_rows` with rows."""
    return Features(project, contract)


@pytest.fixture(scope="session")
def bundle(
    root: Path,
    project: Project,
    contract: Contract,
    params: Params,
    made_table: pa.Table,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The project's bundle if it is up to date, else a small one made from `made_table`."""
    if is_current(root / "bundle", project, contract):
        return root / "bundle"
    folder = tmp_path_factory.mktemp("pipeline")
    return _read(lambda place: make_bundle(place, root, project, contract, params, made_table), folder)


@pytest.fixture(scope="session")
def service(root: Path, project: Project, bundle: Path) -> Iterator[Service]:
    """The service of `bundle`, as a process of its own."""
    with started(project, root, bundle) as running:
        yield running


def _project(config: pytest.Config) -> Project:
    name = str(config.getini(OPTION))
    if not name:
        raise pytest.UsageError(f"pyproject.toml: [tool.pytest.ini_options] needs {OPTION}: the name of the package")
    if str(config.rootpath) not in sys.path:  # where pytest is not run by `python -m`
        sys.path.insert(0, str(config.rootpath))
    return _read(load_project, name)


def _read(read: Callable[[Any], Any], source: Any) -> Any:
    """Return what is read; fail with the message of a YardError, without a traceback."""
    try:
        return read(source)
    except YardError as error:
        pytest.fail(str(error), pytrace=False)
