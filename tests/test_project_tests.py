"""The tests that a project carries hold whatever its team does to its data, features and estimators."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest
from teams import PACKAGE, assert_green, copy_of, processor_seconds, python, replaced, with_estimator, with_feature

SECONDS = 60  # of a processor that all tests of a project may take
TASKS = ("classification", "regression")


@pytest.mark.parametrize("task", TASKS)
def test_a_fresh_project_is_green_and_its_code_covered(tmp_path, task):
    root, before = copy_of(task, tmp_path), processor_seconds()
    printed = assert_green(root)
    assert processor_seconds() - before < SECONDS
    covered = re.search(r"Total coverage: ([\d.]+)%", printed)
    assert covered, printed
    assert float(covered[1]) >= 90


def another_feature(root: Path) -> None:
    with_feature('made["spread"] = columns["temp"] - columns["dewp"]')(root)
    with_feature('made["hour"] = np.sin(2 * np.pi * made["scheduled_departure_hour"] / 24)')(root)


def a_category(root: Path) -> None:
    with_feature('made["windy"] = (columns["wind_speed"] > 20).astype(np.int64)')(root)


def one_estimator_less(root: Path) -> None:
    replaced(f"{PACKAGE}/model.py", '    "linear": linear,\n', "")(root)
    assert "linear:" in (root / "params.yaml").read_text()


def another_estimator(root: Path) -> None:
    with_estimator(
        "def mine(inputs: Inputs, **settings: Any) -> BaseEstimator:\n"
        "    from sklearn.ensemble import ExtraTreesClassifier\n\n"
        "    return ExtraTreesClassifier(random_state=inputs.seed, n_estimators=10, **settings)"
    )(root)


def a_module_of_its_own(root: Path) -> None:
    (root / PACKAGE / "units.py").write_text(
        '"""Units."""\n\n\ndef celsius(degrees):\n    return (degrees - 32) / 1.8\n'
    )
    replaced(f"{PACKAGE}/features.py", "def features", "from .units import celsius\n\n\ndef features")(root)
    with_feature('made["temp_c"] = celsius(columns["temp"])')(root)


def another_holdout(root: Path) -> None:
    replaced("params.yaml", "holdout: 1", "holdout: 3")(root)
    replaced("params.yaml", "estimator: gradient_boosting", "estimator: linear")(root)


@pytest.mark.parametrize(
    "edit",
    [another_feature, a_category, one_estimator_less, another_estimator, a_module_of_its_own, another_holdout],
    ids=lambda edit: edit.__name__,
)
def test_a_project_stays_green_when_its_team_changes_it(tmp_path, edit):
    root = copy_of("classification", tmp_path)
    edit(root)
    assert_green(root)


def data_of_others(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / name


def penguins() -> pd.DataFrame:
    return pd.read_csv(data_of_others("palmerpenguins", "data/penguins.csv"))


def weather() -> pd.DataFrame:
    return pd.read_csv(data_of_others("vega_datasets", "_data/seattle-weather.csv"))


def rain() -> pd.DataFrame:
    table = weather()
    return table.assign(rain=table["precipitation"] > 0).drop(columns=["precipitation", "weather"])


def cars() -> pd.DataFrame:
    return pd.read_json(data_of_others("vega_datasets", "_data/cars.json"))


@pytest.mark.parametrize(
    ("read", "target", "kind", "timed"),
    [
        (penguins, "species", "multiclass", False),
        (penguins, "sex", "binary", False),
        (penguins, "body_mass_g", "regression", False),
        (rain, "rain", "binary", True),
        (weather, "weather", "multiclass", True),
        (weather, "temp_max", "regression", True),
        (cars, "Miles_per_Gallon", "regression", True),
    ],
    ids=lambda given: getattr(given, "__name__", None),
)
def test_a_project_stays_green_with_a_contract_of_other_data(tmp_path, read, target, kind, timed):
    root = copy_of("classification", tmp_path)
    table, source = read(), tmp_path / "source.parquet"
    table.to_parquet(source)
    status, printed = python(root, "-m", PACKAGE, "draft", str(source), "--target", target)
    assert status == 0, printed
    assert f"({kind})" in printed
    assert ("  time: " in printed) == timed
    assert_green(root)
