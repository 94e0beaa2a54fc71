"""The answers of two models to all rows of the data, and to rows that the data may not have."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet
import pytest
from modelyard.proving.every_row import ALLOWED, DATA, Unanswered, compare
from modelyard.proving.graphs import compare_models
from modelyard.proving.tolerance import Tolerance
from modelyard.training import layout
from numpy.typing import NDArray

from flight_delays import project


def rows_of(root: Path) -> int:
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in (root / layout.PERIODS).glob("*.parquet"))


def change(model: onnx.ModelProto, name: str, place: int, by: float) -> None:
    """Change one value of a constant."""
    (constant,) = (one for one in model.graph.initializer if one.name == name)
    values = onnx.numpy_helper.to_array(constant).copy()
    values.ravel()[place] += by
    constant.CopyFrom(onnx.numpy_helper.from_array(values, name))


def with_leaves(path: Path, edit: Callable[[NDArray], NDArray]) -> onnx.ModelProto:
    """A model with other leaves, and without the tables, which would have to be changed likewise."""
    model = onnx.load(path)
    model.ClearField("metadata_props")
    (node,) = (one for one in model.graph.node if one.op_type == "TreeEnsemble")
    (weights,) = (one for one in node.attribute if one.name == "leaf_weights")
    weights.t.CopyFrom(onnx.numpy_helper.from_array(edit(onnx.numpy_helper.to_array(weights.t))))
    return model


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
def test_every_row_is_asked_and_one_that_differs_is_found(request, kind, tmp_path):
    root = request.getfixturevalue(kind).root
    honest = root / layout.MODEL
    same = compare(root, honest, honest, project)
    assert [(one.kind, one.rows) for one in same] == [(DATA, 0), (ALLOWED, 0)]
    assert same[0].asked == rows_of(root)
    assert same[1].asked > 5000
    onnx.save(with_leaves(honest, lambda leaves: leaves + 8 * (np.arange(len(leaves)) == 0)), tmp_path / "forged.onnx")
    data, allowed = compare(root, tmp_path / "forged.onnx", honest, project)
    assert 0 < data.rows < data.asked
    assert data.where.startswith("row ")
    assert allowed.rows > 0
    assert data.largest == pytest.approx(abs(data.committed - data.retrained))


@pytest.mark.parametrize(("factor", "same"), [(1 + 1e-8, True), (1 + 1e-5, False)])
def test_answers_of_a_regression_are_held_to_their_size(made_regression, tmp_path, factor, same):
    honest = made_regression.root / layout.MODEL
    onnx.save(with_leaves(honest, lambda leaves: leaves * factor), tmp_path / "other.onnx")
    data, allowed = compare(made_regression.root, tmp_path / "other.onnx", honest, project)
    assert (data.rows == 0, allowed.rows == 0) == (same, same)


def test_a_model_of_another_shape_answers_nothing(made, made_multiclass):
    with pytest.raises(Unanswered):
        compare(made_multiclass.root, made.root / layout.MODEL, made_multiclass.root / layout.MODEL, project)


def test_a_linear_model_of_another_processor_is_the_same_and_a_forged_one_is_not(workspace, tmp_path):
    """OpenBLAS takes other kernels on each kind; those of Prescott run on every machine of this architecture."""
    workspace.edit(model={"estimator": "linear"})
    workspace.run()
    honest, other = workspace.root / layout.MODEL, tmp_path / "other"
    shutil.copytree(workspace.root, other)
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Prescott"}
    command = [sys.executable, "-m", project.name, "train"]
    subprocess.run(command, cwd=other, env=environment, check=True, capture_output=True)
    assert (other / layout.MODEL).read_bytes() != honest.read_bytes()
    assert list(compare_models("model", other / layout.MODEL, honest, Tolerance())) == []
    assert [one.rows for one in compare(workspace.root, other / layout.MODEL, honest, project)] == [0, 0]
    # the coefficient of one category, which few rows have
    model = onnx.load(honest)
    coefficients = max(model.graph.initializer, key=lambda one: np.prod(one.dims) * (one.data_type == 11))
    change(model, coefficients.name, int(np.prod(coefficients.dims)) - 1, -8.0)
    onnx.save(model, tmp_path / "forged.onnx")
    _, allowed = compare(workspace.root, tmp_path / "forged.onnx", honest, project)
    assert allowed.rows > 0
    assert allowed.largest > 0.01
