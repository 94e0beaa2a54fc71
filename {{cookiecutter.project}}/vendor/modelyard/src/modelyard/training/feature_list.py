"""List the features with history: which models use each, its records, how fresh they are, and what it costs.

Sources that ingest does not depend on yet are added to dvc.yaml.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import ContractError, counted
from ..markdown import code, markdown_table, prose
from ..runtime.contract import Contract
from ..runtime.project import Project, load_project
from .data.history.joined import History
from .data.ledger import read_ledger
from .data.periods import read_periods
from .layout import LEDGER, PERIODS
from .record_files import watch_records
from .settings import read_contract

HEAD = ("feature", "what", "owner", "used by", "records", "newest known at", "seconds", "missing")


def feature_table(contract: Contract, root: Path, projects: Sequence[Project]) -> str:
    """A row for each feature with history.

    missing: the share of the last period's rows without a value. seconds: reading the records, making the steps, and
    looking the last period's rows up.

    Raises ContractError if records cannot be read.
    """
    used = {project.name: _used(project, contract) for project in projects}
    missing = dict.fromkeys(contract.features, "-")
    history = History(contract)
    for name in contract.features:
        history.steps(name)
    if (rows := _last_rows(contract, root)) is not None:
        filled = history.filled(rows, "the last period")
        missing |= {name: f"{filled[name].null_count / max(filled.num_rows, 1):.0%}" for name in contract.features}
    return markdown_table(
        HEAD,
        [
            [
                code(name),
                prose(feature.description),
                prose(feature.owner),
                ", ".join(one for one, names in used.items() if name in names) or "nobody",
                f"{history.records[name]:,}",
                history.newest[name] or "-",
                f"{history.seconds[name]:.2f}",
                missing[name],
            ]
            for name, feature in contract.features.items()
        ],
    )


def _last_rows(contract: Contract, root: Path) -> pa.Table | None:
    """The columns of the last period by which values are looked up; None if they are not here."""
    last = max(read_ledger(root / LEDGER), default=None)
    if last is None:
        return None
    keys = [str(contract.time), *(key for feature in contract.features.values() for key in feature.entity)]
    try:
        return read_periods(root / PERIODS, [last], list(dict.fromkeys(keys)))
    except ContractError:  # it is on another machine, or the contract has got the columns since
        return None


def projects_of(root: Path, own: Project) -> list[Project]:
    """The model packages in the repository, the own one first: each has its features in `features.py`."""
    modules = [path.parent for path in root.glob("*/features.py") if path.with_name("__init__.py").is_file()]
    packages = sorted(folder.name for folder in modules)
    if str(root.absolute()) not in sys.path:
        sys.path.insert(0, str(root.absolute()))
    return [own, *(load_project(name) for name in packages if name != own.name)]


class _Read(dict[str, NDArray[Any]]):
    """Columns that note which of them a function reads."""

    def __init__(self, columns: dict[str, NDArray[Any]]) -> None:
        super().__init__(columns)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> NDArray[Any]:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def values(self) -> Any:
        self.names |= self.keys()
        return super().values()

    def items(self) -> Any:
        self.names |= self.keys()
        return super().items()


def _used(project: Project, contract: Contract) -> set[str]:
    """The columns that a project's function `features` reads, found by calling it with one row."""
    columns = _Read(dict(_one_row(contract)))
    project.features(columns, contract)
    return columns.names


def _one_row(contract: Contract) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, column in contract.inputs.items():
        if column.values is not None:
            yield name, np.zeros(1, dtype=np.int64)
        elif column.type == "timestamp":
            yield name, np.array(["2000-01-01"], dtype="datetime64[us]")
        else:
            yield name, np.zeros(1)


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `features`."""
    argparse.ArgumentParser(
        prog="features", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(arguments)
    contract = read_contract()
    if not contract.features:
        print("features: contract.yaml defines none; docs/features-with-history.md of the template says how")
        return
    table = feature_table(contract, Path(), projects_of(Path(), project))  # first: records that cannot be read end it
    for path in watch_records(contract, Path()):
        print(f"dvc.yaml: ingest depends on {path} from now on; commit it")
    print(f"{counted(len(contract.features), 'feature')} with history\n")
    print(table)
