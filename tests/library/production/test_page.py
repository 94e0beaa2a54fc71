from __future__ import annotations

import html.parser
import json
import re

import pytest
from library.figures import BUNDLES, figures
from modelyard.production.page import monitor_page, write_page

HOSTILE = '<script>alert("1")</script>'


class Elements(html.parser.HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page() -> str:
    return monitor_page(figures())


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]*>", " ", page.partition("</head>")[2])))


def test_the_page_loads_nothing_and_runs_nothing(page):
    found = Elements(page).found
    assert not {"script", "link", "img", "iframe", "object", "image", "a", "base", "form"} & {tag for tag, _ in found}
    for _, attributes in found:
        local = {name: value or "" for name, value in attributes.items() if not name.startswith("xmlns")}
        assert not any(re.search(r"https?:|^//", value) for value in local.values())
        assert not any(name.startswith("on") for name in local)
    assert not re.search(r"@import|url\((?!#)", page)
    assert "default-src 'none'" in page
    assert "@media (prefers-color-scheme: dark)" in page


def test_the_alarms_stand_first_with_what_is_known_of_them(page):
    shown = words(page)
    alarm = figures()["alarms"][0]
    for text in ("drift: temp", f"since {alarm['since']}", alarm["summary"], *alarm["lines"]):
        assert text in shown
    assert shown.index(alarm["summary"]) < shown.index("Performance")
    assert "The model is to be retrained, because of drift" in shown
    assert "No alarm is raised" in words(monitor_page(figures() | {"alarms": []}))


def test_of_many_alarms_the_urgent_stand_first_and_the_rest_is_folded():
    content = figures()
    drifts = [content["alarms"][0] | {"subject": f"input {number}"} for number in range(20)]
    content["alarms"] = [*drifts, content["alarms"][0] | {"kind": "performance", "subject": "rmse"}]
    page = monitor_page(content)
    assert words(page).index("performance: rmse") < words(page).index("drift: input 0")
    shown, folded = page.split("<summary>13 more alarms</summary>")
    assert shown.count('class="alarm"') == 8
    assert folded.partition("</details>")[0].count('class="alarm"') == 13


def test_what_has_no_value_has_no_chart_and_what_nobody_can_tell_no_colour():
    content = figures(metrics=("log_loss", "roc_auc"))
    for one in content["windows"]:
        one["state"] = "cannot tell"
        for found in one["drift"]["inputs"].values():
            found["state"] = "cannot tell"
        if one["performance"]:
            one["performance"]["roc_auc"] = dict.fromkeys(("value", "low", "high"))
            one["performance"]["log_loss"] |= {"low": None, "high": None}
    page = monitor_page(content | {"alarms": []})
    assert "roc_auc over time" not in page
    assert "Without a value in any window, as where a class has no row: roc_auc." in words(page)
    assert "no interval; 0.47 at its release" in words(page)
    assert "inputs drift 0 of 4 in the newest window; 4 cannot be told" in words(page)
    assert page.count('class="tile ok"') == 2  # no alarm, and enough labels


def test_too_few_labels_are_not_called_good():
    content = figures() | {"alarms": []}
    good = monitor_page(content).count('class="tile ok"')
    last = [one for one in content["windows"] if one["matured"]][-1]
    last |= {"performance": None, "coverage": 0.141}
    page = monitor_page(content)
    assert "rows with a label 14.1 %" in words(page)
    assert page.count('class="tile ok"') == good - 1


def test_a_metric_in_the_targets_unit_says_so():
    shown = words(monitor_page(figures(metrics=("rmse", "r2")) | {"unit": "minutes"}))
    assert "rmse (minutes) 0." in shown
    assert "r2 (minutes)" not in shown


def test_performance_is_drawn_over_time_with_each_release_and_what_it_was_then(page):
    assert [tag for tag, _ in Elements(page).found].count("svg") == 3
    for metric in ("log_loss", "roc_auc"):
        assert f'aria-label="{metric} over time"' in page
    for text in (*(bundle[:7] for bundle in BUNDLES), "at its release", "baseline", "in production, with its interval"):
        assert text in words(page)
    assert "0.458 to 0.482; 0.47 at its release" in words(page)


def test_the_primary_metric_comes_first_wherever_it_stands():
    made = monitor_page(figures(metrics=("accuracy", "log_loss")) | {"primary": "log_loss"})
    assert made.index("log_loss over time") < made.index("accuracy over time")
    assert re.search(r'class="tile ok"><span class="quiet">log_loss<', made)


