from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from modelyard.errors import ContractError
from modelyard.training.settings import FileSettings, days_of, read_contract, read_params

PARAMS = """\
seed: 7
threads: 1
source: {kind: files, path: data.csv}
period: month
watermark: "2013-12"
split: {holdout: 1, validation: 2}
model:
  estimator: linear
  linear: {alpha: 1.0}
evaluate:
  resample: day
  bootstrap: 100
  false_positive_cost: 1
  false_negative_cost: 3
  slice_rows: 10
  importance_rows: 10
  importance_repeats: 1
tune:
  trials: 4
  batch: 2
  space:
    linear:
      alpha: {low: 0.1, high: 10.0}
"""
CONTRACT = """\
name: trips
description: Trips
owner: me
columns:
  when: {type: timestamp, role: time, description: Start}
  country: {type: string, role: feature, description: Where, values: [NO, 9E, on, y, null_, 1e5x]}
  length: {type: number, role: target, description: How long, minimum: 0, maximum: 9}
"""


def params(folder: Path, old: str = "", new: str = "") -> Path:
    return written(folder / "params.yaml", PARAMS, old, new)


def contract(folder: Path, old: str = "", new: str = "") -> Path:
    return written(folder / "contract.yaml", CONTRACT, old, new)


def written(path: Path, text: str, old: str, new: str) -> Path:
    assert old in text
    path.write_text(text.replace(old, new, 1) if old else text)
    return path


def test_params_are_read_with_their_types(tmp_path):
    read = read_params(params(tmp_path))
    assert read.source == FileSettings("files", "data.csv")
    assert (read.seed, read.split.holdout, read.split.window) == (7, 1, None)
    assert read.model.settings == {"linear": {"alpha": 1.0}}
    assert read.tune.space["linear"]["alpha"].high == 10.0


def test_the_cause_and_what_was_accepted_may_be_left_out(tmp_path):
    read = read_params(params(tmp_path))
    assert (read.cause, read.accepted) == ("by_hand", [])
    read = read_params(params(tmp_path, "seed: 7", 'seed: 7\ncause: drift\naccepted: ["2013-07", 2013-09]'))
    assert (read.cause, read.accepted) == ("drift", ["2013-07", "2013-09"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("cause: rain", "cause is 'rain': Input should be 'by_hand', 'schedule', 'data', 'drift' or 'performance'"),
        ("accepted: [2013-7]", "accepted.0 is '2013-7': a month such as \"2013-12\" is expected"),
        ("accepted: July", "accepted is 'July': Input should be a valid"),
    ],
)
def test_a_wrong_cause_and_a_wrong_period_are_told(tmp_path, given, message):
    path = params(tmp_path, "seed: 7", f"seed: 7\n{given}")
    with pytest.raises(ContractError) as refused:
        read_params(path)
    assert f"{path}: {message}" in str(refused.value)


def test_what_is_held_out_may_be_days(tmp_path):
    read = read_params(params(tmp_path, "{holdout: 1, validation: 2}", '{holdout: 7d, validation: "14d"}'))
    assert (read.split.holdout, read.split.validation) == ("7d", "14d")
    assert (days_of("7d"), days_of("365d"), days_of(7), days_of(0.2)) == (7, 365, None, None)


def test_text_that_yaml_1_1_takes_for_something_else_stays_text(tmp_path):
    assert read_contract(contract(tmp_path)).columns["country"].values == ["NO", "9E", "on", "y", "null_", "1e5x"]


def test_an_unquoted_watermark_is_the_same_as_a_quoted_one(tmp_path):
    assert read_params(params(tmp_path, '"2013-12"', "2013-12")).watermark == "2013-12"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 7", "seed: seven", "seed is 'seven': Input should be a valid integer"),
        ("seed: 7", "seed: -1", "seed is -1: Input should be greater than or equal to 0"),
        ("seed: 7", "seed: 7.5", "seed is 7.5: Input should be a valid integer"),
        ("threads: 1", "threads: true", "threads is True: Input should be a valid integer"),
        (
            "holdout: 1",
            "holdout: some",
            "split.holdout is 'some': a whole number of periods such as 1, of days such as",
        ),
        ("holdout: 1", "holdout: 7 d", "split.holdout is '7 d': a whole number of periods"),
        ("holdout: 1", "holdout: 0d", "split.holdout is '0d': a whole number of periods"),
        ("holdout: 1", "holdout: 07d", "split.holdout is '07d': a whole number of periods"),
        ("holdout: 1", "holdout: -7d", "split.holdout is '-7d': a whole number of periods"),
        ("holdout: 1", "holdout: 1.5d", "split.holdout is '1.5d': a whole number of periods"),
        ("holdout: 1", "holdout: 7D", "split.holdout is '7D': a whole number of periods"),
        ("holdout: 1", 'holdout: "7"', "split.holdout is '7': a whole number of periods"),
        ("holdout: 1", "holdout: 10000d", "split.holdout is '10000d': a whole number of periods"),
        ("validation: 2", "validation: 1w", "split.validation is '1w': a whole number of periods"),
        ("holdout: 1", "holdout: 0", "split.holdout is 0: Input should be greater than 0"),
        ("path: data.csv", "path: 3", "source.path is 3: Input should be a valid string"),
        ("kind: files", "kind: ftp", "source is {'kind': 'ftp', 'path': 'data.csv'}: Input tag 'ftp'"),
        ("period: month", "period: week", "period is 'week': Input should be 'day', 'month' or 'year'"),
        ("linear: {alpha: 1.0}", "linear: 3", "model.linear is 3: Input should be an object"),
        ("resample: day", "resample: week", "evaluate.resample is 'week': Input should be 'row' or 'day'"),
        ("bootstrap: 100", "bootstrap: 99", "evaluate.bootstrap is 99: Input should be greater than or equal to 100"),
        ("low: 0.1", "low: few", "tune.space.linear.alpha.low is 'few': Input should be a valid number"),
    ],
)
def test_a_wrong_value_is_told_by_file_key_value_and_what_is_right(tmp_path, old, new, message):
    path = params(tmp_path, old, new)
    with pytest.raises(ContractError) as refused:
        read_params(path)
    assert f"{path}: {message}" in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("seed:", "sed:", "sed"),
        ("path: data.csv", "path: data.csv, pth: x", "source.pth"),
        ("validation: 2", "validation: 2, windw: 3", "split.windw"),
        ("alpha: {low: 0.1,", "alpha: {step: 1, low: 0.1,", "tune.space.linear.alpha.step"),
    ],
)
def test_an_unknown_key_is_refused_by_its_place(tmp_path, old, new, key):
    path = params(tmp_path, old, new)
    with pytest.raises(ContractError) as refused:
        read_params(path)
    assert f"{path}: {key} is no key that is known here; check its spelling" in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("seed: 7\n", "", "seed"),
        (", path: data.csv", "", "source.path"),
        ("holdout: 1, ", "", "split.holdout"),
        ("  estimator: linear\n", "", "model.estimator"),
        ("low: 0.1, ", "", "tune.space.linear.alpha.low"),
    ],
)
def test_a_missing_key_is_named_by_its_place(tmp_path, old, new, key):
    path = params(tmp_path, old, new)
    with pytest.raises(ContractError) as refused:
        read_params(path)
    assert str(refused.value).partition(" (line ")[0] == f"{path}: {key} is missing"


