"""The recount of what the monitor states, by the bundle that answered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .answers import Answers
from .datasets import DataSet, temperatures

WEEK = {"start": "2010-04-26", "end": "2010-05-03"}  # the last days of a month and the first of the next one


@pytest.fixture(scope="module")
def data() -> DataSet:
    return temperatures(last="2010-05")


def answered(data: DataSet, *bundles: str) -> tuple[Answers, dict[str, tuple[int, float]]]:
    """The answers of two months by these bundles, and of each bundle the labels and the loss in the week."""
    answers, squares = Answers(data), {bundle: np.array([]) for bundle in bundles}
    for number, (month, bundle) in enumerate(zip(("2010-04", "2010-05"), bundles, strict=True), start=1):
        rows = data.truth[month]
        days = rows["time"].to_numpy().astype("datetime64[D]").astype(str)
        for day in sorted(set(days)):
            asked = rows.filter(days == day)
            answers.keep(month, bundle, day, asked, (asked["temp"].to_numpy() + number).tolist())
            if WEEK["start"] <= day < WEEK["end"]:
                squares[bundle] = np.append(squares[bundle], np.full(asked.num_rows, float(number**2)))
    return answers, {bundle: (len(found), float(np.sqrt(found.mean()))) for bundle, found in squares.items()}


def window(bundle: str, labelled: int, loss: float) -> dict[str, Any]:
    return {**WEEK, "bundle": bundle, "labelled": labelled, "performance": {"rmse": {"value": loss}}}


@pytest.mark.parametrize("bundles", [("a", "b"), ("a", "a")], ids=["released", "blocked"])
def test_a_week_over_the_end_of_a_month_is_recounted_by_bundle(data: DataSet, bundles: tuple[str, str]) -> None:
    answers, recounts = answered(data, *bundles)
    for bundle, (labelled, loss) in recounts.items():
        answers.check(window(bundle, labelled, loss))
        for wrong in (window(bundle, labelled, loss * 1.001), window(bundle, labelled - 1, loss)):
            with pytest.raises(AssertionError, match="the monitor states"):
                answers.check(wrong)
    with pytest.raises(AssertionError, match="a recount of bundle c"):
        answers.check(window("c", 24, 1.0))
