"""All of `make monitor`, on what the bundles of several projects answered."""

from __future__ import annotations

import dataclasses
import datetime
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from library.production.answered import answer_days, days, rows_of, scores_of, spread_over
from library.production.logged import line_text, ship_lines
from modelyard.judging.monitoring import Monitor
from modelyard.production.compact import compact
from modelyard.production.label_sources import Given
from modelyard.production.labels import join, run
from modelyard.production.monitor import main as monitor_command
from modelyard.production.monitor import monitor, write
from modelyard.production.store import Store
from modelyard.runtime.bundle import read_bundle
from modelyard.training.data.dataset import encode_target
from modelyard.training.metrics import Decision, measure

LONG = "2026-06-01"


def settings(store: Store, **values: object) -> Monitor:
    return Monitor(store=str(store.folder), **values)


def watch(workspace, store, until=LONG, **values):
    moment = datetime.datetime.fromisoformat(until)
    return monitor(workspace.project, workspace.root, workspace.contract, settings(store, **values), 1, moment)


def by_request(day, rows, contract):
    """The true labels of a day's rows, by the request that asked for each."""
    target = rows[contract.target].cast(pa.string() if contract.classes else pa.float64())
    requests = [f"{day}-{place:06}" for place in range(rows.num_rows)]
    keys = {"request": requests, "row": pa.array([0] * rows.num_rows, pa.int32())}
    known = [datetime.datetime.fromisoformat(day) + datetime.timedelta(1)] * rows.num_rows
    return Given(pa.table(keys | {"label": target, "known": known}), ["request", "row"], day)


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass", "other"])
def test_the_figures_are_those_of_a_recount(kind, request, tmp_path):
    workspace, store = request.getfixturevalue(kind), Store(str(tmp_path / "store"))
    contract, rows = workspace.contract, rows_of(workspace)
    parts = spread_over(rows, days("2026-03-02", 7), 80)
    answer_days(store, workspace, parts)
    moment = datetime.datetime(2026, 3, 12)
    join(store, (by_request(day, part, contract) for day, part in parts.items()), moment, tmp_path)
    (window,) = watch(workspace, store, "2026-03-20")["windows"]
    assert (window["start"], window["end"], window["rows"]) == ("2026-03-02", "2026-03-09", 560)
    assert window["coverage"] == 1
    whole = pa.concat_tables(parts.values())
    threshold = json.loads((workspace.root / "bundle/manifest.json").read_text())["threshold"]
    costs = workspace.params.evaluate.false_positive_cost, workspace.params.evaluate.false_negative_cost
    decision = None if threshold is None else Decision(threshold, *costs)
    scores = scores_of(workspace, whole)
    expected = measure(contract.kind, encode_target(whole, contract), scores, np.ones((1, 560)), decision)
    for name, (value,) in expected.items():
        if name != "calibration_error":  # over bins of the release's holdout, not of these rows
            near = {"abs": 2e-3} if name in ("roc_auc", "average_precision") else {"rel": 1e-9}
            assert window["performance"][name]["value"] == pytest.approx(value, **near), name
            assert window["performance"][name]["low"] <= value <= window["performance"][name]["high"]
    assert window["performance"].keys() == expected.keys()


def answered_weeks(workspace, store, tmp_path, weeks=3, each=80, change=lambda rows: rows, flip=False, known=0):
    """Weeks of rows as in training, of which those after the first `known` are changed, with their labels."""
    rows, contract = rows_of(workspace), workspace.contract
    parts = spread_over(rows, days("2026-03-02", 7 * weeks), each)
    labels = []
    for number, (day, part) in enumerate(parts.items()):
        changed = change(part) if number >= 7 * known else part
        answer_days(store, workspace, {day: changed})
        given = by_request(day, part, contract)
        labels.append(dataclasses.replace(given, table=flipped(given.table, contract)) if flip else given)
    join(store, labels, datetime.datetime(2026, 4, 1), tmp_path)


