"""Two months on real parts: what the monitor states is what clients got, and the pull request that follows serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .datasets import temperatures
from .judged import SHORT, Judged, Terms
from .real import real_year
from .real_page import unlike
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


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"event": "blocked: in other words"}, []),
        ({"event": "promoted"}, ["2010-05: outcome 'promoted' on real parts, 'blocked' in process"]),
        ({"event": "stopped: odd"}, ["2010-05: outcome 'stopped' on real parts, 'blocked' in process"]),
        ({"rows": 9}, ["2010-05: rows 9 on real parts, 10 in process"]),
        ({"loss": 0.6}, ["2010-05: loss 0.6 on real parts, 0.5 in process"]),
    ],
)
def test_each_difference_from_the_loop_in_process_is_told(changed: dict[str, Any], told: list[str]) -> None:
    blocked = {"rows": 10, "loss": 0.5, "event": "blocked: it is worse"}
    last = blocked | {"event": ""}
    in_process = {"months": {"2010-05": blocked, "2010-06": blocked, "2010-07": blocked}}
    assert unlike({"2010-05": blocked | changed, "2010-06": last}, in_process) == told
