from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from library.figures import BUNDLES, figures
from modelyard.production.gauges import render

NOW = datetime(2031, 9, 1, 7, tzinfo=UTC)  # an hour after the figures were made


def told(text: str) -> dict[str, float]:
    """The samples by name and labels, without the model, which all have."""
    lines = [line.rpartition(" ") for line in text.splitlines() if line[0] != "#"]
    return {re.sub(r'model="[^"]*",?', "", name).removesuffix("{}"): float(value) for name, _, value in lines}


@pytest.mark.skipif(
    not (shutil.which("promtool") or os.environ.get("CI")), reason="needs promtool of Debian's prometheus"
)
@pytest.mark.parametrize("metrics", [("log_loss",), ("rmse", "mae")])
def test_promtool_finds_nothing_wrong(metrics):
    latest = figures(metrics=metrics, inputs=('a "b" \\ \n c', "ünï {x}", "b"))
    made = render(latest, NOW)
    checked = subprocess.run(["promtool", "check", "metrics"], input=made, text=True, capture_output=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert 'input="a \\"b\\" \\\\ \\n c"' in made


def test_drift_is_of_the_newest_window_and_performance_of_the_newest_that_matured():
    latest = figures()
    latest["windows"][-1]["drift"]["inputs"]["temp"]["distance"] = 0.75
    latest["windows"][-3]["performance"]["log_loss"] = {"value": 0.5, "low": 0.25, "high": 0.625}
    found = told(render(latest, NOW))
    newest = f'{{bundle="{BUNDLES[2]}"'
    assert found[f'modelyard_drift_distance{newest},input="temp"}}'] == 0.75
    assert found[f'modelyard_drift_state{newest},input="temp"}}'] == 1
    assert found[f'modelyard_drift_state{newest},input="visib"}}'] == 0
    metric = f'{newest},metric="log_loss"}}'
    assert [found[f"modelyard_performance{part}{metric}"] for part in ("", "_low", "_high")] == [0.5, 0.25, 0.625]
    assert [found[f"modelyard_performance_{part}{metric}"] for part in ("release", "baseline")] == [0.47, 0.53]
    assert found[f"modelyard_label_coverage_ratio{newest}}}"] == 0.968
    assert found["modelyard_log_torn_lines"] == 2


def test_an_alarm_is_there_as_long_as_it_is_raised():
    latest = figures()
    assert told(render(latest, NOW))['modelyard_alarm{kind="drift",subject="temp"}'] == 1
    latest["alarms"] = []
    assert "modelyard_alarm" not in render(latest, NOW)


def test_the_age_of_the_figures_and_of_the_model_grow_with_time():
    found = told(render(figures(), NOW))
    assert found["modelyard_figures_age_seconds"] == 3600
    first = next(one["start"] for one in figures()["windows"] if one["bundle"] == BUNDLES[2])
    served = (NOW - datetime.fromisoformat(f"{first}T00:00:00+00:00")).total_seconds()
    assert found[f'modelyard_monitored_model_age_seconds{{bundle="{BUNDLES[2]}"}}'] == served
    assert len([name for name in found if name.startswith("modelyard_monitored_model_info")]) == 1


def test_two_bundles_that_share_the_newest_window_are_both_there():
    latest = figures()
    latest["windows"].append(latest["windows"][-1] | {"bundle": "0dd000000004"})
    found = told(render(latest, NOW))
    assert {name for name in found if "window_rows" in name} == {
        f'modelyard_window_rows{{bundle="{bundle}"}}' for bundle in (BUNDLES[2], "0dd000000004")
    }


def test_what_is_not_known_is_not_told():
    latest = figures()
    for one in latest["windows"]:
        one["performance"] = None
        one["drift"]["inputs"]["temp"] |= {"state": "cannot tell", "distance": None}
    found = render(latest, NOW)
    assert "modelyard_performance" not in found
    assert not re.search('modelyard_drift_(state|distance){[^}]*input="temp"', found)
    assert told(render({"format": 1, "model": "m", "until": None, "windows": [], "alarms": []}, NOW)) == {}