def flipped(table, contract):
    """The opposite of each label."""
    values = table["label"].to_pylist()
    other = {"true": "false", "false": "true"}
    changed = [other.get(value, value) for value in values]
    assert contract.kind == "binary"
    return table.set_column(2, "label", pa.array(changed, table["label"].type))


def replaced(rows, name, values):
    return rows.set_column(rows.column_names.index(name), name, values.cast(rows[name].type))


def keys(found):
    return [alarm["key"] for alarm in found["alarms"] if alarm["kind"] != "logs"]


def test_nothing_is_alarmed_where_nothing_changed(made, store, tmp_path):
    answered_weeks(made, store, tmp_path, each=200)
    found = watch(made, store, "2026-03-29")
    assert found["alarms"] == []
    assert found["retrain"] is None
    assert len(found["windows"]) == 3
    assert found["skew"] == {"rows": 600, "different": 0}


def test_drift_is_alarmed_in_the_second_window_and_asks_for_a_new_model(made, store, tmp_path):
    def celsius(rows):
        return replaced(rows, "temp", pc.divide(pc.subtract(rows["temp"], 32.0), 1.8))

    answered_weeks(made, store, tmp_path, change=celsius, known=1)
    assert keys(watch(made, store, "2026-03-16")) == []  # one window of three
    found = watch(made, store, "2026-03-23")
    assert keys(found) == ["drift:temp", "drift:scores"]
    alarm = found["alarms"][0]
    assert alarm["since"] == "2026-03-09"
    assert "in 2 of 3 windows" in alarm["summary"]
    assert found["retrain"]["cause"] == "drift"
    assert alarm["summary"] in found["retrain"]["reason"]


def test_a_worse_model_is_alarmed_when_its_labels_have_matured(made, store, tmp_path):
    answered_weeks(made, store, tmp_path, flip=True)
    assert keys(watch(made, store, "2026-03-22")) == []
    found = watch(made, store, "2026-04-02")
    assert {"performance:log_loss", "performance:baseline"} <= set(keys(found))
    assert found["retrain"]["cause"] == "performance"


def test_labels_that_never_come_are_alarmed_when_they_should_be_there(made, store):
    for day, rows in spread_over(rows_of(made), days("2026-03-02", 14), 50).items():
        answer_days(store, made, {day: rows})
    assert keys(watch(made, store, "2026-03-15")) == []
    found = watch(made, store, "2026-03-23")
    assert keys(found) == ["coverage:labels"]
    assert found["windows"][0]["coverage"] == 0
    assert found["windows"][0]["performance"] is None


def test_labels_that_were_refused_and_a_silent_log_are_alarmed(made, store, tmp_path):
    answer_days(store, made, spread_over(rows_of(made), days("2026-03-02", 2), 10))
    root = tmp_path / "project"
    (root / "reports").mkdir(parents=True)
    (root / "reports/labels.json").write_text(json.dumps({"error": "a.csv has no column late"}))
    moment = datetime.datetime(2026, 5, 1)
    found = monitor(made.project, root, made.contract, settings(store), 1, moment)
    assert [alarm["key"] for alarm in found["alarms"]] == ["data:labels", "logs:silence"]
    assert found["windows"][0]["drift"] is None  # the bundle was never here


def test_another_release_begins_with_no_alarm(made, store):
    rows = rows_of(made)
    cold = replaced(rows, "temp", pc.subtract(rows["temp"], 60.0))
    answer_days(store, made, spread_over(cold, days("2026-03-02", 21), 80))
    assert "drift:temp" in keys(watch(made, store, "2026-03-23"))
    answer_days(store, made, spread_over(cold, days("2026-03-23", 7), 80), bundle="0123456789ab")
    assert keys(watch(made, store, "2026-03-30", maturity_days=90)) == []


