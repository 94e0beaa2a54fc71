from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.predictor import Predictor
from modelyard.runtime.probe import read_probe

from flight_delays.features import features

KINDS = ["made", "made_regression", "made_multiclass"]


@pytest.fixture
def folder(made, tmp_path) -> Path:
    return Path(shutil.copytree(made.root / "bundle", tmp_path / "bundle"))


def write(folder, name, change: Callable):
    """Change what a file of the bundle holds; the manifest lists the file as it is then."""
    path, manifest = folder / name, folder / "manifest.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content)))
    listed = json.loads(manifest.read_text())
    listed["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(listed))


def changed(**values):
    """The features with some of them computed otherwise."""

    def compute(columns, contract):
        made = features(columns, contract)
        return made | {name: change(made[name]) for name, change in values.items()}

    return compute


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_is_refused_where_the_weekday_is_moved_by_a_day(kind, request):
    bundle = request.getfixturevalue(kind).root / "bundle"
    moved = changed(scheduled_departure_weekday=lambda day: (day + 1) % 7)
    with pytest.raises(ContractError, match=r"of 100 probe rows are not answered as by the pipeline") as refused:
        Predictor(bundle, moved)
    assert "the model was trained with other features than are here: use the version" in str(refused.value)
    Predictor(bundle, moved, check=False)
    Predictor(bundle, features)


def test_a_bundle_of_another_project_is_refused_where_its_features_changed(other):
    def computed(columns, contract):
        made = dict(other.project.features(columns, contract))
        return made | {"log_mass": made["log_mass"] + 1}

    with pytest.raises(ContractError, match="probe rows are not answered as by the pipeline"):
        Predictor(other.root / "bundle", computed)


def test_features_with_other_names_are_named(made):
    def without(columns, contract):
        return {name: values for name, values in features(columns, contract).items() if name != "distance"}

    def more(columns, contract):
        return without(columns, contract) | {"miles": columns["distance"]}

    def reordered(columns, contract):
        return dict(reversed(features(columns, contract).items()))

    for compute, told in (
        (without, "without: distance"),
        (more, "without: distance; with: miles"),
        (reordered, "in another order"),
    ):
        with pytest.raises(ContractError, match=rf"trained with other features than are here \({told}\)"):
            Predictor(made.root / "bundle", compute)


def test_features_that_fail_are_told_with_their_reason(made):
    def fails(columns, _contract):
        return {"x": columns["wind"]}

    with pytest.raises(ContractError, match=r"the features here cannot answer its probe rows \(KeyError: 'wind'\)"):
        Predictor(made.root / "bundle", fails)


def test_a_bundle_whose_categories_were_put_in_another_order_is_refused(folder):
    def reorder(contract):
        contract["columns"]["carrier"]["values"].reverse()
        return contract

    write(folder, "contract.json", reorder)
    with pytest.raises(ContractError, match="probe rows are not answered as by the pipeline"):
        Predictor(folder, features)


def test_an_answer_may_differ_by_rounding_and_no_more(folder):
    def move(by):
        return lambda probe: probe | {"answers": [probe["answers"][0] + by, *probe["answers"][1:]]}

    write(folder, "probe.json", move(1e-8))
    Predictor(folder, features)
    write(folder, "probe.json", move(1e-4))
    with pytest.raises(ContractError, match=r"1 of 100 probe rows are not answered .* such as row 0: "):
        Predictor(folder, features)


def test_a_bundle_without_probe_rows_is_not_asked(folder):
    write(folder, "probe.json", lambda _: {"rows": [], "answers": []})
    assert Predictor(folder, features).predict([]).shape == (0,)


def test_probe_rows_that_break_the_contract_are_told(folder):
    write(folder, "probe.json", lambda probe: probe | {"rows": [row | {"distance": -1} for row in probe["rows"]]})
    with pytest.raises(ContractError, match=r"its probe rows break its own contract:\nrow 0: distance = -1"):
        Predictor(folder, features)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "is no JSON object"),
        ({}, "must have `rows` and as many `answers`"),
        ({"rows": [{}], "answers": []}, "must have `rows` and as many `answers`"),
        ({"rows": {}, "answers": {}}, "must have `rows` and as many `answers`"),
        ({"rows": [1], "answers": [1]}, "each of `rows` must be an object"),
        ({"rows": [{}], "answers": ["x"]}, "each of `answers` must be a probability"),
        ({"rows": [{}], "answers": [None]}, "each of `answers` must be a probability"),
        ({"rows": [{}], "answers": [[0.5]]}, "each of `answers` must be a probability"),
        ({"rows": [{}, {}], "answers": [[0.5], 1]}, "each of `answers` must be a probability"),
    ],
)
def test_a_probe_of_another_form_is_refused(made, folder, content, told):
    write(folder, "probe.json", lambda _: content)
    with pytest.raises(ContractError, match=rf"probe\.json.*{told}"):
        read_probe(folder, made.contract)


def test_answers_of_several_classes_have_a_probability_for_each(made_multiclass, tmp_path):
    folder = Path(shutil.copytree(made_multiclass.root / "bundle", tmp_path / "bundle"))
    assert read_probe(folder, made_multiclass.contract).answers.shape == (100, 3)
    write(folder, "probe.json", lambda probe: probe | {"answers": np.ones((100, 2)).tolist()})
    with pytest.raises(ContractError, match="each of `answers` must be an array of 3 probabilities"):
        read_probe(folder, made_multiclass.contract)
