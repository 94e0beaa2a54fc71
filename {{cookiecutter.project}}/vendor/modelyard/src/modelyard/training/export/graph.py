"""Builds an ONNX graph, node by node, from its input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"


class Graph:
    """Nodes and constants, numbered in order so that the same model gives the same bytes.

    width: the number of columns of the input table.
    """

    def __init__(self, width: int, table: str = "features") -> None:
        self.input = table
        self._width = width
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append a node; return the name of its output."""
        output = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], domain=domain, **attributes))
        return output

    def constant(self, values: ArrayLike, dtype: type = np.float64) -> str:
        """Append a constant; return its name."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def columns(self, table: str, positions: ArrayLike) -> str:
        """These columns of a table."""
        return self.add("Gather", table, self.constant(positions, np.int64), axis=1)

    def double(self, values: str) -> str:
        """The values as float64."""
        return self.add("Cast", values, to=TensorProto.DOUBLE)

    def softmax(self, scores: str) -> str:
        """The softmax of each row."""
        return self.add("Softmax", scores, axis=1)

    def row_sum(self, table: str) -> str:
        """The sum of each row, (n, 1)."""
        return self.add("ReduceSum", table, self.constant([1], np.int64))

    def shares(self, table: str) -> str:
        """Each row divided by its sum; equal shares if that is zero."""
        total = self.row_sum(table)
        empty = self.add("Equal", total, self.constant(0.0))
        ones = self.add("Where", empty, self.constant(1.0), table)
        return self.add("Div", ones, self.row_sum(ones))

    def one_hot(self, column: str, values: ArrayLike) -> str:
        """A column for each value, 1 where `column` (n, 1) is that value; NaN is a value like others."""
        values = np.asarray(values, dtype=np.float64)
        parts = [self.double(self.add("Equal", column, self.constant(values[None, :])))]
        for place in np.flatnonzero(np.isnan(values)):
            is_missing = self.double(self.add("IsNaN", column))
            parts.append(self.add("Mul", is_missing, self.constant(np.eye(1, len(values), int(place)))))
        total = parts[0]
        for part in parts[1:]:
            total = self.add("Add", total, part)
        return total

    def count_at_most(self, column: str, edges: ArrayLike) -> str:
        """How many of the edges are at most the value of `column` (n, 1), as float64; 0 for NaN."""
        reached = self.add("GreaterOrEqual", column, self.constant(np.asarray(edges)[None, :]))
        return self.row_sum(self.double(reached))

    def smallest(self, table: str, count: int) -> tuple[str, str]:
        """The `count` smallest values of each row, in ascending order, and their positions."""
        values = f"TopK_{len(self._nodes)}"
        inputs = [table, self.constant([count], np.int64)]
        outputs = [values, f"{values}_places"]
        self._nodes.append(helper.make_node("TopK", inputs, outputs, axis=1, largest=0, sorted=1))
        return outputs[0], outputs[1]

    def polynomial(self, coefficients: ArrayLike, values: str) -> str:
        """The polynomial with these coefficients, the highest power first, by Horner's rule."""
        total = ""
        for coefficient in np.asarray(coefficients, dtype=np.float64):
            constant = self.constant(coefficient)
            total = self.add("Add", self.add("Mul", total, values), constant) if total else constant
        return total

    def lookup(self, positions: str, values: ArrayLike) -> str:
        """The values at positions (n, 1) given as float64."""
        return self.add("Gather", self.constant(values), self.add("Cast", positions, to=TensorProto.INT64))

    def interpolate(self, column: str, xs: ArrayLike, ys: ArrayLike) -> str:
        """`numpy.interp` of a column (n, 1): linear between the points, constant outside; NaN stays NaN."""
        xs, ys = np.asarray(xs, dtype=np.float64), np.asarray(ys, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = np.append(np.diff(ys) / np.diff(xs), 0.0)  # between equal xs there is no value
        slopes[~np.isfinite(slopes)] = 0.0
        inside = self.add("Clip", column, self.constant(xs[0]), self.constant(xs[-1]))
        count = self.count_at_most(inside, xs)
        place = self.add("Max", self.add("Sub", count, self.constant(1.0)), self.constant(0.0))
        step = self.add("Sub", inside, self.lookup(place, xs))
        value = self.add("Add", self.add("Mul", step, self.lookup(place, slopes)), self.lookup(place, ys))
        if len(xs) < 2 or xs[0] < xs[1]:
            return value
        below = self.add("Less", column, self.constant(xs[0]))  # here the first of equal points counts, at it the last
        return self.add("Where", below, self.constant(ys[0]), value)

    def model(self, last: str, metadata: Mapping[str, str] | None = None) -> onnx.ModelProto:
        """The checked model whose prediction is the output `last`, with these texts as metadata."""
        self._nodes.append(helper.make_node("Identity", [last], ["prediction"]))
        graph = helper.make_graph(
            self._nodes,
            "model",
            [helper.make_tensor_value_info(self.input, TensorProto.DOUBLE, [None, self._width])],
            [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, None])],
            self._constants,
        )
        # The newest operators and format that onnxruntime 1.32 reads
        opsets = [helper.make_opsetid("", 22), helper.make_opsetid(ML, 5)]
        proto = helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="pipeline.export")
        helper.set_model_props(proto, dict(metadata or {}))
        onnx.checker.check_model(proto)
        return proto
