from __future__ import annotations

import csv
import dataclasses
import json
import shutil

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.predictor import OnnxModel
from modelyard.runtime.project import Project
from modelyard.training.answered_holdout import draw_groups
from modelyard.training.data.dataset import read_rows
from modelyard.training.evaluate import (
    calibration,
    choose_decision,
    evaluate,
    json_number,
    main,
    write_csv,
)
from modelyard.training.layout import CALIBRATION, IMPORTANCE, METRICS, MODEL, PREDICTIONS, SLICES, VALIDATION
from modelyard.training.metrics import Decision
from modelyard.training.predictions import read_predictions
from modelyard.training.train import train
from sklearn import metrics as sklearn

from flight_delays.features import features

KINDS = ["made", "made_regression", "made_multiclass"]


@pytest.fixture(params=KINDS)
def workspace_of_each_kind(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def copied(made, tmp_path):
    """The workspace with a model that is to be evaluated."""
    copy = dataclasses.replace(made, root=shutil.copytree(made.root, tmp_path / "flights"))
    shutil.rmtree(copy.root / "evaluation")
    return copy


def rows_and_scores(workspace, part="holdout"):
    rows = read_rows(workspace.root, workspace.contract, workspace.params, part)
    return rows, OnnxModel(workspace.root / MODEL, workspace.contract, workspace.project.features).predict(rows.columns)


def metrics_of(workspace):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads((workspace.root / METRICS).read_text(), parse_constant=refuse)


def lines_of(path):
    with path.open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def settings(workspace, **changes):
    params = workspace.params
    return dataclasses.replace(params, evaluate=dataclasses.replace(params.evaluate, **changes))


def test_every_metric_of_the_holdout_is_a_number_within_its_interval(workspace_of_each_kind):
    for name, found in metrics_of(workspace_of_each_kind)["holdout"].items():
        assert found["low"] <= found["high"], name
        if name != "calibration_error":  # resampling adds noise to it, so that its interval lies above it
            assert found["low"] <= found["value"] <= found["high"], name


@pytest.mark.parametrize(
    ("kind", "name", "metric"),
    [
        ("made", "roc_auc", sklearn.roc_auc_score),
        ("made", "log_loss", sklearn.log_loss),
        ("made_regression", "rmse", sklearn.root_mean_squared_error),
        ("made_regression", "r2", sklearn.r2_score),
        ("made_multiclass", "log_loss", sklearn.log_loss),
    ],
)
def test_the_model_is_judged_on_the_holdout_as_scikit_learn_does(kind, name, metric, request):
    workspace = request.getfixturevalue(kind)
    rows, scores = rows_and_scores(workspace)
    found = metrics_of(workspace)
    assert found["holdout"][name]["value"] == pytest.approx(metric(rows.target, scores))
    assert (found["rows"], found["unlabelled_rows"]) == (len(rows.target), rows.unlabelled)


def test_the_baseline_answers_every_row_the_same(made_multiclass):
    told = json.loads((made_multiclass.root / "model/training.json").read_text())["baseline"]
    target = rows_and_scores(made_multiclass)[0].target
    found = metrics_of(made_multiclass)["baseline"]
    assert found["log_loss"] == pytest.approx(sklearn.log_loss(target, np.tile(told, (len(target), 1))))
    assert found["roc_auc"] == 0.5


@pytest.mark.parametrize(
    ("kind", "metric", "sign"), [("made", "log_loss", 1), ("made_regression", "rmse", 1), ("made", "roc_auc", -1)]
)
def test_the_model_is_better_than_the_baseline_on_real_flights(kind, metric, sign, request):
    found = metrics_of(request.getfixturevalue(kind))
    assert sign * found["holdout"][metric]["value"] < sign * found["baseline"][metric]


def test_the_threshold_is_chosen_on_the_validation_rows_and_not_on_the_holdout(made):
    costs = made.params.evaluate.false_positive_cost, made.params.evaluate.false_negative_cost
    rows, scores = rows_and_scores(made)
    chosen = Decision.cheapest(*read_predictions(made.root / VALIDATION, made.contract), *costs).threshold
    assert metrics_of(made)["threshold"] == chosen
    assert chosen != Decision.cheapest(rows.target, scores, *costs).threshold


def test_without_the_first_fits_answers_the_stage_that_writes_them_is_named(copied):
    (copied.root / VALIDATION).unlink()
    with pytest.raises(ContractError, match=r"validation\.parquet: no such file; the stage train writes it"):
        evaluate(copied.project, copied.root, copied.contract, copied.params)


def test_answers_of_another_contract_are_refused(made_multiclass, made):
    with pytest.raises(ContractError, match=r"validation\.parquet has no column 'prediction early': another contract"):
        read_predictions(made.root / VALIDATION, made_multiclass.contract)


@pytest.mark.parametrize("kind", ["made_regression", "made_multiclass"])
def test_what_is_not_binary_has_no_threshold(kind, request):
    workspace = request.getfixturevalue(kind)
    assert choose_decision(None, None, workspace.contract, workspace.params.evaluate) is None
    assert metrics_of(workspace)["threshold"] is None


def test_a_dearer_miss_lowers_the_threshold(made):
    answers = read_predictions(made.root / VALIDATION, made.contract)
    thresholds = [
        choose_decision(*answers, made.contract, settings(made, false_negative_cost=cost).evaluate).threshold
        for cost in (1.0, 3.0, 9.0)
    ]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] > thresholds[2]


