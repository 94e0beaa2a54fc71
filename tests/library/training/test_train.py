from __future__ import annotations

import dataclasses
import json
import re
import shutil

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.matrix import matrix
from modelyard.runtime.predictor import OnnxModel
from modelyard.runtime.project import Project
from modelyard.training import export as exporting
from modelyard.training.data.dataset import read_rows
from modelyard.training.export.exporter import Converter
from modelyard.training.fit import fit
from modelyard.training.layout import ENVIRONMENT, MODEL, PERIODS, REFERENCE, TRAINING, VALIDATION
from modelyard.training.predictions import read_predictions
from modelyard.training.train import export, main, train
from modelyard.training.xgboost import xgboost
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import Ridge
from sklearn.neighbors import RadiusNeighborsClassifier

from flight_delays.features import features
from flight_delays.model import ESTIMATORS

QUICK = {"gradient_boosting": {"max_iter": 5}, "random_forest": {"n_estimators": 5, "max_depth": 6}, "linear": {}}


def with_model(params, estimator, **settings):
    chosen = dataclasses.replace(params.model, estimator=estimator, settings={estimator: settings})
    return dataclasses.replace(params, model=chosen)


def shrubs(inputs, height=3):
    return ExtraTreesClassifier(5, max_depth=height, random_state=inputs.seed)


def neighbours(inputs):
    return RadiusNeighborsClassifier(n_jobs=inputs.threads)


@pytest.fixture
def rows(made):
    return read_rows(made.root, made.contract, made.params, "validation")


@pytest.fixture
def copied(made, tmp_path):
    """The workspace with data that was taken, and a model that is to be made."""
    copy = dataclasses.replace(made, root=shutil.copytree(made.root, tmp_path / "flights"))
    shutil.rmtree(copy.root / "model")
    return copy


@pytest.mark.parametrize("estimator", QUICK)
@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
def test_each_estimator_is_exported_as_it_answers(kind, estimator, request, tmp_path):
    workspace = request.getfixturevalue(kind)
    train_rows, holdout = (
        read_rows(workspace.root, workspace.contract, workspace.params, part) for part in ("train", "holdout")
    )
    trained = fit(
        workspace.project, train_rows, workspace.contract, with_model(workspace.params, estimator, **QUICK[estimator])
    )
    worst = export(workspace.project, trained, tmp_path / "model.onnx", workspace.contract, [holdout])
    table = matrix(features(holdout.columns, workspace.contract))
    answer = OnnxModel(tmp_path / "model.onnx", workspace.contract, features).answer(table)
    np.testing.assert_allclose(answer, trained.predict(table), rtol=0, atol=1e-12)
    expected = trained.predict(table)
    assert worst == np.max(np.abs(answer - expected) / np.maximum(1, np.abs(expected)))


def test_the_baseline_of_two_classes_is_how_often_the_second_occurs(made, rows):
    trained = fit(made.project, rows, made.contract, made.params)
    assert trained.baseline == [rows.target.mean()]


def test_the_baseline_of_several_classes_is_how_often_each_occurs(made_multiclass):
    told = json.loads((made_multiclass.root / TRAINING).read_text())
    rows = read_rows(made_multiclass.root, made_multiclass.contract, made_multiclass.params, "shipped")
    assert told["baseline"] == [np.mean(rows.target == place) for place in range(3)]


def test_the_baseline_of_a_number_is_its_mean(made_regression):
    told = json.loads((made_regression.root / TRAINING).read_text())
    rows = read_rows(made_regression.root, made_regression.contract, made_regression.params, "shipped")
    assert told["baseline"] == [rows.target.mean()]


