"""What each estimator in model.py must keep; a test with `estimator` runs once for each of them."""

from __future__ import annotations

from modelyard.testing import estimators as check


def test_params_name_an_estimator_that_is_there(project, params):
    check.check_chosen(project, params)


def test_it_is_exported_and_answers_as_scikit_learn_does(project, estimator, labelled, contract, params, tmp_path):
    check.check_export(project, estimator, labelled, contract, params, tmp_path / "model.onnx")


def test_it_is_fitted_to_the_same_bytes_again(project, estimator, labelled, contract, params):
    check.check_reproducible(project, estimator, labelled, contract, params)


def test_it_takes_what_tuning_tries(project, estimator, labelled, contract, params):
    check.check_tuned(project, estimator, labelled, contract, params)
