"""Whether two ONNX models have the same structure, and their trees the same leaves.

Rows can only show what they reach: a leaf, a branch or an operator that no row uses must be found in the file. So the
operators, their order, all whole numbers and texts must be equal, and the splits and leaves of trees within the
tolerance, also in the tables that repeat the trees. Other fractional constants, such as the coefficients of a linear
model, are not compared here: on another processor they may move together, and rows show whether the answers do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ..runtime.quickscorer import PREFIX, QuickScorer
from .tolerance import TOLERANCE, Difference, Tolerance

TREES = "TreeEnsemble"
LINK = "link"
PARTS = {"leaf": "leaf", "nodes": "node"}  # what the attributes of trees with these first words have a value for
# What a model may hold beside a graph of operators; the exporter writes none of it
OTHERS = ("functions", "training_info")
IN_GRAPH = ("sparse_initializer", "quantization_annotation")


def compare_models(where: str, committed: Path, retrained: Path, tolerance: Tolerance) -> Iterator[Difference]:
    """The differences in structure and trees between two ONNX files. The retrained one is trusted to be one."""
    now = onnx.load(retrained)
    try:
        before = onnx.load(committed, load_external_data=False)
    except Exception as error:  # protobuf has a class of its own for each kind of damage
        yield Difference(where, f"no ONNX model ({type(error).__name__})", "a model")
        return
    yield from _compare_protos(where, before, now, tolerance)
    yield from _compare_tables(where, before, now, tolerance)


def _compare_protos(
    where: str, before: onnx.ModelProto, now: onnx.ModelProto, tolerance: Tolerance
) -> Iterator[Difference]:
    versions = [{one.domain: one.version for one in model.opset_import} for model in (before, now)]
    if versions[0] != versions[1]:
        yield Difference(f"{where}: versions of the operators", *versions)
    for part in OTHERS:
        if getattr(before, part) or getattr(now, part):
            yield Difference(f"{where}: {part}", len(getattr(before, part)), len(getattr(now, part)))
    yield from _compare_graphs(where, before.graph, now.graph, tolerance)


def _compare_graphs(
    where: str, before: onnx.GraphProto, now: onnx.GraphProto, tolerance: Tolerance
) -> Iterator[Difference]:
    sides = before, now
    for part in IN_GRAPH:
        if any(getattr(side, part) for side in sides):
            yield Difference(f"{where}: {part}", *(len(getattr(side, part)) for side in sides))
    for part in ("input", "output"):
        values = [[one.SerializeToString(deterministic=True) for one in getattr(side, part)] for side in sides]
        if values[0] != values[1]:
            yield Difference(f"{where}: {part}s", *(_names(getattr(side, part)) for side in sides))
    if len(before.node) != len(now.node):
        yield Difference(f"{where}: operators", *(_operators(side) for side in sides))
        return
    for number, (old, new) in enumerate(zip(before.node, now.node, strict=True), 1):
        yield from _compare_nodes(f"{where}: operator {number}", old, new, tolerance)
    constants = [{one.name: one for one in side.initializer} for side in sides]
    if constants[0].keys() != constants[1].keys():
        yield Difference(f"{where}: constants", *(_some(one) for one in constants))
        return
    for name, new_one in constants[1].items():
        yield from _compare_constants(f"{where}: {name}", constants[0][name], new_one)


def _compare_nodes(
    where: str, before: onnx.NodeProto, now: onnx.NodeProto, tolerance: Tolerance
) -> Iterator[Difference]:
    shapes = [(one.domain, one.op_type, [*one.input], [*one.output]) for one in (before, now)]
    attributes = [{one.name: one for one in side.attribute} for side in (before, now)]
    if shapes[0] != shapes[1]:
        yield Difference(where, *(f"{kind} of {', '.join(given)}" for _, kind, given, _ in shapes))
        return
    kinds = [{name: one.type for name, one in side.items()} for side in attributes]
    if kinds[0] != kinds[1]:
        yield Difference(f"{where}, {now.op_type}: attributes", *(_some(one) for one in attributes))
        return
    if now.op_type == TREES:
        yield from _compare_trees(where.rpartition(":")[0], _arrays(before), _arrays(now), tolerance)
        return
    for name, new in attributes[1].items():
        old = attributes[0][name]
        place = f"{where}, {now.op_type}: {name}"
        if new.type == onnx.AttributeProto.GRAPH:
            yield from _compare_graphs(place, old.g, new.g, tolerance)
        elif new.type == onnx.AttributeProto.TENSOR:
            yield from _compare_constants(place, old.t, new.t)
        elif new.type in (onnx.AttributeProto.FLOAT, onnx.AttributeProto.FLOATS):
            if len(old.floats) != len(new.floats):
                yield Difference(place, f"{len(old.floats)} numbers", f"{len(new.floats)} numbers")
        elif old.SerializeToString(deterministic=True) != new.SerializeToString(deterministic=True):
            yield Difference(place, *(str(helper.get_attribute_value(one)) for one in (old, new)))


def _compare_constants(where: str, before: onnx.TensorProto, now: onnx.TensorProto) -> Iterator[Difference]:
    shapes = [(onnx.TensorProto.DataType.Name(one.data_type), *one.dims, *_outside(one)) for one in (before, now)]
    if shapes[0] != shapes[1]:
        yield Difference(where, *(" ".join(map(str, shape)) for shape in shapes))
        return
    old, new = (numpy_helper.to_array(one) for one in (before, now))
    if new.dtype.kind != "f" and not np.array_equal(old, new):
        place = int(np.flatnonzero((old != new).ravel())[0])
        yield Difference(f"{where}, value {place + 1}", *(side.ravel()[place].item() for side in (old, new)))


def _outside(tensor: onnx.TensorProto) -> list[str]:
    """That a constant lies in another file, which the model would read where it is loaded."""
    return ["in another file"] if tensor.data_location == onnx.TensorProto.EXTERNAL else []


def _arrays(node: onnx.NodeProto) -> dict[str, NDArray]:
    """The attributes of a node as arrays."""
    values = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return {
        name: numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
        for name, value in values.items()
    }


def _compare_trees(
    where: str, before: dict[str, NDArray], now: dict[str, NDArray], tolerance: Tolerance
) -> Iterator[Difference]:
    roots = now["tree_roots"]
    # each tree has one leaf more than splits, and they are numbered tree by tree
    leaf_roots = roots + np.arange(len(roots))
    for name, new in now.items():
        old = before[name]
        if old.shape != new.shape or old.dtype != new.dtype:
            yield Difference(f"{where}: {name} of the trees", f"{old.size} values", f"{new.size} values")
            continue
        apart = np.flatnonzero(_apart(old, new, tolerance, name != "leaf_weights"))
        if not len(apart):
            continue
        worst = _worst(old, new, apart)
        told, at = f"{len(apart):,} of {len(new):,} values of {name}", f"value {worst + 1}"
        part = name.partition("_")[0]
        if part in PARTS:
            starts = leaf_roots if part == "leaf" else roots
            trees = np.searchsorted(starts, apart, side="right")
            tree = int(np.searchsorted(starts, worst, side="right"))
            told += f", in {len(np.unique(trees)):,} of {len(roots):,} trees"
            at = f"{PARTS[part]} {worst - int(starts[tree - 1]) + 1} of tree {tree}"
        yield Difference(f"{where}: {told}; most {at}", old[worst].item(), new[worst].item())


def _compare_tables(
    where: str, before: onnx.ModelProto, now: onnx.ModelProto, tolerance: Tolerance
) -> Iterator[Difference]:
    """Compare the tables of a QuickScorer, which answer in place of the trees where there are many rows."""
    entries = [
        {one.key: one.value for one in side.metadata_props if one.key.startswith(PREFIX)} for side in (before, now)
    ]
    if entries[0].keys() != entries[1].keys():
        yield Difference(f"{where}: tables of the trees", *(_some(one) for one in entries))
        return
    try:
        old_tables = QuickScorer.from_metadata(entries[0])
    except ValueError as error:
        yield Difference(f"{where}: tables of the trees", f"not to be read ({error})", "tables")
        return
    new_tables = QuickScorer.from_metadata(entries[1])
    if old_tables is None or new_tables is None:
        return
    for field in fields(QuickScorer):
        old, new = getattr(old_tables, field.name), getattr(new_tables, field.name)
        place = f"{where}: {field.name} in the tables of the trees"
        if field.name == LINK:
            yield from _compare_links(place, old, new, tolerance)
        elif old.shape != new.shape or old.dtype != new.dtype:
            yield Difference(place, f"{old.dtype} {old.shape}", f"{new.dtype} {new.shape}")
        elif len(apart := np.flatnonzero(_apart(old, new, tolerance, field.name != "leaves"))):
            worst = _worst(old, new, apart)
            at = (
                f"leaf {worst % new.shape[1] + 1} of tree {worst // new.shape[1] + 1}" if field.name == "leaves" else ""
            )
            told = f"{place}: {len(apart):,} of {new.size:,}; most {at or f'value {worst + 1}'}"
            yield Difference(told, old.ravel()[worst].item(), new.ravel()[worst].item())


def _compare_links(where: str, before: NDArray, now: NDArray, tolerance: Tolerance) -> Iterator[Difference]:
    try:
        old = onnx.load_from_string(before.tobytes())
    except Exception as error:
        yield Difference(where, f"no ONNX model ({type(error).__name__})", "a model")
        return
    yield from _compare_protos(where, old, onnx.load_from_string(now.tobytes()), tolerance)


def _apart(before: NDArray, now: NDArray, tolerance: Tolerance, of_inputs: bool) -> NDArray[np.bool_]:
    """Which values differ: whole numbers at all, others by more than the tolerance; flat."""
    old, new = before.ravel(), now.ravel()
    if new.dtype.kind != "f":
        return old != new
    floor = 0.0 if tolerance.relative else 1.0
    # answers are sums of leaves, so the largest of these counts; a split has the scale of its own input
    bound = TOLERANCE * (
        np.abs(new) if of_inputs else max(floor, float(np.abs(new[np.isfinite(new)]).max(initial=0.0)))
    )
    with np.errstate(invalid="ignore"):
        same = (np.abs(old - new) <= bound) | (old == new) | (np.isnan(old) & np.isnan(new))
    return ~same


def _worst(before: NDArray, now: NDArray, apart: NDArray[np.int64]) -> int:
    """The place of the largest of these differences; of what is no number, the first."""
    old, new = before.ravel()[apart], now.ravel()[apart]
    if new.dtype.kind not in "f":
        return int(apart[0])
    with np.errstate(invalid="ignore"):
        return int(apart[np.argmax(np.nan_to_num(np.abs(old - new), nan=np.inf))])


def _operators(graph: onnx.GraphProto) -> str:
    return f"{len(graph.node)}: {', '.join(node.op_type for node in graph.node)}"


def _names(values: Any) -> str:
    return ", ".join(value.name for value in values)


def _some(names: Any) -> str:
    """A few of some names, and how many there are."""
    listed = sorted(names)
    return f"{len(listed)}: {', '.join(listed[:5])}" if listed else "none"
