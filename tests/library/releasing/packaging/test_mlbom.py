from __future__ import annotations

import dataclasses
import json

import pytest
from modelyard.releasing.packaging.bom import BUNDLE
from modelyard.releasing.packaging.mlbom import mlbom, model_card
from modelyard.runtime.bundle import read_bundle


@pytest.fixture
def bill(release, bundle):
    return json.loads(mlbom(release, bundle))


def test_the_model_is_named_with_its_hash_and_its_bundles(bill, bundle):
    model = bill["metadata"]["component"]
    assert (model["type"], model["version"]) == ("machine-learning-model", "1.2.0")
    assert model["hashes"] == [{"alg": "SHA-256", "content": bundle.manifest["files"]["model.onnx"]}]
    assert {"name": BUNDLE, "value": bundle.digest} in model["properties"]


def test_each_period_of_the_data_and_each_package_of_training_is_in_it(bill, bundle):
    data = {one["version"]: one["hashes"][0]["content"] for one in bill["components"] if one["type"] == "data"}
    assert data == {period: entry["sha256"] for period, entry in bundle.manifest["data"]["periods"].items()}
    libraries = {one["name"]: one["version"] for one in bill["components"] if one["type"] == "library"}
    assert libraries == bundle.manifest["environment"]["packages"]
    files = {one["name"] for one in bill["components"] if one["type"] == "file"}
    assert files == bundle.manifest["code"].keys()


def test_the_model_card_has_the_metrics_with_their_intervals(bill, bundle):
    card = bill["metadata"]["component"]["modelCard"]
    found = {one["type"]: one for one in card["quantitativeAnalysis"]["performanceMetrics"]}
    for name, one in bundle.metrics["holdout"].items():
        assert found[name]["value"] == str(one["value"])
        assert found[name]["confidenceInterval"] == {"lowerBound": str(one["low"]), "upperBound": str(one["high"])}
    assert card["modelParameters"]["task"] == "classification"
    assert {"ref": "data-2013-01"} in card["modelParameters"]["datasets"]


def test_a_regression_is_one(made_regression, release):
    bill = json.loads(mlbom(release, read_bundle(made_regression.root / "bundle")))
    assert bill["metadata"]["component"]["modelCard"]["modelParameters"]["task"] == "regression"


def test_personal_data_is_named_with_its_purpose_and_what_is_undefined_is_left_out(bundle):
    name, column = next(iter(bundle.contract.columns.items()))
    marked = dataclasses.replace(column, pii=True, purpose="to pair rows")
    contract = dataclasses.replace(bundle.contract, columns={**bundle.contract.columns, name: marked})
    metrics = {"holdout": {"roc_auc": {"value": None, "low": None, "high": None}}}
    card = model_card(dataclasses.replace(bundle, contract=contract, metrics=metrics), [])
    assert card["modelParameters"]["datasets"][0]["sensitiveData"] == [f"{name}: to pair rows"]
    assert card["quantitativeAnalysis"]["performanceMetrics"] == []


def test_it_comes_out_the_same_each_time(release, bundle):
    assert mlbom(release, bundle) == mlbom(release, bundle)
