"""The judged loop in process: the check, the gate and what a repaired month leads to."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from modelyard.runtime.bundle import read_bundle

from .datasets import DataSet, temperatures
from .judged import SHORT, Judged, Terms
from .years import YEARS

QUICK = {"bootstrap": 100, "importance_rows": 50, "importance_repeats": 1}
PARAMS = {**SHORT, "evaluate": QUICK, "model": {"gradient_boosting": {"max_iter": 20}}}
POLICY = {"floors": {}, "champion": {"draws": 200}}


@pytest.fixture(scope="module")
def data() -> DataSet:
    """A first model of four months, and four months that follow; the third may be spoiled."""
    return dataclasses.replace(temperatures(last="2010-08"), first="2010-05", broken="2010-07")


@pytest.fixture(scope="module")
def honest(data: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """The loop in the year as it was, until the broken month."""
    loop = Judged("judged", data, YEARS["as-it-was"], tmp_path_factory.mktemp("honest"), Terms(PARAMS, POLICY))
    loop.month_ended("2010-06")
    return loop


def ended(data: DataSet, name: str, folder: Path, before: Judged, **terms: bool) -> Judged:
    """The loop in another year, of which the last month is over too."""
    loop = Judged("judged", data, YEARS[name], folder, Terms(PARAMS, POLICY, **terms), before)
    for month in data.served:
        loop.month_ended(month)
    return loop


def test_a_month_is_learned_but_for_the_days_that_judge_it(honest: Judged) -> None:
    assert honest.month_ended("2010-06") == "promoted"
    training = read_bundle(honest.serving).manifest["training"]
    assert training["train_days"] == ["2010-01-01", "2010-06-23"]
    assert training["holdout_days"] == ["2010-06-24", "2010-06-30"]


def test_an_implausible_month_stops_and_is_taken_when_it_is_repaired(
    data: DataSet, honest: Judged, tmp_path: Path
) -> None:
    loop = ended(data, "labels-false", tmp_path, honest)
    assert loop.month_ended("2010-07").startswith("stopped: 2010-07 is not plausible: temp: all 1,488 labels are 0")
    assert read_bundle(loop.serving) == read_bundle(honest.serving_after("2010-06"))
    loop.month_ended("2010-08")
    assert read_bundle(loop.serving).manifest["data"]["periods"].keys() == set(data.truth)


def test_a_month_that_nobody_repairs_stops_those_after_it_too(data: DataSet, honest: Judged, tmp_path: Path) -> None:
    loop = ended(data, "another-unit", tmp_path, honest, repaired=False)
    for month in ("2010-07", "2010-08"):
        assert loop.month_ended(month).startswith("stopped: 2010-07 is not plausible: last_week")
    assert loop.serving == honest.serving_after("2010-06")


def test_without_the_check_the_gate_is_judged_by_the_same_labels(data: DataSet, honest: Judged, tmp_path: Path) -> None:
    loop = ended(data, "labels-false", tmp_path, honest, check=False)
    assert loop.month_ended("2010-07") == "promoted"
    assert loop.serving != honest.serving_after("2010-06")
