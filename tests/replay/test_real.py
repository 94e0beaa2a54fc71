"""Two months on real parts: what the monitor states is what clients got, and the pull request that follows serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from .datasets import temperatures
from .judged import SHORT, Judged, Terms
from .real import real_year
from .run import play
from .test_judged import QUICK
from .years import YEARS

TERMS = Terms({**SHORT, "evaluate": QUICK, "model": {"gradient_boosting": {"max_iter": 20}}}, {"floors": {}})


@pytest.mark.longest
def test_two_months_come_back_as_a_release_of_what_they_taught(tmp_path: Path) -> None:
    data = temperatures(last="2010-05")
    april, may = dict(real_year(data, tmp_path / "real", TERMS)).values()
    assert (april.version, april.event, may.version, may.pull) == ("v1.0.0", "promoted", "v1.1.0", None)
    # spring is warmer than the winter that was learned, which is more urgent than that new data is there
    assert april.cause == "drift"
    assert "drift:last_week" in april.alarms
    assert min(april.windows, may.windows) >= 4
    assert april.coverage == may.coverage == 1.0
    judged = Judged("judged", data, YEARS["as-it-was"], tmp_path / "judged", TERMS)
    course = play(data, YEARS["as-it-was"], {"judged": judged})["judged"]
    for name, month in (("2010-04", april), ("2010-05", may)):
        assert (month.rows, month.event) == (course.months[name].rows, course.months[name].event)
        assert month.loss == pytest.approx(course.months[name].loss, rel=1e-9)