def test_rows_of_one_day_are_drawn_together(made):
    rows = rows_and_scores(made)[0]
    groups = draw_groups(rows, made.contract, settings(made, resample="day").evaluate)
    days = pc.strftime(rows.table[made.contract.time], format="%Y-%m-%d").to_pylist()
    assert len({*zip(days, groups.tolist(), strict=True)}) == len({*days}) == groups.max() + 1


def test_each_row_is_drawn_alone_where_that_is_asked_for(made):
    rows = rows_and_scores(made)[0]
    groups = draw_groups(rows, made.contract, settings(made, resample="row").evaluate)
    assert groups.tolist() == list(range(len(rows.target)))


def test_days_cannot_be_drawn_without_a_time(made):
    columns = {name: column for name, column in made.contract.columns.items() if name != made.contract.time}
    timeless = dataclasses.replace(made.contract, columns=columns)
    with pytest.raises(ContractError, match=r"evaluate\.resample is day, and the data has no time column; make it row"):
        draw_groups(rows_and_scores(made)[0], timeless, settings(made, resample="day").evaluate)


def test_a_slice_is_judged_on_its_own_rows(made):
    rows, scores = rows_and_scores(made)
    lines = lines_of(made.root / SLICES)
    for value in ("EWR", "JFK", "LGA"):
        (line,) = (one for one in lines if one["slice"] == value and one["metric"] == "roc_auc")
        chosen = pc.equal(rows.table[line["column"]], value).to_numpy()
        assert int(line["rows"]) == chosen.sum()
        assert float(line["value"]) == pytest.approx(sklearn.roc_auc_score(rows.target[chosen], scores[chosen]))
        assert float(line["low"]) < float(line["value"]) < float(line["high"])


def test_slices_with_too_few_rows_are_not_judged(workspace_of_each_kind):
    rows = rows_and_scores(workspace_of_each_kind)[0]
    judged = {(line["column"], line["slice"]) for line in lines_of(workspace_of_each_kind.root / SLICES)}
    counts = {
        (column, one["values"]): one["counts"]
        for column in workspace_of_each_kind.contract.slices
        for one in pc.value_counts(rows.table[column]).to_pylist()
    }
    assert judged == {one for one, count in counts.items() if count >= 100}
    assert judged < counts.keys()


def test_calibration_counts_every_row_and_goes_up(workspace_of_each_kind):
    lines = lines_of(workspace_of_each_kind.root / CALIBRATION)
    assert sum(int(line["rows"]) for line in lines) == metrics_of(workspace_of_each_kind)["rows"]
    predicted = [float(line["predicted"]) for line in lines]
    assert predicted == sorted(predicted)