def test_the_same_rows_and_settings_give_the_same_bytes(made, rows, tmp_path):
    for name in ("first", "second"):
        export(
            made.project, fit(made.project, rows, made.contract, made.params), tmp_path / name, made.contract, [rows]
        )
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize(
    ("estimator", "settings", "message"),
    [
        ("xgboost", {}, "params.yaml: model.estimator is 'xgboost'; there are: gradient_boosting"),
        ("random_forest", {"trees": 5}, "params.yaml: model.random_forest: .*'trees'; its settings are: .*max_depth"),
        ("random_forest", {"max_depth": -1}, "params.yaml: model.random_forest: The 'max_depth' parameter .* Got -1"),
        ("gradient_boosting", {"max_iter": "many"}, "params.yaml: model.gradient_boosting: The 'max_iter' parameter"),
        ("linear", {"alpha": -1.0}, "params.yaml: model.linear: The 'C' parameter"),
        ("linear", {"alpha": "strong"}, "params.yaml: model.linear: .*its settings are: alpha, max_iter"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(estimator, settings, message, made, rows):
    with pytest.raises(ContractError, match=message):
        fit(made.project, rows, made.contract, with_model(made.params, estimator, **settings))


def test_a_class_without_a_training_row_is_refused_by_name(made, rows):
    on_time = dataclasses.replace(rows, target=np.zeros_like(rows.target))
    for window, longer in ((None, ""), (2, r"split\.window longer, or ")):
        params = dataclasses.replace(made.params, split=dataclasses.replace(made.params.split, window=window))
        told = rf"no training row has late = True: .* make {longer}split\.validation or split\.holdout smaller"
        with pytest.raises(ContractError, match=told):
            fit(made.project, on_time, made.contract, params)


def test_more_categories_than_boosting_takes_are_told_without_a_traceback(made, rows):
    many = rows.columns | {"origin": np.arange(len(rows.target)) % 300}
    with pytest.raises(ContractError, match=r"gradient_boosting cannot be fitted on these features: .*cardinality"):
        fit(made.project, dataclasses.replace(rows, columns=many), made.contract, made.params)


def with_ratio(columns, contract):
    """Features of which one is infinite where the distance is 0, and one has no value."""
    with np.errstate(divide="ignore"):
        ratio = 1 / np.where(columns["distance"] > 2000, 0.0, columns["distance"])
    return features(columns, contract) | {"ratio": ratio, "none": np.full(len(ratio), np.nan)}


def without_none(columns, contract):
    return {name: values for name, values in with_ratio(columns, contract).items() if name != "none"} | {
        "same": np.full(len(columns["distance"]), 7.0)
    }


@pytest.mark.parametrize(
    ("estimator", "own", "message"),
    [
        ("random_forest", with_ratio, r"features.py: 'ratio' in [\d,]+ of [\d,]+ rows is infinite, .*; give NaN"),
        ("linear", with_ratio, r"features.py: 'ratio' in [\d,]+ of [\d,]+ rows is infinite, .*; give NaN"),
    ],
)
def test_features_that_an_estimator_refuses_are_named(made, rows, estimator, own, message):
    with pytest.raises(ContractError, match=message):
        fit(Project(made.project.name, own), rows, made.contract, with_model(made.params, estimator))


@pytest.mark.parametrize("kind", [float, int])
@pytest.mark.parametrize("estimator", ["gradient_boosting", "random_forest", "linear"])
def test_a_feature_that_begins_after_the_fitted_rows_changes_no_answer(made, rows, tmp_path, estimator, kind):
    def without(columns, contract):
        return features(columns, contract) | {
            "later": np.full(len(columns["distance"]), np.nan if kind is float else -1)
        }

    def begun(columns, contract):
        found = without(columns, contract)
        return found | {"later": np.arange(len(found["later"])).astype(kind)}

    params = with_model(made.params, estimator)
    trained = fit(Project(made.project.name, without), rows, made.contract, params)
    plain = fit(made.project, rows, made.contract, params)
    later = Project(made.project.name, begun)
    assert export(later, trained, tmp_path / "model.onnx", made.contract, [rows]) <= 1e-9
    if (
        estimator == "gradient_boosting"
    ):  # a forest draws among more features; of a category, "missing" is one for linear
        table = matrix(begun(rows.columns, made.contract))
        np.testing.assert_allclose(trained.predict(table), plain.predict(table[:, :-1]), rtol=1e-7)


def test_features_that_are_infinite_in_later_rows_only_are_named(made, rows, tmp_path):
    project = Project(made.project.name, without_none)
    near = dataclasses.replace(rows, columns=rows.columns | {"distance": np.minimum(rows.columns["distance"], 2000)})
    trained = fit(project, near, made.contract, with_model(made.params, "random_forest", n_estimators=2))
    with pytest.raises(ContractError, match=r"features.py: 'ratio' in [\d,]+ of [\d,]+ rows is infinite"):
        export(project, trained, tmp_path / "m.onnx", made.contract, [rows])
    assert not (tmp_path / "m.onnx").exists()


def test_an_estimator_of_ones_own_is_trained_and_exported(copied, monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "shrubs", shrubs)
    told = train(copied.project, copied.root, copied.contract, with_model(copied.params, "shrubs", height=4))
    assert told["estimator"] == "shrubs"
    assert (copied.root / MODEL).is_file()


def test_a_setting_that_ones_own_estimator_has_not_is_refused_with_those_that_it_has(made, rows, monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "shrubs", shrubs)
    with pytest.raises(ContractError, match=r"model\.shrubs: .*'width'; its settings are: height$"):
        fit(made.project, rows, made.contract, with_model(made.params, "shrubs", width=3))


def test_an_estimator_that_cannot_be_exported_is_refused_before_it_is_fitted(made, rows, monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "neighbours", neighbours)
    monkeypatch.setattr(RadiusNeighborsClassifier, "fit", lambda *_: pytest.fail("it was fitted"))
    with pytest.raises(ContractError, match=r"RadiusNeighborsClassifier cannot be exported; ARDReg.*RandomForest"):
        fit(made.project, rows, made.contract, with_model(made.params, "neighbours"))


def test_a_regressor_for_classes_is_refused(made, rows, monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "ridge", lambda _: Ridge())
    with pytest.raises(ContractError, match="ridge builds a Ridge, and must build a classifier"):
        fit(made.project, rows, made.contract, with_model(made.params, "ridge"))


@pytest.mark.parametrize("factor", [1, 1e8])
def test_a_large_number_may_be_as_far_away_as_its_last_digits(factor, made_regression, tmp_path):
    rows = read_rows(made_regression.root, made_regression.contract, made_regression.params, "train")
    large = dataclasses.replace(rows, target=rows.target * factor)
    params = with_model(made_regression.params, "linear")
    trained = fit(made_regression.project, large, made_regression.contract, params)
    assert export(made_regression.project, trained, tmp_path / "m.onnx", made_regression.contract, [rows]) < 1e-12


def test_what_xgboost_itself_answers_is_stated(copied, monkeypatch, capsys):
    monkeypatch.setitem(ESTIMATORS, "xgboost", xgboost)
    train(copied.project, copied.root, copied.contract, with_model(copied.params, "xgboost", n_estimators=10))
    printed = capsys.readouterr().out
    told = re.search(r"XGBClassifier's own answers, in float32, are at most (\S+) away", printed)
    assert 0 < float(told[1]) < 1e-6
    assert float(re.search(r"exported: at most (\S+) from the estimator", printed)[1]) < 1e-14


@pytest.mark.parametrize("fault", [1e-6, np.nan])
def test_an_export_that_answers_otherwise_is_refused_and_leaves_no_model(fault, copied, monkeypatch):
    name = "sklearn.HistGradientBoostingClassifier"
    true = exporting.CONVERTERS[name].add

    def faulty(exporter, model, table):
        return exporter.graph.add("Add", true(exporter, model, table), exporter.graph.constant(fault))

    monkeypatch.setitem(exporting.CONVERTERS, name, Converter(faulty))
    monkeypatch.setattr(exporting, "quickscorer", lambda *_: None)
    with pytest.raises(ContractError, match="away from the estimator, more than 1e-09"):
        train(copied.project, copied.root, copied.contract, copied.params)
    assert not (copied.root / MODEL).exists()


def test_an_export_that_answers_many_rows_otherwise_is_refused_and_leaves_no_model(copied, monkeypatch):
    true = exporting.quickscorer

    def faulty(*arguments):
        made = true(*arguments)
        made.leaves[0] += 1e-12
        return made

    monkeypatch.setattr(exporting, "quickscorer", faulty)
    with pytest.raises(ContractError, match="in another way among 64 rows than among fewer"):
        train(copied.project, copied.root, copied.contract, copied.params)
    assert not (copied.root / MODEL).exists()


def test_what_is_known_of_the_training_is_kept(copied):
    told = train(copied.project, copied.root, copied.contract, copied.params)
    assert json.loads((copied.root / TRAINING).read_text()) == told
    rows, first = (read_rows(copied.root, copied.contract, copied.params, part) for part in ("shipped", "train"))
    assert told["estimator"] == "gradient_boosting"
    assert told["features"] == list(features(rows.columns, copied.contract))
    assert (told["rows"], told["unlabelled_rows"]) == (len(rows.target), rows.unlabelled)
    assert [told["first_period"], told["last_period"]] == [rows.periods[0], rows.periods[-1]] == ["2013-01", "2013-10"]
    assert told["first_fit"] == {"rows": len(first.target), "first_period": "2013-01", "last_period": "2013-08"}
    assert len(first.target) + told["validation_rows"] == told["rows"]
    held = told["validation_periods"], told["holdout_periods"]
    assert held == (["2013-09", "2013-10"], ["2013-11", "2013-12"])


def test_the_model_that_ships_is_fitted_on_the_validation_rows_too_and_their_answers_are_of_the_first_fit(made):
    train_rows, both, validation = (
        read_rows(made.root, made.contract, made.params, part) for part in ("train", "shipped", "validation")
    )
    first, second = (fit(made.project, rows, made.contract, made.params) for rows in (train_rows, both))
    table = matrix(features(validation.columns, made.contract))
    target, answers = read_predictions(made.root / VALIDATION, made.contract)
    np.testing.assert_array_equal(target, validation.target)
    np.testing.assert_array_equal(answers, first.predict(table))
    shipped = OnnxModel(made.root / MODEL, made.contract, features).answer(table)
    np.testing.assert_allclose(shipped, second.predict(table), rtol=0, atol=1e-12)
    assert np.abs(shipped - answers).max() > 0.01


def test_without_a_refit_the_one_fit_answers_and_ships(copied):
    copied.edit(split={"refit": False})
    told = train(copied.project, copied.root, copied.contract, copied.params)
    assert (told["rows"], told["last_period"]) == (told["first_fit"]["rows"], "2013-08")
    validation = read_rows(copied.root, copied.contract, copied.params, "validation")
    shipped = OnnxModel(copied.root / MODEL, copied.contract, features).predict(validation.columns)
    answers = read_predictions(copied.root / VALIDATION, copied.contract)[1]
    np.testing.assert_allclose(shipped, answers, rtol=0, atol=1e-12)


def test_validation_rows_without_a_target_stop_the_stage_before_the_fit(copied, capsys):
    for month in ("2013-09", "2013-10"):
        (path,) = (copied.root / PERIODS).rglob(f"*{month}*.parquet")
        table = pyarrow.parquet.read_table(path)
        nothing = pa.nulls(table.num_rows, table["late"].type)
        pyarrow.parquet.write_table(table.set_column(table.column_names.index("late"), "late", nothing), path)
    with pytest.raises(ContractError, match=r"the validation rows \(2013-09, 2013-10\) have no late to learn or judge"):
        train(copied.project, copied.root, copied.contract, copied.params)
    assert "fitting" not in capsys.readouterr().out


def test_days_that_were_held_out_are_kept_beside_their_periods(copied):
    copied.edit(split={"holdout": "7d", "validation": "14d"})
    told = train(copied.project, copied.root, copied.contract, copied.params)
    assert (told["first_period"], told["last_period"]) == ("2013-01", "2013-12-24")
    assert told["train_days"] == ["2013-01-01", "2013-12-24"]
    assert told["first_fit"]["last_period"] == "2013-12-10"
    assert (told["validation_periods"], told["validation_days"]) == (["2013-12"], ["2013-12-11", "2013-12-24"])
    assert (told["holdout_periods"], told["holdout_days"]) == (["2013-12"], ["2013-12-25", "2013-12-31"])


def test_the_stage_makes_the_same_model_again(made, copied, monkeypatch, capsys):
    monkeypatch.chdir(copied.root)
    main([], copied.project)
    assert "exported: at most " in capsys.readouterr().out
    for path in (MODEL, VALIDATION, TRAINING, REFERENCE, ENVIRONMENT):
        assert (copied.root / path).read_bytes() == (made.root / path).read_bytes()


def test_the_model_file_is_valid_onnx(made):
    onnx.checker.check_model(onnx.load(made.root / MODEL), full_check=True)
