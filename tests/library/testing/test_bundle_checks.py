"""A small bundle is made for every task; estimators, bundle and service are asked as a project's tests ask them."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.hashing import sha256
from modelyard.runtime.project import Project
from modelyard.testing import estimators, service
from modelyard.testing.made_rows import make_table
from modelyard.testing.small_bundle import is_current, make_bundle
from sample import SAMPLE

from flight_delays import project as flights_project


@pytest.fixture
def changed_answers(made, tmp_path):
    """A copy of a bundle whose probe expects another first answer."""
    folder = tmp_path / "bundle"
    shutil.copytree(made.root / "bundle", folder)
    probe = json.loads((folder / "probe.json").read_text())
    probe["answers"][0] += 0.25
    (folder / "probe.json").write_text(json.dumps(probe))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["probe.json"] = sha256(folder / "probe.json")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("workspace", ["made", "made_regression", "made_multiclass"])
def test_a_bundle_of_made_rows_answers_its_probes(workspace, request, tmp_path):
    made = request.getfixturevalue(workspace)
    table = make_table(made.contract, made.params)
    folder = make_bundle(tmp_path / "small", made.root, flights_project, made.contract, made.params, table)
    assert read_bundle(folder).contract == made.contract
    service.check_predictor(flights_project, folder)


def test_a_bundle_is_current_while_contract_and_code_are_those_that_made_it(made, tmp_path):
    folder = made.root / "bundle"
    assert is_current(folder, made.project, made.contract)
    assert not is_current(tmp_path, made.project, made.contract)
    assert not is_current(folder, made.project, dataclasses.replace(made.contract, owner="somebody else"))


def test_a_bundle_is_not_current_after_features_were_changed(made, tmp_path):
    shutil.copytree(made.root / "bundle", tmp_path / "bundle")
    path = tmp_path / "bundle/manifest.json"
    manifest = json.loads(path.read_text())
    manifest["code"]["features.py"] = "0" * 64
    path.write_text(json.dumps(manifest))
    assert not is_current(tmp_path / "bundle", made.project, made.contract)


def test_a_service_is_started_and_asked(made):
    bundle = made.root / "bundle"
    with service.started(flights_project, SAMPLE, bundle) as one:
        service.check_answers(one, bundle)
        service.check_refusal(one, bundle, made.contract)


def test_an_answer_that_is_not_the_bundle_s_is_named(made, changed_answers):
    with pytest.raises(
        AssertionError, match=r"^Predictor answers row 0 of the bundle's probe with 0\.\d+; the pipelin"
    ):
        service.check_predictor(flights_project, changed_answers)
    bundle = made.root / "bundle"
    with service.started(flights_project, SAMPLE, bundle) as one, pytest.raises(AssertionError) as caught:
        service.check_answers(one, changed_answers)
    assert str(caught.value).startswith("POST /predict answers row 0 of the bundle's probe with ")


def test_why_a_service_does_not_start_is_said(tmp_path, changed_answers):
    for folder, why in ((tmp_path, "holds no bundle"), (changed_answers, "1 of 100 probe rows are not answered as")):
        starting = service.started(flights_project, SAMPLE, folder)
        with pytest.raises(AssertionError, match=rf"the service does not start: .*{why}"), starting:
            pass


@pytest.mark.parametrize("estimator", ["gradient_boosting", "random_forest", "linear"])
def test_the_sample_s_estimators_pass(made_multiclass, estimator, tmp_path):
    made = made_multiclass
    rows = estimators.labelled_rows(make_table(made.contract, made.params), made.contract)
    estimators.check_export(flights_project, estimator, rows, made.contract, made.params, tmp_path / "model.onnx")
    estimators.check_reproducible(flights_project, estimator, rows, made.contract, made.params)
    estimators.check_tuned(flights_project, estimator, rows, made.contract, made.params)


def test_unlabelled_rows_are_left_out_and_counted(made):
    table = make_table(made.contract, made.params)
    rows = estimators.labelled_rows(table, made.contract)
    assert rows.unlabelled == table["late"].null_count > 0
    assert len(rows.target) == table.num_rows - rows.unlabelled


def test_a_project_without_an_estimator_is_named(made, monkeypatch):
    monkeypatch.setattr(Project, "estimators", {})
    with pytest.raises(AssertionError, match=r"^model\.py: ESTIMATORS is empty"):
        estimators.check_chosen(flights_project, made.params)
