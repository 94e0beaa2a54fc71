"""What the file of a forged model says, whatever rows are asked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
from modelyard.proving.graphs import compare_models
from modelyard.proving.tolerance import Tolerance
from modelyard.runtime.quickscorer import QuickScorer
from modelyard.training import layout


@pytest.fixture
def honest(made) -> Path:
    return made.root / layout.MODEL


def found(model: onnx.ModelProto, honest: Path, tmp_path: Path, tolerance: Tolerance | None = None) -> list[tuple]:
    """The differences between a model and the honest one."""
    path = tmp_path / "forged.onnx"
    path.write_bytes(model.SerializeToString())
    differences = compare_models("model.onnx", path, honest, tolerance or Tolerance())
    return [(one.where.removeprefix("model.onnx: "), one.committed, one.retrained) for one in differences]


def trees(model: onnx.ModelProto) -> dict[str, onnx.AttributeProto]:
    (node,) = (one for one in model.graph.node if one.op_type == "TreeEnsemble")
    return {one.name: one for one in node.attribute}


def change(attribute: onnx.AttributeProto, place: int, by: float) -> tuple[float, float]:
    """Change one value of an array; it and what it was."""
    values = onnx.numpy_helper.to_array(attribute.t).copy()
    before = values[place]
    values[place] += by
    attribute.t.CopyFrom(onnx.numpy_helper.from_array(values))
    return float(values[place]), float(before)


def test_a_leaf_is_named_with_its_tree(honest, tmp_path):
    model = onnx.load(honest)
    at = next(i for i, root in enumerate(trees(model)["tree_roots"].ints) if i == 3 and root)
    first = trees(model)["tree_roots"].ints[at] + at  # a tree has one leaf more than splits
    sides = change(trees(model)["leaf_weights"], first + 1, -8.0)
    ((where, *values),) = found(model, honest, tmp_path)
    assert where.endswith("values of leaf_weights, in 1 of 20 trees; most leaf 2 of tree 4")
    assert tuple(values) == sides


def test_a_split_that_moves_is_named_by_the_scale_of_its_own_input(honest, tmp_path):
    model = onnx.load(honest)
    splits = onnx.numpy_helper.to_array(trees(model)["nodes_splits"].t)
    small = int(np.flatnonzero((np.abs(splits) > 0) & (np.abs(splits) < 20))[0])
    assert np.abs(splits).max() * 1e-6 > 1e-4  # within the tolerance of the largest
    sides = change(trees(model)["nodes_splits"], small, 1e-4)
    ((where, *values),) = found(model, honest, tmp_path)
    assert "1 of " in where
    assert "values of nodes_splits, in 1 of 20 trees; most node " in where
    assert tuple(values) == sides


def test_trees_that_ask_in_another_order_are_different(honest, tmp_path):
    model = onnx.load(honest)
    numbers = trees(model)["nodes_featureids"].ints
    numbers[0] += 1
    ((where, *values),) = found(model, honest, tmp_path)
    assert where.endswith("values of nodes_featureids, in 1 of 20 trees; most node 1 of tree 1")
    assert values == [numbers[0], numbers[0] - 1]


def test_tables_are_compared_as_the_trees_are(honest, tmp_path):
    model = onnx.load(honest)
    tables = QuickScorer.from_metadata({one.key: one.value for one in model.metadata_props})
    assert tables is not None
    leaves = tables.leaves.copy()
    leaves[2, 0] = -8
    masks = tables.masks.copy()
    masks[0, 0] ^= 1
    texts = dataclasses.replace(tables, leaves=leaves, masks=masks).metadata()
    for one in model.metadata_props:
        one.value = texts[one.key]
    masks_apart, leaves_apart = found(model, honest, tmp_path)
    assert masks_apart[0].startswith("masks in the tables of the trees: 1 of ")
    assert leaves_apart[0].endswith("; most leaf 1 of tree 3")
    assert leaves_apart[1] == -8


def test_an_operator_more_is_different_though_it_changes_nothing(honest, tmp_path):
    model = onnx.load(honest)
    last = model.graph.node[-1]
    last.output[0] = "before"
    model.graph.node.append(onnx.helper.make_node("Identity", ["before"], ["prediction"]))
    ((where, committed, retrained),) = found(model, honest, tmp_path)
    assert where == "operators"
    assert committed.startswith(f"{len(model.graph.node)}: ")
    assert committed == f"{len(model.graph.node)}: {retrained.partition(': ')[2]}, Identity"


def test_a_constant_in_another_file_is_not_read(honest, tmp_path):
    model = onnx.load(honest)
    constant = model.graph.initializer[0]
    constant.ClearField("raw_data")
    constant.data_location = onnx.TensorProto.EXTERNAL
    constant.external_data.add(key="location", value="/etc/hostname")
    ((where, committed, _),) = found(model, honest, tmp_path)
    assert where == constant.name
    assert committed.endswith("in another file")


def test_other_words_and_roundings_are_no_difference(honest, tmp_path):
    model = onnx.load(honest)
    model.doc_string = "the same model"
    model.producer_version = "2"
    change(trees(model)["leaf_weights"], 0, 1e-9)
    assert found(model, honest, tmp_path) == []


def test_leaves_of_a_regression_are_judged_by_the_largest(made_regression, tmp_path):
    honest = made_regression.root / layout.MODEL
    largest = float(np.abs(onnx.numpy_helper.to_array(trees(onnx.load(honest))["leaf_weights"].t)).max())
    for by, count in ((0.1e-6 * largest, 0), (10e-6 * largest, 1)):
        model = onnx.load(honest)
        change(trees(model)["leaf_weights"], 0, by)
        assert len(found(model, honest, tmp_path, Tolerance(relative=True))) == count
