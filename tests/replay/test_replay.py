"""The replay measures what was answered, spoils one month only, and gives the same figures twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from modelyard.runtime.matrix import matrix
from modelyard.training.data.dataset import encode_table
from modelyard.training.fit import fit

from . import readme
from .__main__ import README, main
from .datasets import DataSet, temperatures
from .figures import differences, of_year
from .policies import Fits, labelled, unjudged
from .run import play
from .years import YEARS, Year


@pytest.fixture(scope="module")
def data() -> DataSet:
    """Eight months, the seventh of which may be spoiled."""
    return temperatures(last="2010-08")


@pytest.fixture(scope="module")
def fits() -> Fits:
    return Fits()


def rmse(*errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def errors_of(data: DataSet, months: list[pa.Table], asked: pa.Table) -> np.ndarray:
    """By what a model of these months is off on rows, reckoned without the replay."""
    model = fit(data.project, labelled(data, pa.concat_tables(months), ["?"]), data.contract, data.params)
    columns = encode_table(asked, data.contract)
    found = model.estimator.predict(matrix(data.project.features(columns, data.contract)))
    return found - asked["temp"].to_numpy()


def test_the_figures_of_a_year_are_those_of_a_recount(data: DataSet, fits: Fits) -> None:
    courses = play(data, YEARS["as-it-was"], unjudged(data, YEARS["as-it-was"], fits))
    months = list(data.truth.values())
    assert list(courses["never"].months) == ["2010-04", "2010-05", "2010-06", "2010-07", "2010-08"]
    still = [errors_of(data, months[:3], asked) for asked in months[3:]]
    assert courses["never"].loss == pytest.approx(rmse(*still), rel=1e-12)
    assert courses["never"].months["2010-06"].loss == pytest.approx(rmse(still[2]), rel=1e-12)
    august = rmse(errors_of(data, months[:7], months[7]))
    assert courses["always"].months["2010-08"].loss == pytest.approx(august, rel=1e-12)
    august = rmse(errors_of(data, months[4:7], months[7]))
    assert courses["window"].months["2010-08"].loss == pytest.approx(august, rel=1e-12)


@pytest.mark.parametrize("year", [year for year in YEARS.values() if year.spoil], ids=lambda year: year.name)
def test_a_fault_is_in_one_month_and_the_truth_stays(data: DataSet, year: Year) -> None:
    for month, true in data.truth.items():
        assert (year.delivered(data, month) != true) is (month == data.broken)
        asked = year.asked(data, month)
        assert asked["temp"] == true["temp"]
        assert (asked != true) is (year.is_served and month == data.broken)


def test_what_a_fault_does(data: DataSet) -> None:
    true = data.truth[data.broken]
    spoiled = {name: year.delivered(data, data.broken) for name, year in YEARS.items()}
    assert set(spoiled["labels-false"]["temp"].to_pylist()) == {0.0}
    degrees = spoiled["another-unit"]["last_week"].to_numpy() * 9 / 5 + 32
    assert np.allclose(degrees, true["last_week"].to_numpy(), equal_nan=True)
    assert spoiled["cut-off"].num_rows == true.num_rows // 2
    assert max(spoiled["cut-off"]["time"].to_pylist()).day == 16
    assert set(spoiled["renamed"]["city"].to_pylist()) == {"San Francisco"}


def test_years_share_what_they_have_in_common_and_nothing_else(data: DataSet, fits: Fits) -> None:
    year = YEARS["labels-false"]
    good = play(data, YEARS["as-it-was"], unjudged(data, YEARS["as-it-was"], fits))
    bad = play(data, year, unjudged(data, year, fits))
    assert bad["never"] == good["never"]
    until = ["2010-04", "2010-05", "2010-06", "2010-07"]  # a model of the spoiled month serves in August
    for name in ("always", "window"):
        assert [bad[name].months[month] for month in until] == [good[name].months[month] for month in until]
        assert bad[name].months["2010-08"].loss > 5 * good[name].months["2010-08"].loss


def test_a_month_without_a_class_promotes_nothing(data: DataSet) -> None:
    empty = Year("empty", "no label", lambda _, table: table.slice(0, 0))
    policies = unjudged(data, empty, Fits())
    assert policies["window"].month_ended("2010-07") == "promoted"
    policies["window"]._window = 1
    assert policies["window"].month_ended("2010-07").startswith("not fitted")


def test_each_difference_between_two_runs_is_told(data: DataSet, fits: Fits) -> None:
    first = of_year(play(data, YEARS["as-it-was"], unjudged(data, YEARS["as-it-was"], fits)))
    again = of_year(play(data, YEARS["as-it-was"], unjudged(data, YEARS["as-it-was"], Fits())))
    assert differences(first, again) == []
    again["never"]["months"]["2010-05"]["loss"] += 0.001
    again["never"]["months"]["2010-05"]["event"] = "promoted"
    assert [line.split(":")[0] for line in differences(first, again)] == [
        "never/months/2010-05/loss",
        "never/months/2010-05/event",
    ]


def test_a_second_run_of_the_command_is_compared_with_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only = [word for name in ("never", "always", "window") for word in ("--only", name)]
    command = ["city-temperatures", "--year", "cut-off", *only, "--out", str(tmp_path)]
    main(command)
    page = (tmp_path / "replay.md").read_text()
    assert "| a month cut off in the middle | 4.030 | **1.576** | 1.601 |" in page
    assert "never retrained" in (tmp_path / "replay-city-temperatures.svg").read_text()
    main([*command, "--again"])
    assert "the same figures" in capsys.readouterr().out
    written = json.loads((tmp_path / "replay.json").read_text())
    written["city-temperatures"]["cut-off"]["never"]["months"]["2010-05"]["loss"] += 0.01
    (tmp_path / "replay.json").write_text(json.dumps(written))
    with pytest.raises(SystemExit, match="city-temperatures/cut-off/never/months/2010-05/loss"):
        main([*command, "--again"])


def test_the_readme_gets_the_figures_in_its_place(data: DataSet, fits: Fits) -> None:
    year = YEARS["as-it-was"]
    years = {year.name: of_year(play(data, year, unjudged(data, year, fits)))}
    text = README.read_text(encoding="utf-8")
    written = readme.rewritten(text, data.name, years)
    assert "| 2010-08 | " in written
    assert "](docs/replay-city-temperatures.svg)" in written
    assert readme.rewritten(written, data.name, years) == written
    assert readme.rewritten(written, data.name, years | {"cut-off": years[year.name]}) != written
    with pytest.raises(ValueError, match=r"no place for the year"):
        readme.rewritten(text.replace(readme.END, ""), data.name, years)
