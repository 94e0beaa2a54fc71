"""The tests that a project carries say what is wrong where a feature, an estimator or a setting is."""

from __future__ import annotations

import re

import pytest
from teams import PACKAGE, copy_of, own_tests, replaced, with_estimator, with_feature

WRONG_FEATURES = {
    "the row before": (
        with_feature('made["before"] = np.roll(columns["temp"], 1)'),
        "test_each_row_is_answered_from_that_row_alone",
        r"features\(\) looks at another row: row \d+ answered \S+ alone and \S+ among \d+ rows \(feature 'before'\)",
    ),
    "the mean of the batch": (
        with_feature('made["temp_mean"] = np.full(len(columns["temp"]), np.nanmean([*columns["temp"], 1.0]))'),
        "test_each_row_is_answered_from_that_row_alone",
        r"features\(\) looks at another row: row \d+ answered \S+ alone and \S+ among \d+ rows \(feature 'temp_mean'\)",
    ),
    "the number of rows": (
        with_feature('made["rows"] = np.full(len(columns["temp"]), float(len(columns["temp"])))'),
        "test_each_row_is_answered_from_that_row_alone",
        r"row 0 answered 1.0 alone and \d+.0 among \d+ rows \(feature 'rows'\)",
    ),
    "the target": (
        with_feature('made["known"] = columns["late"]'),
        "test_the_target_is_not_looked_at",
        r"features\(\) asks for column 'late', which is the target",
    ),
    "the target by pandas": (
        with_feature('import pandas; made["known"] = pandas.DataFrame(columns)["late"].to_numpy()'),
        "test_the_target_is_not_looked_at",
        r"features\(\) asks for column 'late', which is the target",
    ),
    "an id": (
        with_feature('made["known"] = columns["flight_id"]'),
        "test_the_target_is_not_looked_at",
        r"features\(\) asks for column 'flight_id', which has role id in contract.yaml; it is given: scheduled_dep",
    ),
    "its input, written to": (
        with_feature('columns["temp"][:] = 0'),
        "test_the_inputs_stay_as_they_are",
        r"features\(\) changes its input: column 'temp' of row 0 was \S+ and is 0.0 afterwards",
    ),
    "random numbers": (
        with_feature('made["noise"] = np.random.default_rng().normal(size=len(columns["temp"]))'),
        "test_the_same_rows_have_the_same_features_again",
        r"features\(\) answers the same rows in two ways: row 0 got \S+ and then \S+ \(feature 'noise'\)",
    ),
    "a division by zero": (
        with_feature('made["ratio"] = columns["dewp"] / columns["temp"]'),
        "test_no_feature_is_infinite",
        r"feature 'ratio' is infinite in row \d+, which contract.yaml allows: .*temp=0.0, .*Return NaN",
    ),
    "text": (
        with_feature('made["text"] = columns["temp"].astype(str)'),
        "test_features_are_arrays_of_numbers",
        r"feature 'text' has dtype <U\d+: make it a float array",
    ),
}


@pytest.mark.parametrize(("edit", "test", "message"), WRONG_FEATURES.values(), ids=WRONG_FEATURES)
def test_features_that_look_where_they_must_not_are_named(tmp_path, edit, test, message):
    root = copy_of("classification", tmp_path)
    edit(root)
    status, printed = own_tests(root, "tests/test_features.py", "-rf")
    assert status == 1, printed
    assert f"FAILED tests/test_features.py::{test}" in printed
    assert re.search(message, printed), printed


UNSEEDED = """\
def mine(inputs: Inputs) -> BaseEstimator:
    return RandomForestClassifier(n_estimators=3)"""
NEIGHBOURS = """\
def mine(inputs: Inputs) -> BaseEstimator:
    from sklearn.neighbors import RadiusNeighborsClassifier

    return make_pipeline(SimpleImputer(keep_empty_features=True), RadiusNeighborsClassifier())"""
