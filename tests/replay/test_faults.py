"""After faults of clients, clocks, logs, stores and labels, the figures are those of a recount by hand."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import datetime
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modelyard.errors import ContractError
from modelyard.judging.monitoring import Monitor
from modelyard.production import labels
from modelyard.production.compact import compact
from modelyard.production.layout import RAW
from modelyard.production.monitor import monitor
from modelyard.production.shipping import Shipper
from modelyard.production.store import Store
from sample import PYTHON_PATH

from .clock import Service, serve
from .datasets import DataSet, temperatures
from .judged import SHORT, Judged, Terms
from .test_judged import QUICK
from .years import YEARS

FIRST, SECOND = "2010-04-05", "2010-04-12"  # Mondays, with which two windows begin
NEVER = "2010-04-08"  # the day of which no label ever comes
BACK, BACK_TO = "2010-04-14", "2010-04-06"  # a day on which the clock goes back, and what it shows then


@dataclasses.dataclass
class Answers:
    """What a client got: the score by reading, and the day on which the service saw it."""

    scores: dict[str, float] = dataclasses.field(default_factory=dict)
    days: dict[str, str] = dataclasses.field(default_factory=dict)
    truth: dict[str, float] = dataclasses.field(default_factory=dict)

    def between(self, start: str, end: str) -> list[str]:
        return [reading for reading, day in self.days.items() if start <= day < end]

    def rmse(self, readings: list[str], **other: float) -> float:
        errors = [self.scores[one] - other.get(one, self.truth[one]) for one in readings]
        return float(np.sqrt(np.mean(np.square(errors))))


def at(day: str, hour: int = 12) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"{day}T{hour:02}:00:00")


def ask_two_weeks(service: Service, data: DataSet) -> Answers:
    """Each day's readings in one request, all with one id of the client; on one day the clock goes back."""
    answers = Answers()
    for row in data.truth["2010-04"].to_pylist():
        day = row["time"].date().isoformat()
        if FIRST <= day < "2010-04-19":
            answers.days[row["reading_id"]] = BACK_TO if day == BACK else day
            answers.truth[row["reading_id"]] = row["temp"]
    rows = {row["reading_id"]: row for row in data.truth["2010-04"].to_pylist()}
    by_day: dict[str, list[str]] = {}
    for reading in answers.days:
        by_day.setdefault(rows[reading]["time"].date().isoformat(), []).append(reading)
    for day, readings in by_day.items():
        service.at(at(BACK_TO if day == BACK else day))
        names = ("reading_id", "time", "city", "last_week")
        sent = [
            {name: rows[one][name].isoformat() if name == "time" else rows[one][name] for name in names}
            for one in readings
        ]
        answers.scores |= dict(zip(readings, service.ask(sent, request="the-same-id"), strict=True))
    return answers


def write_labels(path: Path, lines: list[tuple[Any, Any]]) -> None:
    with path.open("w", newline="") as opened:
        csv.writer(opened).writerows([("reading_id", "temp"), *lines])


def test_the_figures_after_faults_are_those_of_a_recount(tmp_path: Path) -> None:
    data = temperatures(last="2010-04")
    terms = Terms({**SHORT, "evaluate": QUICK, "model": {"gradient_boosting": {"max_iter": 20}}})
    loop = Judged("", data, YEARS["as-it-was"], tmp_path / "loop", terms)
    with serve([sys.executable, "-m", data.project.name], loop.root, loop.serving, tmp_path, PYTHON_PATH) as service:
        answers = ask_two_weeks(service, data)

    # a service that was killed while it wrote left half a line, of which nothing may come
    (log,) = (tmp_path / "log").glob("*.jsonl")
    with log.open("ab") as opened:
        opened.write(log.read_bytes()[:50])

    # the store is away: nothing is lost, and nothing is in it
    (tmp_path / "store").touch()
    shipper = Shipper(tmp_path / "log", Store(str(tmp_path / "store")), "host", 0.0, lambda _: None)
    assert not shipper.ship(is_end=True)
    shipper.close()
    (tmp_path / "store").unlink()
    store = Store(str(tmp_path / "store"))
    shipper = Shipper(tmp_path / "log", store, "host", 0.0, lambda _: None)
    assert shipper.ship(is_end=True)

    # another host ships the same file once more, and only a part of it arrives
    (name,) = store.names(RAW)
    store.write(name.replace(f"{RAW}/", f"{RAW}/other-"), store.read(name)[:-2000])
    compact(store, data.contract, say=lambda _: None)

    place = tmp_path / "labels"
    place.mkdir()
    settings = Monitor(store=str(tmp_path / "store"), labels=f"{place}/*.csv", maturity_days=0)
    known = [one for one in answers.scores if answers.days[one] != NEVER]
    write_labels(place / "first.csv", [(one, answers.truth[one]) for one in known])
    changed = known[0]
    later = answers.truth[changed] + 30

    with contextlib.chdir(loop.root):
        params = data.params

        def figures(until: str) -> dict[str, Any]:
            return monitor(data.project, Path(), data.contract, settings, params.seed, at(until))

        labels.run(Path(), data.contract, params, settings, at("2010-04-20"))
        write_labels(place / "second.csv", [*((one, answers.truth[one]) for one in known[1:]), (changed, later)])
        (place / "first.csv").unlink()
        labels.run(Path(), data.contract, params, settings, at("2010-04-25"))
        write_labels(place / "wrong.csv", [(known[1], "warm")])
        with pytest.raises(ContractError):
            labels.run(Path(), data.contract, params, settings, at("2010-04-26"))
        before, after = figures("2010-04-21"), figures("2010-04-30")

    asked = len(answers.scores)
    logs = after["logs"]
    # in both files the half line is one more, which is torn; of the other host's, the lines after the cut are too
    assert logs["lines"] == 2 * (asked + 1)
    assert 2 < logs["torn"] < asked
    assert logs["duplicates"] == asked - (logs["torn"] - 2)
    assert any(alarm["kind"] == "data" or "labels" in alarm["key"] for alarm in after["alarms"])  # of wrong.csv
    weeks = {window["start"]: window for window in after["windows"]}
    assert weeks.keys() == {FIRST, SECOND}
    for start, end in ((FIRST, SECOND), (SECOND, "2010-04-19")):
        readings = answers.between(start, end)
        labelled = [one for one in readings if answers.days[one] != NEVER]
        assert (weeks[start]["rows"], weeks[start]["labelled"]) == (len(readings), len(labelled))
        found = weeks[start]["performance"]["rmse"]["value"]
        assert found == pytest.approx(answers.rmse(labelled, **({changed: later})), rel=1e-9)
    first = next(window for window in before["windows"] if window["start"] == FIRST)
    readings = [one for one in answers.between(FIRST, SECOND) if answers.days[one] != NEVER]
    assert first["performance"]["rmse"]["value"] == pytest.approx(answers.rmse(readings), rel=1e-9)
