from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.predictor import OnnxModel, Predictor
from modelyard.runtime.rows import RowsRefused

from flight_delays import project


def probe(workspace):
    return json.loads((workspace.root / "bundle/probe.json").read_text())


@pytest.fixture
def predictor(made):
    return project.predictor(made.root / "bundle")


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
def test_a_bundle_answers_its_probe_rows_exactly(kind, request):
    workspace = request.getfixturevalue(kind)
    found = project.predictor(workspace.root / "bundle").predict(probe(workspace)["rows"])
    assert found.tolist() == probe(workspace)["answers"]


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
@pytest.mark.parametrize("attribute", ["leaf_weights", "nodes_splits"])
def test_a_model_whose_trees_were_changed_and_their_tables_were_not_is_refused(kind, attribute, request, tmp_path):
    workspace = request.getfixturevalue(kind)
    model = onnx.load(workspace.root / "bundle/model.onnx")
    (trees,) = (node for node in model.graph.node if node.op_type == "TreeEnsemble")
    (values,) = (one for one in trees.attribute if one.name == attribute)
    values.t.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(values.t) * 1.01))
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ContractError, match="was changed: its trees answer otherwise than its tables"):
        OnnxModel(tmp_path / "model.onnx", workspace.contract, project.features)


def test_more_threads_answer_the_same_to_rounding(made):
    found = project.predictor(made.root / "bundle", threads=2).predict(probe(made)["rows"])
    np.testing.assert_allclose(found, probe(made)["answers"], rtol=1e-14)


def test_a_row_is_answered_the_same_alone_and_among_others_to_rounding(made, predictor):
    alone = [predictor.predict([row])[0] for row in probe(made)["rows"]]
    np.testing.assert_allclose(alone, probe(made)["answers"], rtol=1e-14)


@pytest.mark.parametrize(("kind", "shape"), [("made", (0,)), ("made_regression", (0,)), ("made_multiclass", (0, 3))])
def test_no_rows_have_no_answers(kind, shape, request):
    predictor = project.predictor(request.getfixturevalue(kind).root / "bundle")
    assert predictor.predict([]).shape == shape
    assert predictor.decide(predictor.predict([])) == []


def test_a_bad_row_among_good_ones_is_refused_with_all_of_them(made, predictor):
    rows = probe(made)["rows"]
    with pytest.raises(RowsRefused, match="row 3: distance = -1"):
        predictor.predict([*rows[:3], rows[3] | {"distance": -1}, *rows[4:]])


def test_probabilities_of_several_classes_add_up_to_one(made_multiclass):
    predictor = project.predictor(made_multiclass.root / "bundle")
    found = predictor.predict(probe(made_multiclass)["rows"])
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)


def test_a_score_at_the_threshold_is_positive_and_one_below_is_not(predictor):
    scores = np.array([np.nextafter(predictor.threshold, 0), predictor.threshold, 1])
    assert predictor.decide(scores) == [False, True, True]


def test_several_classes_are_decided_by_the_most_probable(made_multiclass):
    predictor = project.predictor(made_multiclass.root / "bundle")
    scores = np.array([[0.2, 0.7, 0.1], [0.5, 0.2, 0.3], [0.1, 0.2, 0.7]])
    assert predictor.decide(scores) == ["late", "early", "on time"]


def test_a_number_is_its_own_decision(made_regression):
    assert project.predictor(made_regression.root / "bundle").decide(np.array([-3.5, 12])) == [-3.5, 12]


def test_a_folder_without_a_bundle_is_refused_and_says_how_to_make_one(tmp_path):
    with pytest.raises(ContractError, match=r"holds no bundle .* make it with `make pipeline`"):
        project.predictor(tmp_path)


def test_without_a_folder_it_is_the_bundle_inside_the_package():
    with pytest.raises(ContractError, match=r"flight_delays.bundle holds no bundle"):
        project.predictor()


@pytest.mark.parametrize("raw", [b"", b"no model", b"\x08\x0a\x12"])
def test_a_file_that_is_no_model_is_refused(made, tmp_path, raw):
    (tmp_path / "model.onnx").write_bytes(raw)
    with pytest.raises(ContractError, match=r"model\.onnx cannot be loaded: .*; make the bundle again, or copy it"):
        OnnxModel(tmp_path / "model.onnx", made.contract, project.features)


def test_a_model_that_is_cut_off_is_refused(made, tmp_path):
    raw = (made.root / "bundle/model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ContractError, match=r"model\.onnx cannot be loaded"):
        OnnxModel(tmp_path / "model.onnx", made.contract, project.features)


def test_a_bundle_of_another_format_is_refused(made, tmp_path):
    shutil.copytree(made.root / "bundle", tmp_path / "bundle")
    path = tmp_path / "bundle/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    with pytest.raises(ContractError, match="has bundle format 2; this version reads format 1"):
        project.predictor(tmp_path / "bundle")


def test_it_loads_nothing_of_what_made_the_bundle():
    script = f"import sys, {Predictor.__module__}; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    loaded = set(told.split())
    assert {"numpy", "onnxruntime"} <= loaded
    assert not {"pandas", "sklearn", "pyarrow", "pydantic", "onnx", "ruamel.yaml"} & loaded