def test_calibration_shows_what_was_predicted_and_what_happened(made):
    scores = np.repeat([0.25, 0.75], 8)
    target = np.array([0, 0, 0, 1] * 2 + [1, 0] * 4)
    assert calibration(target, scores, made.contract) == [
        {"rows": 8, "predicted": 0.25, "observed": 0.25, "lowest": 0.25, "highest": 0.25},
        {"rows": 8, "predicted": 0.75, "observed": 0.5, "lowest": 0.75, "highest": 0.75},
    ]


def test_calibration_of_several_classes_is_that_of_the_most_probable(made_multiclass):
    scores = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1], [0.8, 0.2, 0]])
    (line,) = calibration(np.array([0, 2, 1, 2]), scores, made_multiclass.contract)
    ends = {"lowest": 0.8, "highest": 0.8}
    assert line == {"rows": 4, "predicted": pytest.approx(0.8), "observed": 0.75} | ends


def test_every_holdout_row_is_kept_with_its_prediction(made):
    rows, scores = rows_and_scores(made)
    kept = pyarrow.parquet.read_table(made.root / PREDICTIONS)
    assert kept["flight_id"].to_pylist() == rows.table["flight_id"].to_pylist()
    assert kept["late"].to_pylist() == rows.table["late"].to_pylist()
    np.testing.assert_array_equal(kept["prediction"].to_numpy(), scores)


def test_each_class_has_a_prediction_of_its_own(made_multiclass):
    scores = rows_and_scores(made_multiclass)[1]
    kept = pyarrow.parquet.read_table(made_multiclass.root / PREDICTIONS)
    for place, name in enumerate(made_multiclass.contract.classes):
        np.testing.assert_array_equal(kept[f"prediction {name}"].to_numpy(), scores[:, place])


def test_importance_is_written_in_its_order(made):
    lines = lines_of(made.root / IMPORTANCE)
    assert {line["input"] for line in lines} == made.contract.inputs.keys()
    losses = [float(line["loss"]) for line in lines]
    assert losses == sorted(losses, reverse=True)


def test_the_stage_finds_the_same_again(made, copied, monkeypatch, capsys):
    monkeypatch.chdir(copied.root)
    main([], copied.project)
    found = metrics_of(made)["holdout"]["log_loss"]
    line = "log_loss {value:.4f} ({low:.4f} to {high:.4f}) on {rows:,} holdout rows".format_map(
        found | {"rows": metrics_of(made)["rows"]}
    )
    assert line in capsys.readouterr().out
    for path in (METRICS, SLICES, CALIBRATION, IMPORTANCE, PREDICTIONS):
        assert (copied.root / path).read_bytes() == (made.root / path).read_bytes()


def test_infinite_and_constant_features_of_the_training_rows_are_warned_of(copied):
    def own(columns, contract):
        with np.errstate(divide="ignore"):
            ratio = 1 / np.where(columns["distance"] > 2000, 0.0, columns["distance"])
        return features(columns, contract) | {"ratio": ratio, "same": np.full(len(ratio), 7.0)}

    project = Project(copied.project.name, own)
    train(project, copied.root, copied.contract, copied.params)
    told = evaluate(project, copied.root, copied.contract, copied.params)["warnings"]
    assert [one["name"] for one in told] == ["constant_features", "infinite_features"]
    assert told[0]["features"] == ["same"]
    assert list(told[1]["features"]) == ["ratio"]
    assert metrics_of(copied)["warnings"] == told


def test_the_flights_have_nothing_to_warn_of(made):
    assert metrics_of(made)["warnings"] == []


def test_data_without_slices_is_judged_too(copied):
    contract = dataclasses.replace(copied.contract, slices=[])
    evaluate(copied.project, copied.root, contract, copied.params)
    assert (copied.root / SLICES).read_text() == "column,slice,rows,metric,value,low,high\n"


def test_a_value_that_json_cannot_hold_is_none():
    assert [json_number(np.array([value])) for value in (0.5, np.nan, np.inf)] == [0.5, None, None]


def test_what_is_undefined_is_an_empty_cell(tmp_path):
    write_csv(tmp_path / "lines.csv", ["metric", "value"], [{"metric": "roc_auc", "value": None}])
    assert (tmp_path / "lines.csv").read_text() == "metric,value\nroc_auc,\n"