def test_the_line_of_a_setting_of_an_estimator_is_told(tmp_path):
    path = params(tmp_path, "alpha: 1.0}", "alpha: 1.0}\n  trees: 3")
    with pytest.raises(ContractError, match=r"model\.trees is 3: Input should be an object \(line 10\)"):
        read_params(path)


def test_all_faults_are_told_at_once(tmp_path):
    path = params(tmp_path, "seed: 7\nthreads: 1", "sed: 7\nthreads: x")
    with pytest.raises(ContractError) as refused:
        read_params(path)
    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("period", "watermark", "example"),
    [
        ("day", "2013-12", "2013-12-31"),
        ("month", "2013-12-31", "2013-12"),
        ("month", "2013-13", "2013-12"),
        ("month", "2013-1", "2013-12"),
        ("month", "December", "2013-12"),
        ("year", "2013-12", "2013"),
        ("day", "2013-02-30", "2013-12-31"),
    ],
)
def test_a_watermark_that_is_no_such_period_is_told_with_an_example(tmp_path, period, watermark, example):
    path = params(tmp_path, 'period: month\nwatermark: "2013-12"', f'period: {period}\nwatermark: "{watermark}"')
    with pytest.raises(ContractError) as refused:
        read_params(path)
    assert str(refused.value) == f"{path}: watermark is '{watermark}': a {period} such as \"{example}\" is expected"


@pytest.mark.parametrize(("period", "watermark", "later"), [("day", "2012-02-29", "2012-03-01"), ("year", "9", "10")])
def test_the_next_period_is_one_more(tmp_path, period, watermark, later):
    padded = watermark.zfill(4)
    path = params(tmp_path, 'period: month\nwatermark: "2013-12"', f'period: {period}\nwatermark: "{padded}"')
    read = read_params(path)
    assert read.start(padded) + 1 == np.datetime64(later.zfill(4))


def test_periods_up_to_the_watermark_are_included(tmp_path):
    read = read_params(params(tmp_path))
    assert [read.includes(period) for period in ("2013-11", "2013-12", "2014-01")] == [True, True, False]


def test_without_a_watermark_the_one_period_is_included(tmp_path):
    assert read_params(params(tmp_path, '"2013-12"', "null")).includes("all")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed: [1\nperiod: x\n", "no valid YAML"),
        (b"seed: 1\nseed: 2\n", "duplicate key"),
        (b"name: \xe9\n", "no valid YAML"),
        (b"", "a mapping of keys is expected, found NoneType"),
        (b"- seed\n", "a mapping of keys is expected, found list"),
    ],
)
def test_what_is_no_yaml_mapping_is_told_with_the_file(tmp_path, content, message):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(ContractError) as refused:
        read_params(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)


def test_an_absent_file_says_where_to_stand(tmp_path):
    with pytest.raises(ContractError, match=r"contract\.yaml: no such file; run this in the project's root folder"):
        read_contract(tmp_path / "contract.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("role: time", "role: clock", "columns.when.role is 'clock': Input should be 'id', 'time'"),
        ("type: timestamp", "type: date", "columns.when.type is 'date': Input should be 'string', 'integer'"),
        ("description: Start", "description: Start, unti: h", "columns.when.unti is no key that is known here"),
        ("values: [NO,", "values: [NO, 1.5,", "columns.country.values.1 is 1.5: Input should be"),
        ("values: [NO,", "values: [NO, 7,", "columns.country: each of values must be of type string"),
        (
            "minimum: 0",
            "minimum: low",
            "columns.length: minimum and maximum of type number are numbers; found 'low' and 9",
        ),
        ("minimum: 0", "minimum: 10", "columns.length: minimum 10 is above maximum 9"),
        ("owner: me\n", "", "owner is missing"),
        ("owner: me", "owner: me\nslices: [when]", "slices: 'when' is no feature with a list of values"),
    ],
)
def test_a_faulty_contract_is_told_by_file_and_key(tmp_path, old, new, message):
    path = contract(tmp_path, old, new)
    with pytest.raises(ContractError) as refused:
        read_contract(path)
    assert f"{path}: {message}" in str(refused.value)