def test_each_input_has_a_line_that_shows_where_it_drifts(page):
    line = {
        name: re.findall(rf"<tr><th><b>{name}</b></th>(.*?)</tr>", page)[0] for name in ("scores", "temp", "carrier")
    }
    assert line["temp"].count('class="distance drift"') == 7  # of the last third of 24 windows
    assert line["carrier"].count('class="distance drift"') == line["scores"].count("drift:") == 0
    assert 'title="2031-08-25: drift, distance 0.317, p 0.0001"' in line["temp"]
    assert page.index("<b>temp</b>") < page.index("<b>visib</b>") < page.index("<b>carrier</b>")  # the farthest first


def test_what_the_rows_do_not_tell_is_not_coloured():
    content = figures()
    content["windows"][0]["drift"]["inputs"]["temp"] |= {"state": "cannot tell"}
    content["windows"][1]["drift"] = None
    line = re.findall(r"<tr><th><b>temp</b></th>(.*?)</tr>", monitor_page(content))[0]
    assert line.count('class="untold"') == 2
    assert "A window of fewer than 500 rows cannot tell" in words(monitor_page(content))


def test_scores_that_drift_are_named_beside_the_inputs_that_do_not():
    content = figures()
    newest = content["windows"][-1]["drift"]
    newest["inputs"]["temp"] |= {"state": "none", "distance": 0.00007643}
    assert "inputs drift 0 of 4 in the newest window the" not in words(monitor_page(content))
    newest["score"] |= {"state": "drift"}
    page = monitor_page(content)
    assert "inputs drift 0 of 4 in the newest window; the scores drift" in words(page)
    assert '<td class="number">0.0001</td>' in page


def test_new_values_and_those_outside_are_named():
    content = figures()
    content["windows"][-1]["drift"]["inputs"]["carrier"] |= {"unknown": {"ZZ": 1_031}, "outside": 0.021}
    shown = words(monitor_page(content))
    assert "ZZ (1,031)" in shown
    assert "2.1 %" in shown


def test_slices_are_those_of_the_newest_window_with_labels():
    content = figures()
    for number, one in enumerate(content["windows"]):
        figures_of = {"rows": 700, "log_loss": {"value": 0.25, "low": 0.125, "high": 0.5}}
        one["slices"] = {"carrier=AA": figures_of, f"carrier=U{number}": {**figures_of, "state": "worse"}}
        one["release_slices"] = {"carrier=AA": {"log_loss": {"value": 0.1875}}}
    page = monitor_page(content)
    shown = words(page)
    assert f"Slices of the window from {content['windows'][-3]['start']}" in shown
    assert "carrier=U21 0.25 0.125 to 0.5 - 700" in shown
    assert shown.index("carrier=U21") < shown.index("carrier=AA")  # the worse first
    assert "carrier=AA 0.25 0.125 to 0.5 0.1875 700" in shown
    assert page.count('<b class="bad">0.25</b>') == 1


@pytest.mark.parametrize("windows", [1, 2, 200])
def test_a_page_of_few_and_of_many_windows_is_one(windows, tmp_path):
    content = figures(windows, metrics=("rmse",), inputs=tuple(f"input {number}" for number in range(70)), unmatured=0)
    write_page(content, tmp_path / "reports/monitor.html")
    text = (tmp_path / "reports/monitor.html").read_text()
    assert "The 40 of 70 inputs that moved most" in words(text)
    assert len(text) < 1_500_000


def test_before_anything_has_arrived_the_page_says_so():
    empty = {"format": 1, "model": "m", "until": None, "logs": {}, "windows": [], "alarms": [], "retrain": None}
    assert "No row that was answered has arrived yet" in words(monitor_page(empty))
    content = figures(2, unmatured=2)
    assert "No window has enough labels yet" in words(monitor_page(content))


def test_a_canary_beside_the_one_that_serves_has_its_own_line():
    content = figures()
    beside = json.loads(json.dumps(content["windows"][-3])) | {"bundle": "0dd000000004"}
    content["windows"].insert(-2, beside)
    assert "0dd0000" in words(monitor_page(content))


def test_hostile_text_stays_text():
    content = figures(metrics=(HOSTILE, "b"), inputs=(HOSTILE, "$a$"))
    content |= {"model": HOSTILE, "until": HOSTILE, "retrain": {"cause": HOSTILE, "reason": HOSTILE}}
    content["alarms"] = [
        {"key": "k", **dict.fromkeys(("kind", "subject", "since", "summary"), HOSTILE), "lines": [HOSTILE]}
    ]
    content["windows"][-3]["slices"] = {HOSTILE: {}}
    content["windows"][-1] |= {"bundle": HOSTILE}
    made = monitor_page(content)
    assert "<script" not in made
    assert made.count("&lt;script&gt;") > 9


def test_the_same_figures_give_the_same_page(page):
    assert monitor_page(figures()) == page
