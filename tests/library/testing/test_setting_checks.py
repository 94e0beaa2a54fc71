"""Settings that fit each other pass; each contradiction is named with file and key."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest
from modelyard.code import code_hashes
from modelyard.reporting.docs import data_page
from modelyard.runtime.contract import Column, Contract
from modelyard.testing import settings
from modelyard.training.settings import Split
from sample import SAMPLE

UNTIMED = Contract(
    "shop", "Sales", "Ada", {"price": Column("number", "feature", ""), "sold": Column("boolean", "target", "")}
)


def named(check, *given):
    with pytest.raises(AssertionError) as caught:
        check(*given)
    return str(caught.value)


def of_data_without_time(params, **changes):
    """The parameters as a draft fits them to data without time."""
    fitted = {
        "watermark": None,
        "split": Split(0.2, 0.2),
        "evaluate": dataclasses.replace(params.evaluate, resample="row"),
    }
    return dataclasses.replace(params, **(fitted | changes))


def test_settings_that_fit_each_other_pass(made):
    settings.check_fit(made.contract, made.params)
    settings.check_fit(UNTIMED, of_data_without_time(made.params))


@pytest.mark.parametrize("split", [Split("7d", "7d"), Split(1, "14d"), Split("30d", 2, window=3)])
def test_days_fit_data_with_time_only(made, split):
    settings.check_fit(made.contract, dataclasses.replace(made.params, split=split))
    without_time = of_data_without_time(made.params, split=split)
    assert "must be fractions that add up to less than 1" in named(settings.check_fit, UNTIMED, without_time)


def test_settings_of_data_without_time_that_do_not_fit_are_named(made):
    params = made.params
    wrong = {
        "watermark must be null": of_data_without_time(params, watermark="2013-12"),
        "evaluate.resample must be row": of_data_without_time(
            params, evaluate=dataclasses.replace(params.evaluate, resample="day")
        ),
        "must be fractions that add up to less than 1": of_data_without_time(params, split=Split(1, 1)),
    }
    for message, one in wrong.items():
        assert message in named(settings.check_fit, UNTIMED, one)


def test_settings_of_data_with_time_that_do_not_fit_are_named(made):
    params = made.params
    none = dataclasses.replace(params, watermark=None)
    assert "'scheduled_departure' has role time" in named(settings.check_fit, made.contract, none)
    part = dataclasses.replace(params, split=Split(0.2, 0.2))
    assert "count periods, so they are whole numbers" in named(settings.check_fit, made.contract, part)


@pytest.mark.parametrize("workspace", ["made", "made_regression", "made_multiclass"])
def test_a_policy_may_name_every_metric_of_its_target(workspace, request, tmp_path):
    made = request.getfixturevalue(workspace)
    metrics = json.loads((made.root / "evaluation/metrics.json").read_text())["holdout"]
    (tmp_path / "policy.yaml").write_text("floors:\n" + "".join(f"  {name}: 0.5\n" for name in metrics))
    settings.check_policy(tmp_path, made.contract)
    other = "rmse" if made.contract.kind != "regression" else "log_loss"
    (tmp_path / "policy.yaml").write_text(f"champion: {{metric: {other}}}\n")
    assert f"policy.yaml: champion.metric: '{made.contract.target}' is a target of kind" in named(
        settings.check_policy, tmp_path, made.contract
    )


def test_a_policy_that_is_not_valid_is_named(made, tmp_path):
    (tmp_path / "policy.yaml").write_text("flors: {}\n")
    assert "policy.yaml: flors is no key that is known here" in named(settings.check_policy, tmp_path, made.contract)


def test_the_page_of_the_data_is_compared_where_it_is_there(made, tmp_path):
    settings.check_docs(tmp_path, made.contract)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/data.md").write_text(data_page(made.contract))
    settings.check_docs(tmp_path, made.contract)
    (tmp_path / "docs/data.md").write_text("# Other\n")
    assert "write it anew with `make docs`" in named(settings.check_docs, tmp_path, made.contract)


@pytest.fixture
def vendored(tmp_path):
    """A folder with a wheel of the library, its lock and its hashes."""
    (tmp_path / "vendor").mkdir()
    wheel = tmp_path / "vendor/modelyard-1.0.0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    digest = hashlib.sha256(b"a wheel").hexdigest()
    (tmp_path / "uv.lock").write_text(f'wheels = [{{ filename = "{wheel.name}", hash = "sha256:{digest}" }}]\n')
    (tmp_path / "vendor/yard.json").write_text(json.dumps(code_hashes()))
    return tmp_path


def test_a_library_as_it_was_vendored_passes(vendored):
    settings.check_library(vendored)


def test_a_library_from_an_index_has_nothing_to_compare(tmp_path):
    settings.check_library(tmp_path)


def test_a_wheel_that_is_not_the_one_in_the_lock_is_named(vendored):
    (vendored / "vendor/modelyard-1.0.0-py3-none-any.whl").write_bytes(b"a whee1")
    assert "is not the wheel whose hash is in uv.lock" in named(settings.check_library, vendored)


@pytest.mark.parametrize("stage", ["ingest", "bundle"])
def test_hashes_of_another_library_are_named(vendored, stage):
    (vendored / "vendor/yard.json").write_text(json.dumps(code_hashes() | {stage: "0" * 64}))
    assert f"does not hold the hash of the code of `{stage}`" in named(settings.check_library, vendored)


def test_the_sample_s_own_settings_pass():
    from modelyard.training.settings import read_contract, read_params

    contract = read_contract(SAMPLE / "contract.yaml")
    settings.check_fit(contract, read_params(SAMPLE / "params.yaml"))
    settings.check_policy(SAMPLE, contract)
    settings.check_docs(SAMPLE, contract)
    settings.check_library(SAMPLE)