def test_what_was_known_then_is_told_alike_later(made, store, tmp_path):
    answered_weeks(made, store, tmp_path)
    then = watch(made, store, "2026-04-02")
    answer_days(store, made, spread_over(rows_of(made), days("2026-04-06", 7), 30))
    again = watch(made, store, "2026-04-02")
    assert again == then


def test_the_page_says_what_the_figures_do(made, store, tmp_path):
    answered_weeks(made, store, tmp_path, flip=True, each=150)
    found = watch(made, store, "2026-04-02")
    write(tmp_path, store, found)
    page = (tmp_path / "reports/monitor.md").read_text()
    value = found["windows"][-1]["performance"]["log_loss"]["value"]
    assert f"{value:.4f}" in page
    assert "log_loss" in (tmp_path / "reports/monitor.html").read_text()
    assert "performance:log_loss" in page.replace("\\", "")
    assert "**worse**" in page
    assert json.loads((tmp_path / "reports/monitor.json").read_text()) == found
    assert json.loads(store.read("figures/latest.json")) == found


def test_an_empty_store_has_nothing_to_say(made, store):
    found = watch(made, store)
    assert (found["windows"], found["alarms"], found["retrain"]) == ([], [], None)
    assert found["logs"] == {"lines": 0, "torn": 0, "duplicates": 0, "days": 0}


def test_the_figures_name_the_run_that_made_them(made, store, monkeypatch):
    assert watch(made, store)["run"] == "by hand"
    for name, value in {"SERVER_URL": "https://github.com", "REPOSITORY": "acme/flights", "RUN_ID": "17"}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    assert watch(made, store)["run"] == "https://github.com/acme/flights/actions/runs/17"


@pytest.mark.parametrize("kind", ["made", "named", "made_multiclass", "made_regression"])
def test_from_the_lines_of_the_service_to_the_figures(kind, request, store, tmp_path):
    """Log lines, compacted, with labels of the source: every row has a label, and gets its score again."""
    workspace = request.getfixturevalue(kind)
    contract = workspace.contract
    rows = rows_of(workspace).slice(0, 60)
    sent = [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in rows.select([*contract.named("id"), *contract.inputs]).to_pylist()
    ]
    text = b"".join(
        line_text(
            sent[start : start + 30], contract, day, f"{day}T10:00:00", scores_of(workspace, rows.slice(start, 30))
        )
        for start, day in ((0, "2026-03-02"), (30, "2026-03-03"))
    )
    bundle = read_bundle(workspace.root / "bundle").digest[:12]
    ship_lines(store, text.replace(b"0123456789ab", bundle.encode()))
    compact(store, contract, lambda _: None)
    root = tmp_path / "project"
    shutil.copytree(workspace.root / "bundle", root / "bundle")
    moment = datetime.datetime(2026, 3, 20)
    assert "labels: 60 new" in run(root, contract, workspace.params, settings(store), moment)
    found = monitor(workspace.project, root, contract, settings(store), 1, moment)
    (window,) = found["windows"]
    assert (window["rows"], window["labelled"], window["bundle"]) == (60, 60, bundle)
    write(root, store, found)
    names, earlier = list(store.names()), moment - datetime.timedelta(3)
    assert "none are joined for a look back" in run(root, contract, workspace.params, settings(store), earlier)
    write(root, store, found | {"until": earlier.isoformat()})
    assert list(store.names()) == names
    assert json.loads(store.read("figures/latest.json"))["until"] == moment.isoformat()
    assert found["skew"] == {"rows": 60, "different": 0}
    assert found["logs"] == {"lines": 60, "torn": 0, "duplicates": 0, "days": 2}
    assert {one["missing"] for one in window["drift"]["inputs"].values()} != {None}


def test_a_time_that_is_none_is_refused(made, capsys):
    with pytest.raises(SystemExit):
        monitor_command(["--until", "yesterday"], made.project)
    assert "--until: 'yesterday' is no time such as 2013-04-15 or" in capsys.readouterr().err