WRONG_SETTINGS = {
    "an estimator without a seed": (
        with_estimator(UNSEEDED),
        "test_model.py::test_it_is_fitted_to_the_same_bytes_again[mine]",
        "estimator 'mine' gives another model each time it is fitted",
    ),
    "an estimator that cannot be exported": (
        with_estimator(NEIGHBOURS),
        "test_model.py::test_it_is_exported_and_answers_as_scikit_learn_does[mine]",
        "RadiusNeighborsClassifier cannot be exported",
    ),
    "an estimator that is not there": (
        replaced("params.yaml", "estimator: gradient_boosting", "estimator: forest"),
        "test_model.py::test_params_name_an_estimator_that_is_there",
        "params.yaml: model.estimator is 'forest', and model.py has: gradient_boosting, random_forest, linear",
    ),
    "a range of a setting that is not there": (
        replaced("params.yaml", "alpha: {low", "alfa: {low"),
        "test_model.py::test_it_takes_what_tuning_tries[linear]",
        "params.yaml: tune.space.linear, at the low ends: estimator 'linear': params.yaml: model.linear:",
    ),
    "a metric of another task": (
        replaced("policy.yaml", "  roc_auc: 0.65", "  rmse: 45.0"),
        "test_settings.py::test_the_policy_names_metrics_of_this_target",
        "policy.yaml: floors.rmse: 'late' is a target of kind binary, which has no rmse; it has: roc_auc,",
    ),
    "a stage that does not look at the watermark": (
        replaced("dvc.yaml", "[source, period, watermark, vendor", "[source, period, vendor"),
        "test_settings.py::test_each_stage_depends_on_the_params_that_it_reads",
        "dvc.yaml: stages.ingest.params must name watermark, which the stage reads",
    ),
    "no watermark": (
        replaced("params.yaml", 'watermark: "2013-12"', "watermark: null"),
        "test_settings.py::test_contract_and_params_fit_each_other",
        "params.yaml: watermark must name the last period to take: 'scheduled_departure' has role time",
    ),
    "a placeholder of the card": (
        lambda root: (root / "docs/model-card.md").write_text("# {contract.nam}\n"),
        "test_service.py::test_the_predictor_answers_the_probes",
        "docs/model-card.md: {contract.nam}: there is no 'nam'",
    ),
    "a page of other data": (
        lambda root: (root / "docs/data.md").write_text("# Other data\n"),
        "test_settings.py::test_the_page_of_the_data_is_up_to_date",
        "docs/data.md is not what contract.yaml says; write it anew with `make docs`, and commit it",
    ),
    "a contract that contradicts itself": (
        replaced("contract.yaml", "role: id,", "role: target,"),
        "test_settings.py::test_contract_and_params_fit_each_other",
        "contract.yaml: columns: 2 columns have role target; exactly one must",
    ),
}


@pytest.mark.parametrize(("edit", "test", "message"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS)
def test_a_wrong_estimator_or_setting_is_named(tmp_path, edit, test, message):
    root = copy_of("classification", tmp_path)
    edit(root)
    status, printed = own_tests(root, f"tests/{test.partition('::')[0]}", "-rfE")
    assert status == 1, printed
    assert re.search(rf"(FAILED|ERROR) tests/{re.escape(test)}", printed), printed
    assert message in printed, printed


def test_a_library_that_was_changed_is_named(tmp_path):
    root = copy_of("classification", tmp_path)
    hashes = root / "vendor/yard.json"
    hashes.write_text(re.sub(r'("train": ")\w{8}', r"\g<1>00000000", hashes.read_text()))
    status, printed = own_tests(root, "tests/test_settings.py", "-rf")
    assert status == 1, printed
    assert "vendor/yard.json does not hold the hash of the code of `train` that runs" in printed


def test_a_setting_of_the_plugin_that_is_missing_is_named(tmp_path):
    root = copy_of("classification", tmp_path)
    replaced("pyproject.toml", f'modelyard_package = "{PACKAGE}"\n', "")(root)
    status, printed = own_tests(root, "tests/test_settings.py")
    assert status != 0
    assert "pyproject.toml: [tool.pytest.ini_options] needs modelyard_package" in printed
